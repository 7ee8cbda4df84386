"""Sweeps: what they run, what they refuse, and that nothing stops them for good."""

import json
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import saddlehop as sh
from helpers import local_cluster
from saddlehop.sweeps import Spec
from saddlehop.sweeps.run import _batches, _Rate

pytest.importorskip("pyarrow")

SMALL = {"compute": "jumps", "n_samples": [5, 20], "width": [3, 8], "repeats": 5}

SLOW = """
import time
from pathlib import Path
def measure(problem, start, rng):
    time.sleep(0.005)
    return {"draw": rng.random(), "positive": int((problem.y > 0).sum())}
"""
RUN = """
import sys
import saddlehop.sweeps.run as run
run.BATCH_SECONDS = 0.03
if __name__ == "__main__":
    from saddlehop.sweeps import Spec
    run.sweep(Spec.read(sys.argv[1]), sys.argv[2], workers=int(sys.argv[3]))
"""


@pytest.fixture
def slow_spec(tmp_path):
    """A spec of 600 trials of some milliseconds each, and a script that runs it."""
    (tmp_path / "slow_function.py").write_text(SLOW)
    (tmp_path / "run_sweep.py").write_text(RUN)
    spec = tmp_path / "spec.toml"
    spec.write_text(
        'compute = "slow_function:measure"\nn_samples = [3, 4, 5]\nwidth = 2\nrepeats = 200\n'
    )
    return spec


def start_sweep(spec, out, workers=1, **options):
    script = spec.parent / "run_sweep.py"
    return subprocess.Popen([sys.executable, script, spec, out, str(workers)], **options)


class TestNumbers:
    def test_rows_are_those_of_the_functions_called_by_hand(self, tmp_path):
        frame = sh.sweep(SMALL, tmp_path, workers=1)
        assert len(frame) == 20
        assert frame["trial"].tolist() == list(range(20))
        assert frame.attrs["complete"]
        for row in frame.itertuples():
            rng = np.random.default_rng(row.seed)
            problem = sh.make_orthogonal(row.n_samples, row.labels, row.norms, rng)
            jumps = sh.solve_jumps(problem, sh.ActiveSets.draw(problem, row.width, rng))
            assert row.interpolates == jumps.interpolates
            assert row.n_jumps == jumps.n_jumps
            np.testing.assert_equal(row.sq_norm, jumps.sq_norms[-1])
            assert row.least_sq_norm == pytest.approx(
                sh.min_norm_interpolator(problem).sq_norm, rel=1e-14
            )
            assert row.final_loss == jumps.losses[-1]
            if jumps.n_jumps:
                assert (row.first_clock, row.last_clock) == (jumps.times[0], jumps.times[-1])

    def test_flow_rows(self, tmp_path):
        spec = {
            "compute": "flow",
            "n_samples": 6,
            "width": 8,
            "init_scale": ["1e-8", "1e-1000"],
            "repeats": 2,
            "law": "gaussian",
        }
        frame = sh.sweep(spec, tmp_path, workers=1)
        assert frame["log10_init_scale"].tolist() == pytest.approx([-8, -1000, -8, -1000])
        row = frame.iloc[3]
        rng = np.random.default_rng(row.seed)
        problem = sh.make_orthogonal(6, rng=rng)
        init = sh.Initialization.draw(problem, 8, "gaussian", rng)
        flow = sh.simulate_flow(problem, init, init_scale="1e-1000")
        jumps = sh.solve_jumps(problem, init)
        assert row.sq_norm == flow.sq_norms[-1]
        assert row.limit_sq_norm == jumps.sq_norms[-1]
        assert row.n_active == sum(map(len, jumps.neurons))
        assert row.first_clock == pytest.approx(jumps.times[0], rel=0.01)
        assert row.interpolates == jumps.interpolates

    def test_coverage_follows_the_formula(self, tmp_path):
        spec = {"compute": "coverage", "n_samples": 30, "width": 12, "repeats": 400}
        frame = sh.sweep(spec | {"law": ["balanced", "gaussian"]}, tmp_path, workers=1)
        balanced = frame[frame["law"] == "balanced"]
        chance = sum(
            math.comb(30, p) / 2**30 * sh.interpolation_probability(p, 30 - p, 12)
            for p in range(31)
        )
        assert abs(balanced["interpolates"].mean() - chance) < 4 * math.sqrt(
            chance * (1 - chance) / 400
        )
        assert ((frame["n_uncovered"] == 0) == frame["interpolates"]).all()

    def test_workers_and_cluster_change_no_number(self, tmp_path):
        alone = sh.sweep(SMALL, tmp_path / "alone", workers=1)
        pd.testing.assert_frame_equal(sh.sweep(SMALL, tmp_path / "two", workers=2), alone)
        with local_cluster(2, processes=False) as client:
            on_cluster = sh.sweep(SMALL, tmp_path / "cluster", scheduler=client)
        pd.testing.assert_frame_equal(on_cluster, alone)

    def test_seeds_differ_between_trials_and_follow_the_sweep_s(self, tmp_path):
        spec = Spec.parse(SMALL)
        seeds = [spec.trial_seed(i) for i in range(spec.n_trials)]
        assert len(set(seeds)) == spec.n_trials
        assert seeds == [Spec.parse(SMALL).trial_seed(i) for i in range(spec.n_trials)]
        assert seeds[0] != Spec.parse(SMALL | {"seed": 1}).trial_seed(0)

    def test_batches_cover_the_runs_once_and_grow_with_the_rate(self):
        spec = Spec.parse(SMALL | {"repeats": 1000})
        runs = [range(700), range(705, 4000)]
        rate = _Rate()
        rate.value = 1e6
        batches = list(_batches(spec, runs, rate))
        covered = [trial for batch in batches for trial in batch]
        assert covered == [trial for run in runs for trial in run]
        rate.value = 1e4
        assert len(list(_batches(spec, runs, rate))) > 10 * len(batches)


