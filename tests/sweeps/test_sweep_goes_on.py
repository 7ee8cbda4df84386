"""Sweeps that go on: failed trials again, more repeats, functions given as objects."""

import json
import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pandas as pd
import pytest

import saddlehop as sh
from helpers import local_cluster

pytest.importorskip("pyarrow")

SMALL = {"compute": "jumps", "n_samples": [5, 20], "width": [3, 8], "repeats": 5}
GRID = {"n_samples": [3, 4], "width": [2, 5], "repeats": 3}


def positives(problem, start, rng):
    """Count, and draw."""
    return {"positive": int((problem.y > 0).sum()), "draw": rng.random()}


def scaled(problem, start, rng, factor):
    """Draw."""
    return {"x": factor * rng.random()}


def rows(folder):
    """Every row in the files of a folder, in their order."""
    return pd.concat(map(pd.read_parquet, sorted(folder.glob("trials-*")))).to_dict("records")


class TestRepeats:
    def test_raised_repeats_add_trials_and_change_none(self, tmp_path):
        few = sh.sweep(SMALL, tmp_path / "raised", workers=1)
        files = {file: file.read_bytes() for file in (tmp_path / "raised").glob("trials-*")}
        raised = sh.sweep(SMALL | {"repeats": 8}, tmp_path / "raised", workers=1)
        assert all(file.read_bytes() == content for file, content in files.items())
        pd.testing.assert_frame_equal(raised.iloc[: len(few)], few, check_exact=True)
        at_once = sh.sweep(SMALL | {"repeats": 8}, tmp_path / "at once", workers=1)
        pd.testing.assert_frame_equal(raised, at_once, check_exact=True)
        assert (raised.groupby(["n_samples", "width"])["repeat"].agg(list).map(sorted)
                == [list(range(8))] * 4).all()  # fmt: skip
        assert raised["seed"].is_unique
        assert sh.read_sweep(tmp_path / "raised").attrs["complete"]

    def test_raised_before_the_first_were_all_run(self, tmp_path):
        whole = sh.sweep(SMALL | {"repeats": 8}, tmp_path / "whole", workers=1)
        sh.sweep(SMALL, tmp_path / "raised", workers=1)
        (file,) = (tmp_path / "raised").glob("trials-*")
        file.unlink()
        raised = sh.sweep(SMALL | {"repeats": 8}, tmp_path / "raised", workers=1)
        pd.testing.assert_frame_equal(raised, whole, check_exact=True)


