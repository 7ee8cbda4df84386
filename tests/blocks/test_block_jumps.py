"""The jump process on blocks: bit for bit that of samples held in one piece."""

import os
import signal
import threading
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import saddlehop as sh
from helpers import local_cluster, problems
from saddlehop.blocks.cluster import WorkerTeam
from saddlehop.limit import jumps as jumps_module
from saddlehop.limit.block_process import run
from saddlehop.limit.block_work import Block
from saddlehop.limit.thread_teams import FrugalTeam, ThreadTeam

NUMBERS = ("times", "losses", "sq_norms", "sq_norm_bounds", "exponents", "escape_rates", "margins")


@pytest.fixture(autouse=True, scope="module")
def few():
    """Go round to the end: these problems are so small that they would be brought together at once."""
    with pytest.MonkeyPatch.context() as patch:
        bring_together(patch, 0)
        yield


def bring_together(patch, few):
    """Let all teams bring their samples together when that many are open."""
    for team in (ThreadTeam, FrugalTeam, WorkerTeam):
        patch.setattr(team, "few", few)


def assert_identical(path, other):
    assert path.neurons == other.neurons
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(path, name), getattr(other, name), err_msg=name)


def solved(n_samples=20000, width=40, labels="sign", norms="unit", seed=0):
    problem = sh.make_orthogonal(n_samples, labels, norms, rng=seed)
    sets = sh.ActiveSets.draw(problem, width, rng=seed)
    return problem, sets, sh.solve_jumps(problem, sets)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    """Samples in two files of several row groups, and their jumps in one piece."""
    folder = tmp_path_factory.mktemp("samples")
    problem, _, _ = solved(labels="uniform", norms="lognormal")
    frame = pd.DataFrame({"y": problem.y, "norm": problem.norms})
    frame[:12000].to_parquet(folder / "a.parquet", row_group_size=5000)
    frame[12000:].to_parquet(folder / "b.parquet", row_group_size=777)
    return folder, sh.solve_jumps(problem, sh.ActiveSets.draw(problem, 40, rng=7))


@pytest.mark.parametrize(("labels", "norms"), [("sign", "unit"), ("gaussian", "lognormal")])
@pytest.mark.parametrize("width", [3, 40, 70])
@pytest.mark.parametrize("few", [0, 700, 5000])
def test_threads_give_the_bits_of_one_piece(monkeypatch, labels, norms, width, few):
    problem, sets, whole = solved(5000, width, labels, norms)
    bring_together(monkeypatch, few)
    monkeypatch.setattr(jumps_module, "MANY_WORDS", 500)
    monkeypatch.setattr(jumps_module, "n_threads", lambda: 1000)
    cut = sh.solve_jumps(problem, sets)
    assert_identical(cut, whole)
    assert [s.tolist() for s in cut.samples] == [s.tolist() for s in whole.samples]
    assert cut.unfit.tolist() == whole.unfit.tolist()


@pytest.mark.parametrize("block_size", [10**3, 10**4, 10**5, 10**6])
def test_block_size_changes_no_bit(block_size):
    problem, sets, whole = solved()
    path = sh.solve_jumps_blocks(sh.SampleBlocks.from_sets(problem, sets, block_size))
    assert_identical(path, whole)
    assert path.n_fitted.tolist() == [samples.size for samples in whole.samples]
    assert path.interpolates == whole.interpolates
    assert path.least_sq_norm == pytest.approx(sh.min_norm_interpolator(problem).sq_norm, rel=1e-14)
    pd.testing.assert_frame_equal(path.to_frame(), whole.to_frame(), check_exact=True)


@given(
    problems(), st.integers(1, 7), st.integers(0, 99), st.integers(1, 4), st.sampled_from([0, 2, 9])
)
def test_small_and_degenerate_problems(problem, width, seed, block_size, few):
    rng = np.random.default_rng(seed)
    active = rng.random((width, problem.n_samples)) < rng.choice([0.2, 0.5, 0.8])
    sets = sh.ActiveSets.from_bool(active, rng.choice([-1, 0, 1], width))
    whole = sh.solve_jumps(problem, sets)
    with pytest.MonkeyPatch.context() as patch:
        bring_together(patch, few)
        path = sh.solve_jumps_blocks(sh.SampleBlocks.from_sets(problem, sets, block_size))
    assert_identical(path, whole)
    assert path.n_unfit == whole.unfit.size
    assert (path.n_positive, path.n_negative) == (sum(problem.y > 0), sum(problem.y < 0))
    assert path.least_sq_norm == pytest.approx(sh.min_norm_interpolator(problem).sq_norm, rel=1e-14)