class TestFailures:
    def test_a_trial_that_fails_is_a_row_with_its_error(self, tmp_path, monkeypatch):
        (tmp_path / "odd_function.py").write_text(
            "def measure(problem, start, rng):\n"
            "    if problem.n_samples == 2:\n        raise RuntimeError('no twos')\n"
            "    if problem.n_samples == 3:\n        return 3\n"
            "    if problem.n_samples == 4:\n        return {'trial': 1}\n"
            "    if problem.n_samples == 5:\n        return {'x': [1, 2]}\n"
            "    return {'x': 1.5}\n"
        )
        spec = tmp_path / "spec.toml"
        spec.write_text(
            'compute = "odd_function:measure"\nn_samples = [1, 2, 3, 4, 5, 6]\nwidth = 2\n'
        )
        frame = sh.sweep(spec, tmp_path / "out", workers=1)
        assert frame["x"].fillna(0).tolist() == [1.5, 0, 0, 0, 0, 1.5]
        for error, words in zip(
            frame["error"], ("", "no twos", "returned a int", "named 'trial'", "list for 'x'", ""),
            strict=True,
        ):  # fmt: skip
            assert words in error
            assert bool(words) == bool(error)

    def test_a_trial_that_kills_its_process_is_a_row_too(self, tmp_path):
        (tmp_path / "deadly_function.py").write_text(
            "import os\ndef measure(problem, start, rng):\n"
            "    if problem.n_samples == 2:\n        os._exit(9)\n    return {'x': rng.random()}\n"
        )
        spec = tmp_path / "spec.toml"
        spec.write_text('compute = "deadly_function:measure"\nn_samples = [1, 2, 3]\nwidth = 2\n')
        frame = sh.sweep(spec, tmp_path / "out", workers=2)
        assert frame["x"].isna().tolist() == [False, True, False]
        assert "process died" in frame["error"][1]

    def test_sweeps_killed_twenty_times_lose_and_double_nothing(self, tmp_path, slow_spec):
        undisturbed = sh.sweep(slow_spec, tmp_path / "whole", workers=1)
        out, moments = tmp_path / "killed", random.Random(0)
        for kill in range(20):
            process = start_sweep(slow_spec, out, workers=2 if kill % 5 == 4 else 1)
            seen = set(out.glob("trials-*")) if out.exists() else set()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                if out.exists() and set(out.glob("trials-*")) != seen:
                    break
                time.sleep(0.005)
            time.sleep(moments.uniform(0, 0.05))
            process.kill()
            process.wait()
        so_far = sh.read_sweep(out)
        assert 20 <= len(so_far) < 600  # each run got somewhere, none to the end
        resumed = sh.sweep(slow_spec, out, workers=1)
        pd.testing.assert_frame_equal(resumed, undisturbed, check_exact=True)
        assert not list(out.glob(".*"))

    def test_nothing_keeps_running_when_the_sweep_is_killed(self, tmp_path, slow_spec):
        out = tmp_path / "out"
        process = start_sweep(slow_spec, out, workers=2, stdout=subprocess.PIPE)
        while not (out.exists() and list(out.glob("trials-*"))):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.communicate(timeout=20)  # returns when all that hold its output are gone

    def test_a_worker_of_a_cluster_killed_in_the_middle_changes_nothing(self, tmp_path):
        spec = SMALL | {"repeats": 400}
        alone = sh.sweep(spec, tmp_path / "alone", workers=1)
        with local_cluster(2) as client:
            result = []
            sweeping = threading.Thread(
                target=lambda: result.append(sh.sweep(spec, tmp_path / "out", scheduler=client))
            )
            victim = min(client.run(os.getpid).values())
            sweeping.start()
            time.sleep(0.3)
            assert sweeping.is_alive()
            os.kill(victim, signal.SIGKILL)
            sweeping.join(timeout=120)
        pd.testing.assert_frame_equal(result[0], alone)

    def test_a_damaged_file_is_named_and_its_trials_run_again(self, tmp_path):
        frame = sh.sweep(SMALL, tmp_path, workers=1)
        (file,) = tmp_path.glob("trials-*")
        file.write_bytes(file.read_bytes()[:-50])
        with pytest.raises(sh.SaddlehopError, match=f"'{file.name}' in .* is damaged"):
            sh.read_sweep(tmp_path)
        again = sh.sweep(SMALL, tmp_path, workers=1)
        assert again.attrs["damaged"] == [file.name]
        pd.testing.assert_frame_equal(again, frame)

    def test_two_sweeps_into_one_folder(self, tmp_path, slow_spec):
        out = tmp_path / "out"
        process = start_sweep(slow_spec, out)
        try:
            while not (out / "spec.json").exists():
                assert process.poll() is None
                time.sleep(0.01)
            with pytest.raises(sh.SaddlehopError, match="Another sweep is writing to"):
                sh.sweep(slow_spec, out, workers=1)
        finally:
            process.kill()
            process.wait()

    def test_another_spec_on_an_old_folder(self, tmp_path):
        sh.sweep(SMALL, tmp_path, workers=1)
        with pytest.raises(sh.SaddlehopError, match=r'-"repeats": 5; \+"repeats": 4'):
            sh.sweep(SMALL | {"repeats": 4}, tmp_path, workers=1)
        with pytest.raises(sh.SaddlehopError, match=r'-"seed": 0; .*\+"seed": 1'):
            sh.sweep(SMALL | {"repeats": 6, "seed": 1}, tmp_path, workers=1)
        assert sh.read_sweep(tmp_path).attrs["complete"]

    def test_a_folder_that_numbers_trials_in_another_order(self, tmp_path):
        frame = sh.sweep(SMALL, tmp_path, workers=1)
        file = tmp_path / "spec.json"
        document = json.loads(file.read_text())
        del document["order"]
        file.write_text(json.dumps(document))
        with pytest.raises(sh.SaddlehopError, match="numbered trials in another order"):
            sh.sweep(SMALL, tmp_path, workers=1)
        pd.testing.assert_frame_equal(sh.read_sweep(tmp_path), frame)

    @pytest.mark.parametrize("options", ["size=40k", "ro"])
    def test_no_room_and_no_permission(self, tmp_path, options):
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("needs the right to mount a file system")
        try:
            spec = SMALL | {"repeats": 2000}
            with pytest.raises(sh.SaddlehopError, match=r"Cannot write to .*(No space|Read-only)"):
                sh.sweep(spec, disk / "out", workers=1)
            if options != "ro":
                done = sh.read_sweep(disk / "out")  # what is there is whole
                assert done["trial"].tolist() == list(range(len(done)))
                assert not list((disk / "out").glob(".*"))
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_foreign_folders(self, tmp_path):
        with pytest.raises(sh.SaddlehopError, match="holds no sweep"):
            sh.read_sweep(tmp_path)
        (tmp_path / "spec.json").write_text("{")
        with pytest.raises(sh.SaddlehopError, match="is damaged"):
            sh.sweep(SMALL, tmp_path, workers=1)


