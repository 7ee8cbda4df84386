"""Commands that work on a Dask cluster of processes of its own, given by address."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager

import numpy as np
import pandas as pd
import pytest

import saddlehop as sh

pytest.importorskip("pyarrow")
pytest.importorskip("distributed")

FUNCTION = """
import time
def measure(problem, start, rng):
    time.sleep(0.02)
    return {"draw": rng.random()}
"""
NOBODY = r"where no Dask scheduler answers \(\w+\); start one, or pass its address, such as .*\.\n"
GONE = (
    r"Error: The scheduler of the cluster is gone \(\w+\); start one, and do the same again.*\.\n"
)


def command(*words):
    return [sys.executable, "-m", "saddlehop", *map(str, words)]


def run(*words):
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=120)


@contextmanager
def process(words):
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Cluster:
    """A scheduler and two workers, processes of one thread that listen on free ports."""

    def __init__(self, stack, folder):
        file = folder / "scheduler.json"
        file.unlink(missing_ok=True)
        start = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
        options = [
            "--port",
            "0",
            "--no-dashboard",
            "--idle-timeout",
            "100",
            "--scheduler-file",
            file,
        ]
        self.scheduler = self._start(stack, [*start, *options])
        until(file.exists)
        time.sleep(0.1)  # until it is written
        self.address = json.loads(file.read_text())["address"]
        start = [sys.executable, "-m", "distributed.cli.dask_worker", self.address]
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", folder]
        self.workers = [self._start(stack, [*start, *options]) for _ in range(2)]
        until(lambda: self.n_workers() == 2)

    @staticmethod
    def _start(stack, words):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started = stack.enter_context(subprocess.Popen(words, **quiet))
        stack.callback(started.kill)
        return started

    def n_workers(self):
        """How many workers the scheduler knows."""
        return self._ask(lambda dask_scheduler: len(dask_scheduler.workers))

    def is_under_way(self):
        """Whether the jump process is past its first two rounds, of a share for each worker."""
        names = self._ask(lambda dask_scheduler: list(map(str, dask_scheduler.tasks)))
        return sum("-state-" in name for name in names) > 4

    def _ask(self, function):
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            return client.run_on_scheduler(function)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def spec(tmp_path):
    """A spec of 300 trials of 20 ms in batches of about ten."""
    (tmp_path / "napping_function.py").write_text(FUNCTION)
    file = tmp_path / "spec.toml"
    file.write_text(
        'compute = "napping_function:measure"\nn_samples = 4000\nwidth = 100\nrepeats = 300\n'
    )
    return file


@pytest.fixture
def samples(tmp_path):
    """A file of twenty row groups, of more samples than are brought together at once."""
    rng, n = np.random.default_rng(0), 2_000_000
    file = tmp_path / "samples.parquet"
    table = pd.DataFrame({"y": rng.standard_normal(n), "norm": rng.uniform(0.5, 2, n)})
    table.to_parquet(file, row_group_size=n // 20)
    return file


def has_rows(out):
    return lambda: out.exists() and any(out.glob("trials-*"))


def test_sweep_with_a_worker_killed_then_the_scheduler_and_goes_on(stack, tmp_path, spec):
    out, cluster = tmp_path / "out", Cluster(stack, tmp_path)
    with process(command("sweep", spec, "--out", out, "--scheduler", cluster.address)) as sweeping:
        until(has_rows(out))
        cluster.workers[0].kill()
        seen = len(list(out.glob("trials-*")))
        until(lambda: len(list(out.glob("trials-*"))) > seen + 1)  # the other works on
        assert sweeping.poll() is None
        cluster.scheduler.kill()
        stdout, stderr = sweeping.communicate(timeout=20)
    assert (sweeping.returncode, stdout) == (2, "")
    assert_one_sentence(stderr, GONE)
    kept = sh.read_sweep(out)
    assert 0 < len(kept) < 300
    second = Cluster(stack, tmp_path)
    done = run("sweep", spec, "--out", out, "--scheduler", second.address)
    assert (done.returncode, done.stderr) == (0, "")
    frame = sh.read_sweep(out)
    again = frame[frame["trial"].isin(kept["trial"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, kept, check_exact=True)
    alone = sh.sweep(spec, tmp_path / "alone", workers=1)
    pd.testing.assert_frame_equal(frame, alone, check_exact=True)


def test_jumps_with_a_worker_killed_then_the_scheduler(stack, tmp_path, samples):
    cluster = Cluster(stack, tmp_path)
    words = ("jumps", samples, "--json")
    with process(command(*words, "--scheduler", cluster.address)) as solving:
        until(cluster.is_under_way)
        cluster.workers[0].kill()
        assert solving.poll() is None
        stdout, stderr = solving.communicate(timeout=100)
    assert (solving.returncode, stderr) == (0, "")
    assert stdout == run(*words).stdout
    with process(command(*words, "--scheduler", cluster.address)) as solving:
        until(cluster.is_under_way)
        cluster.scheduler.kill()
        stdout, stderr = solving.communicate(timeout=20)
    assert (solving.returncode, stdout) == (2, "")
    assert_one_sentence(stderr, GONE)


@pytest.mark.parametrize("command", ["sweep", "jumps"])
def test_a_wrong_address_is_one_sentence_at_once(tmp_path, spec, samples, command):
    words = {"sweep": [spec, "--out", tmp_path / "out"], "jumps": [samples]}[command]
    start = time.monotonic()
    failed = run(command, *words, "--scheduler", "tcp://127.0.0.1:1")
    assert time.monotonic() - start < 9  # Python starts in seconds; connecting would take ten
    assert (failed.returncode, failed.stdout) == (2, "")
    assert_one_sentence(failed.stderr, "Error: .*'tcp://127.0.0.1:1', " + NOBODY)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1", "ConnectionRefusedError"),
        ("tcp://no-such-host.invalid:8786", "gaierror"),
        ("nonsense", "ValueError"),
        ("smoke://signal:1", "ValueError"),
        ("", "ValueError"),
        (8786, "TypeError"),
    ],
)
def test_addresses_that_are_none(address, reason):
    start = time.monotonic()
    with pytest.raises(sh.SaddlehopError, match=rf"no Dask scheduler answers \({reason}\)"):
        sh.solve_jumps_blocks(sh.SampleBlocks.draw(10, 2, rng=0), address)
    assert time.monotonic() - start < 9


@pytest.mark.parametrize("hangs_up", [False, True])
def test_something_else_listens(monkeypatch, hangs_up):
    monkeypatch.setattr("saddlehop.blocks.cluster.CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        if hangs_up:
            threading.Thread(target=lambda: server.accept()[0].close()).start()
        reason = "Connection" if hangs_up else "TimeoutError"
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(sh.SaddlehopError, match=rf"no Dask scheduler answers \({reason}"):
            sh.solve_jumps_blocks(sh.SampleBlocks.draw(10, 2, rng=0), address)


def assert_one_sentence(text, pattern):
    assert re.fullmatch(pattern, text), text