def test_blocks_that_do_not_fit_in_memory_are_made_again(parquet):
    folder, whole = parquet
    loads = []

    @dataclass(frozen=True)
    class Counted:
        recipe: object

        def load(self):
            loads.append(self.recipe)
            return self.recipe.load()

    blocks = sh.SampleBlocks.from_parquet(folder, 40, 7, 1000)
    team = FrugalTeam([Counted(recipe) for recipe in blocks.recipes], room=0)
    course = run(team, blocks.n_samples, blocks.signs, jumps_module.TIE_TOL)
    assert course.times == whole.times.tolist()
    assert len(loads) > 20 * len(blocks.recipes)  # nothing was held
    del loads[:]
    small = FrugalTeam([Counted(recipe) for recipe in blocks.recipes], room=150_000)
    assert run(small, blocks.n_samples, blocks.signs, jumps_module.TIE_TOL).times == course.times
    assert len(loads) < 10 * len(blocks.recipes)  # what stays open after some jumps was held


@pytest.mark.parametrize("block_size", [10**3, 7777, 10**6])
def test_parquet_gives_the_bits_of_one_piece(parquet, block_size):
    folder, whole = parquet
    assert_identical(
        sh.solve_jumps_blocks(sh.SampleBlocks.from_parquet(folder, 40, 7, block_size)), whole
    )


@pytest.mark.parametrize("labels", ["gaussian", "sign", "uniform"])
@pytest.mark.parametrize("norms", ["unit", "lognormal", "uniform"])
def test_drawn_samples_follow_their_law_in_any_blocks(labels, norms):
    blocks = sh.SampleBlocks.draw(20000, 40, labels, norms, rng=1, block_size=999)
    loaded = [recipe.load() for recipe in blocks.recipes]
    other = sh.SampleBlocks.draw(20000, 40, labels, norms, rng=1, block_size=10**6)
    (whole,) = [recipe.load() for recipe in other.recipes]
    law = sh.make_orthogonal(20000, labels, norms, rng=0)
    if norms == "unit":
        assert {block.norms for block in (whole, *loaded)} == {None}
        whole, *loaded = (block._replace(norms=np.ones(len(block.y))) for block in (whole, *loaded))
    for column, parts in zip(whole, zip(*loaded, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), column)
    levels = np.linspace(0.02, 0.98, 8)
    for drawn, expected in ((whole.y, law.y), (whole.norms, law.norms)):
        np.testing.assert_allclose(
            np.quantile(drawn, levels), np.quantile(expected, levels), atol=0.06
        )
    assert_identical(sh.solve_jumps_blocks(blocks), sh.solve_jumps_blocks(other))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"y": [1.0, np.nan]}, "empty cells"),
        ({"y": [1.0, np.inf]}, "holds inf at index 1"),
        ({"y": ["a", "b"]}, "holds string|holds large_string"),
        ({"y": [1.0, 2.0], "norm": [1.0, -2.0]}, "holds -2.0 at index 1"),
        ({"z": [1.0]}, "has the columns z; pass one with `y`"),
        ({"y": np.empty(0)}, "has no rows"),
    ],
)
def test_bad_parquet(tmp_path, content, message):
    file = tmp_path / "samples.parquet"
    pd.DataFrame(content).to_parquet(file)
    with pytest.raises(sh.SaddlehopError, match=message):
        sh.solve_jumps_blocks(sh.SampleBlocks.from_parquet(file, 4, 0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sh.SampleBlocks.draw(10**3, 10**13), "GiB of this machine; pass fewer"),
        (lambda: sh.SampleBlocks.from_parquet(None, 4), "`path` is None; pass a path"),
        (lambda: sh.SampleBlocks.draw(10**8, 64, block_size=1), "pass at least 96"),
        (
            lambda: sh.SampleBlocks.draw(10**14, 64, block_size=10**11),
            "A block of 100000000000 samples",
        ),
        (lambda: sh.SampleBlocks.from_sets(1, 2), "`problem` is of type int"),
        (lambda: sh.solve_jumps_blocks(5), "`blocks` is of type int"),
        (lambda: sh.solve_jumps_blocks(drawn(), tie_tol=-1), "`tie_tol` is -1.0"),
    ],
)
def test_work_that_cannot_be_done_is_refused(call, message):
    with pytest.raises(sh.SaddlehopError, match=message):
        call()