class TestSpec:
    GOOD = 'compute = "jumps"\nn_samples = 10\nwidth = 5\n'

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (GOOD + "n_sample = 3", "Line 4: `n_sample` is not a key"),
            ('compute = "jumps"\nn_samples = [3, -5]\nwidth = 5', "Line 2: `n_samples` is -5"),
            ('compute = "jumps"\nn_samples = []\nwidth = 5', "Line 2: `n_samples` is an empty list"),
            ('compute = "jumps"\nn_samples = [3, 3]\nwidth = 5', "Line 2: .* gives a value twice"),
            ('compute = "jumps"\nn_samples = 3.5\nwidth = 5', "Line 2: `n_samples` is '3.5'"),
            ('n_samples = 3\nwidth = 5\n\ncompute = "flow"\ninit_scale = 0', "Line 5: .* is '0'"),
            ('n_samples = 3\nwidth = 5\ncompute = "flow"\ninit_scale = 0.0', "Line 4: .* is '0.0'"),
            ('n_samples = 3\nwidth = 5\ncompute = "flow"', "`init_scale` is missing"),
            (GOOD + "init_scale = 1e-3", "Line 4: `init_scale` is given but"),
            ('compute = "no_such:thing"\nn_samples = 3\nwidth = 5', "Line 1: .*cannot be imported"),
            ('compute = "math:no"\nn_samples = 3\nwidth = 5', "Line 1: .*cannot be imported"),
            ('compute = "math:pi"\nn_samples = 3\nwidth = 5', "Line 1: .*not a function"),
            ('compute = "sums"\nn_samples = 3\nwidth = 5', "Line 1: .*pass one of 'jumps'"),
            ('n_samples = 3\nwidth = 5', "`compute` is missing"),
            (GOOD + 'labels = "odd"', "Line 4: `labels` is 'odd'"),
            (GOOD + "repeats = 0", "Line 4: `repeats` is 0"),
            (GOOD + "seed = -1", "Line 4: `seed` is -1"),
            (GOOD + "rtol = 2", "Line 4: `rtol` is 2"),
            (GOOD + 'law = "gaussian"\nstart = "sets"', 'Line 5: .*balanced and dominated only'),
            ("compute = ", "not a readable TOML file"),
            (GOOD.replace("5", "1" + 400 * "0"), "`width` is above 9223372036854775807"),
            (GOOD.replace("5", 6000 * "1"), "not a readable TOML file"),
            (GOOD + "seed = 1" + 400 * "0", "Line 4: `seed` is above"),
            (GOOD + "rtol = 1" + 400 * "0", "Line 4: `rtol` is <int>"),
            (GOOD + "[repeats]\nx = 1", "Line 4: `repeats` is"),
        ],
    )  # fmt: skip
    def test_bad_specs(self, tmp_path, text, message):
        file = tmp_path / "spec.toml"
        file.write_text(text)
        with pytest.raises(sh.SaddlehopError, match=message):
            Spec.read(file)

    def test_missing_file_and_wrong_type(self, tmp_path):
        with pytest.raises(sh.SaddlehopError, match="not a readable TOML"):
            sh.sweep(tmp_path / "none.toml", tmp_path)
        with pytest.raises(sh.SaddlehopError, match="of type int"):
            sh.sweep(3, tmp_path)
        with pytest.raises(sh.SaddlehopError, match="both given"):
            sh.sweep(SMALL, tmp_path, workers=1, scheduler="tcp://x:1")

    def test_tiny_scales_are_not_rounded(self, tmp_path):
        file = tmp_path / "spec.toml"
        file.write_text('compute = "flow"\nn_samples = 3\nwidth = 2\ninit_scale = [1e-1000, 0.5]\n')
        assert Spec.read(file).init_scale == ("1e-1000", "0.5")