class TestRetry:
    @pytest.fixture
    def moody(self, tmp_path):
        """A spec of twelve trials, four of which fail unless the file `mended` is there."""
        module = f"moody_of_{tmp_path.name}"  # a module is imported once in a process
        (tmp_path / f"{module}.py").write_text(
            "from pathlib import Path\n"
            "def measure(problem, start, rng):\n"
            "    if problem.n_samples == 4 and not (Path(__file__).parent / 'mended').exists():\n"
            "        raise RuntimeError('not today')\n"
            "    return {'x': rng.random()}\n"
        )
        spec = tmp_path / "spec.toml"
        spec.write_text(
            f'compute = "{module}:measure"\nn_samples = [3, 4, 5]\nwidth = 2\nrepeats = 4\n'
        )
        return spec

    def run(self, spec, out, *options):
        command = [sys.executable, "-m", "saddlehop", "sweep", spec, "--out", out, "--workers", "1"]
        return subprocess.run([*command, *options], capture_output=True, text=True)

    def test_the_command_runs_failed_trials_again_when_told(self, tmp_path, moody):
        out = tmp_path / "out"
        first = self.run(moody, out)
        assert "4 of 12 trials failed" in first.stderr
        assert "`--retry-failed` runs them again" in first.stderr
        before = sh.read_sweep(out)
        (tmp_path / "mended").touch()
        assert "4 of 12 trials failed" in self.run(moody, out).stderr  # not unasked
        again = self.run(moody, out, "--retry-failed")
        assert (again.returncode, again.stderr) == (0, "")
        after = sh.read_sweep(out)
        assert after.attrs["complete"]
        assert (after["error"] == "").all()
        assert sorted(row["trial"] for row in rows(out)) == list(range(12))
        kept = before["error"] == ""
        pd.testing.assert_frame_equal(after[kept], before[kept], check_exact=True)
        whole = sh.sweep(moody, tmp_path / "whole", workers=1)
        pd.testing.assert_frame_equal(after, whole, check_exact=True)

    def test_trials_that_fail_again(self, tmp_path, moody):
        first = sh.sweep(moody, tmp_path / "out", workers=1)
        again = sh.sweep(moody, tmp_path / "out", workers=1, retry_failed=True)
        assert (again["error"] != "").sum() == 4
        pd.testing.assert_frame_equal(again, first, check_exact=True)
        assert again.attrs["damaged"] == []

    def test_a_retry_that_is_stopped_goes_on_without_being_told_again(
        self, tmp_path, moody, monkeypatch
    ):
        sh.sweep(moody, tmp_path / "out", workers=1)
        (tmp_path / "mended").touch()

        def stop(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("saddlehop.sweeps.crews.run_trials", stop)
            with pytest.raises(KeyboardInterrupt):
                sh.sweep(moody, tmp_path / "out", workers=1, retry_failed=True)
        part = sh.read_sweep(tmp_path / "out")
        assert len(part) == 8
        assert not part.attrs["complete"]
        after = sh.sweep(moody, tmp_path / "out", workers=1)
        assert (after["error"] == "").all()
        assert after.attrs["complete"]

    def test_when_every_trial_failed(self, tmp_path, moody):
        moody.write_text(moody.read_text().replace("[3, 4, 5]", "4"))
        failed = self.run(moody, tmp_path / "out")
        assert failed.returncode == 2
        assert "again with `--retry-failed`" in failed.stderr
        (tmp_path / "mended").touch()
        assert self.run(moody, tmp_path / "out", "--retry-failed").returncode == 0
        assert (sh.read_sweep(tmp_path / "out")["error"] == "").all()


class TestFunctions:
    def test_a_function_of_a_module_is_its_import_path(self, tmp_path):
        given = sh.sweep(GRID | {"compute": positives}, tmp_path / "a", workers=1)
        by_path = sh.sweep(GRID | {"compute": f"{__name__}:positives"}, tmp_path / "b", workers=1)
        pd.testing.assert_frame_equal(given, by_path, check_exact=True)
        assert (tmp_path / "a" / "spec.json").read_text() == (
            tmp_path / "b" / "spec.json"
        ).read_text()

    def test_closures_in_processes_and_on_a_cluster(self, tmp_path):
        shift = np.array([0.5, 2.0])

        def measure(problem, start, rng):
            return positives(problem, start, rng) | {"sum": float(problem.y.sum() + shift.sum())}

        spec = GRID | {"compute": measure}
        alone = sh.sweep(spec, tmp_path / "alone", workers=1)
        assert (alone["error"] == "").all()
        for row in alone.itertuples():
            rng = np.random.default_rng(row.seed)
            problem = sh.make_orthogonal(row.n_samples, rng=rng)
            assert row.sum == problem.y.sum() + 2.5
        pd.testing.assert_frame_equal(sh.sweep(spec, tmp_path / "two", workers=2), alone)
        with local_cluster(1) as client:
            client.run(sys.path.extend, [path for path in sys.path if path])
            on_cluster = sh.sweep(spec, tmp_path / "cluster", scheduler=client)
        pd.testing.assert_frame_equal(on_cluster, alone)

    @pytest.mark.parametrize("make", [
        lambda k: lambda problem, start, rng: {"x": k * rng.random()},
        lambda k: partial(scaled, factor=k),
    ])  # fmt: skip
    def test_the_folder_goes_on_with_what_does_the_same_only(self, tmp_path, make):
        first = sh.sweep(GRID | {"compute": make(2)}, tmp_path, workers=1)
        raised = sh.sweep(GRID | {"compute": make(2), "repeats": 4}, tmp_path, workers=1)
        pd.testing.assert_frame_equal(raised.iloc[: len(first)], first, check_exact=True)
        with pytest.raises(sh.SaddlehopError, match=r"holds another sweep.*compute"):
            sh.sweep(GRID | {"compute": make(3), "repeats": 4}, tmp_path, workers=1)

    def test_what_cannot_be_sent(self, tmp_path):
        lock = threading.Lock()

        def measure(problem, start, rng):
            with lock:
                return {"x": 1}

        with pytest.raises(
            sh.SaddlehopError, match=r"`compute` is the function '.*measure', which cannot be sent"
        ):
            sh.sweep(GRID | {"compute": measure}, tmp_path, workers=1)

    SCRIPT = """
import sys
import saddlehop as sh

FACTOR = 3
LAWS = {"gaussian", "sign", "uniform"}

def helper(x):
    return FACTOR * x if "sign" in {"sign", "gaussian", "odd"} else x

def measure(problem, start, rng):
    return {"x": helper(rng.random()), "n": len([helper(v) for v in problem.y])}

if __name__ == "__main__":
    spec = {"compute": measure, "n_samples": 3, "width": 2, "repeats": int(sys.argv[2])}
    frame = sh.sweep(spec, sys.argv[1], workers=2)
    assert (frame["error"] == "").all(), frame["error"][0]
"""

    def test_a_script_run_again_goes_on_and_once_changed_does_not(self, tmp_path):
        script, out = tmp_path / "script.py", tmp_path / "out"

        def run(text, repeats):
            script.write_text(text)
            command = [sys.executable, script, out, str(repeats)]
            return subprocess.run(command, capture_output=True, text=True)

        assert run(self.SCRIPT, 5).stderr == ""
        first = sh.read_sweep(out)
        assert run("# a line more\n" + self.SCRIPT, 7).stderr == ""
        pd.testing.assert_frame_equal(sh.read_sweep(out).iloc[:5], first, check_exact=True)
        assert len(sh.read_sweep(out)) == 7
        changed = run(self.SCRIPT.replace("FACTOR = 3", "FACTOR = 4"), 7)
        assert "holds another sweep" in changed.stderr
        fields = json.loads("{" + json.loads((out / "spec.json").read_text())["spec"][0] + "}")
        assert fields["compute"].startswith("__main__:measure ")