def drawn():
    return sh.SampleBlocks.draw(10, 4, rng=0)


def test_files_that_are_missing_or_torn(tmp_path):
    with pytest.raises(sh.SaddlehopError, match="no Parquet file at"):
        sh.SampleBlocks.from_parquet(tmp_path / "none.parquet", 4)
    file = tmp_path / "torn.parquet"
    pd.DataFrame({"y": np.ones(1000)}).to_parquet(file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(sh.SaddlehopError, match=r"'torn.parquet' is not a readable Parquet file"):
        sh.SampleBlocks.from_parquet(file, 4)


@pytest.fixture(scope="module", params=[1, 2, 3])
def client(request):
    with local_cluster(request.param, processes=request.param > 1) as client:
        yield client


@pytest.mark.parametrize("block_size", [4000, 10**6])
def test_workers_change_no_bit(client, parquet, block_size):
    folder, whole = parquet
    blocks = sh.SampleBlocks.from_parquet(folder, 40, 7, block_size)
    assert_identical(sh.solve_jumps_blocks(blocks, client), whole)


def test_workers_hand_over_what_is_open(client, parquet, monkeypatch):
    folder, whole = parquet
    bring_together(monkeypatch, 3000)
    blocks = sh.SampleBlocks.from_parquet(folder, 40, 7, 1500)
    assert_identical(sh.solve_jumps_blocks(blocks, client), whole)


def test_an_error_on_a_worker_is_told(client, tmp_path):
    file = tmp_path / "samples.parquet"
    pd.DataFrame({"y": [1.0, 2.0], "norm": [1.0, 0.0]}).to_parquet(file)
    with pytest.raises(sh.SaddlehopError, match=r"holds 0.0 at index 1"):
        sh.solve_jumps_blocks(sh.SampleBlocks.from_parquet(file, 4, 0), client)


def test_a_worker_killed_in_the_middle_changes_no_bit(parquet, monkeypatch):
    folder, whole = parquet
    quick = WorkerTeam.each
    monkeypatch.setattr(WorkerTeam, "each", lambda *args: time.sleep(0.05) or quick(*args))
    blocks = sh.SampleBlocks.from_parquet(folder, 40, 7, 3000)
    with local_cluster(2) as client:
        result = []
        solving = threading.Thread(
            target=lambda: result.append(sh.solve_jumps_blocks(blocks, client))
        )
        first = set(client.run(os.getpid).values())
        solving.start()
        time.sleep(0.4)
        assert solving.is_alive()
        os.kill(min(first), signal.SIGKILL)
        solving.join(timeout=120)
        assert_identical(result[0], whole)
        assert set(client.run(os.getpid).values()) != first


def test_no_scheduler_there(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("saddlehop.blocks.cluster.CONNECT_SECONDS", 0.3)
    blocks = sh.SampleBlocks.draw(10, 2, rng=0)
    with pytest.raises(sh.SaddlehopError, match="no Dask scheduler answers"):
        sh.solve_jumps_blocks(blocks, "tcp://127.0.0.1:1")


def test_blocks_are_not_changed():
    problem, sets, _ = solved(1000, 20)
    block = Block(sets.words.copy(), problem.y, problem.norms)
    run(ThreadTeam([block]), 1000, sets.signs, 0.0)
    np.testing.assert_array_equal(block.words, sets.words)


def test_two_columns_of_one_name_are_refused(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    column = pa.array([1.0, 2.0])
    parquet.write_table(pa.table([column, column], names=["y", "y"]), tmp_path / "two.parquet")
    with pytest.raises(sh.SaddlehopError, match=r"'two.parquet' has two columns 'y'; remove one"):
        sh.SampleBlocks.from_parquet(tmp_path / "two.parquet", 4)


def test_widths_of_any_whole_type():
    assert sh.SampleBlocks.draw(10**6, np.int16(60), rng=0).width == 60