def test_command(tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text('compute = "coverage"\nn_samples = [3, 9]\nwidth = 4\nrepeats = 3\n')
    command = [sys.executable, "-m", "saddlehop", "sweep", spec, "--out", tmp_path / "out"]
    done = subprocess.run([*command, "--workers", "1"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("6 trials in")
    assert len(sh.read_sweep(tmp_path / "out")) == 6
    versions = json.loads((tmp_path / "out" / "spec.json").read_text())["versions"]
    assert versions["saddlehop"] == sh.__version__
    spec.write_text("width = 0")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["phase_diagram", "norm_law", "finite_scale"])
def test_examples_are_right(name):
    file = Path(__file__).parents[2] / "examples" / f"{name}.toml"
    if not file.exists():
        pytest.skip("the examples are not installed with the package")
    assert Spec.read(file).n_trials > 100


@pytest.mark.parametrize("key", ["compute", "n_samples", "width", "labels", "seed", "init_scale"])
def test_numbers_that_python_cannot_write_get_one_sentence(tmp_path, key):
    spec = {"compute": "flow", "n_samples": 3, "width": 2, "init_scale": 1e-8, key: 10**5000}
    with pytest.raises(sh.SaddlehopError, match=f"`{key}"):
        sh.sweep(spec, tmp_path)
