"""Trials at once: the rows, and the bytes of the files, of trials one by one."""

import io

import numpy as np
import pandas as pd
import pytest

import saddlehop as sh
from saddlehop.limit.kernels import batch as kernel
from saddlehop.model.datasets import LABELS, NORMS
from saddlehop.sweeps import Spec, batch, trials
from saddlehop.sweeps.trials import run_trial, run_trials

pytest.importorskip("pyarrow")


def spec_of(**values):
    return Spec.parse({"compute": "jumps", "n_samples": 20, "width": 5, "start": "sets"} | values)


def file_of(table):
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def one_by_one(spec, numbers, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(trials, "can_draw", lambda *_: False)
        return run_trials(spec, numbers)


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    """Numbers of trials that ran one by one; first see that no others need to."""
    for labels in LABELS:
        for norms in NORMS:
            assert trials._are_reproduced(labels, norms)
    alone = []
    monkeypatch.setattr(
        trials, "run_trial", lambda spec, trial: alone.append(trial) or run_trial(spec, trial)
    )
    return alone


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("norms", NORMS)
def test_files_are_the_same(monkeypatch, counted, labels, norms):
    grid = {"n_samples": [1, 2, 9, 150], "width": [1, 4, 65, 130], "repeats": 12, "seed": 3}
    spec = spec_of(labels=labels, norms=norms, **grid)
    at_once = run_trials(spec, range(5, spec.n_trials))
    assert not counted
    expected = one_by_one(spec, range(5, spec.n_trials), monkeypatch)
    assert len(counted) == spec.n_trials - 5
    pd.testing.assert_frame_equal(at_once.to_pandas(), expected.to_pandas(), check_exact=True)
    assert file_of(at_once) == file_of(expected)


def test_ties_of_all_kinds(counted):
    """Among signs ties are common, of neurons that share all, some and none of their samples."""
    spec = spec_of(n_samples=[4, 12], width=[6, 12, 70], labels="sign", repeats=60)
    frame = run_trials(spec, range(spec.n_trials)).to_pandas()
    rows = [run_trial(spec, trial) for trial in range(spec.n_trials)]
    assert not counted
    for name in ("n_ties", "sq_norm", "norm_ratio"):
        np.testing.assert_array_equal(frame[name], [row[name] for row in rows])
    assert (frame.n_ties > 0).mean() > 0.5
    known = frame[frame.n_ties > 0].sq_norm.notna()
    assert 0.1 < known.mean() < 0.9


@pytest.mark.parametrize("seed", [0, 2**32, 2**64 + 5, 2**128 - 1])
def test_seeds_are_those_of_the_spec(seed):
    spec = spec_of(seed=seed, repeats=2**40)
    numbers = np.array([0, 1, 2**32 - 1, 2**32, 2**39 + 12345])
    drawn = kernel.draw_trials(20, 5, "sign", "unit", seed, numbers)
    assert drawn.seeds.tolist() == [spec.trial_seed(trial) for trial in numbers.tolist()]


@pytest.mark.parametrize(("n", "width"), [(1, 1), (7, 3), (8, 64), (33, 100)])
@pytest.mark.parametrize("labels", LABELS)
def test_draws_are_those_of_numpy(n, width, labels):
    drawn = kernel.draw_trials(n, width, labels, "uniform", 9, np.arange(20))
    for i, seed in enumerate(drawn.seeds.tolist()):
        rng = np.random.default_rng(seed)
        problem = sh.make_orthogonal(n, labels, "uniform", rng)
        sets = sh.ActiveSets.draw(problem, width, rng)
        np.testing.assert_array_equal(drawn.y[i], problem.y)
        np.testing.assert_array_equal(drawn.norms[i], problem.norms)
        np.testing.assert_array_equal(drawn.signs[i], sets.signs)


def test_a_numpy_with_other_numbers_is_noticed(monkeypatch, counted):
    """As if NumPy drew signs from other bits; trials run one by one then."""
    draw = trials.make_orthogonal
    monkeypatch.setattr(
        trials, "make_orthogonal", lambda *args: sh.Problem(-draw(*args).y, draw(*args).norms)
    )
    monkeypatch.setattr(trials, "_are_reproduced", trials._are_reproduced.__wrapped__)
    spec = spec_of(repeats=4)
    run_trials(spec, range(4))
    assert counted[-4:] == [0, 1, 2, 3]


def test_where_numpy_hides_its_normal_numbers(monkeypatch, counted):
    monkeypatch.setattr(kernel, "normals", lambda: None)
    run_trials(spec_of(labels="gaussian"), range(1))
    run_trials(spec_of(labels="sign", norms="lognormal"), range(1))
    assert counted == [0, 0]
    run_trials(spec_of(labels="sign"), range(1))
    assert counted == [0, 0]


@pytest.mark.parametrize(
    "values",
    [
        {"compute": "coverage"},
        {"start": "weights"},
        {"width": 64 * kernel.MOST_WORDS + 1},
        {"n_samples": 2**18},
    ],
)
def test_what_runs_one_by_one(values):
    spec = spec_of(**values)
    assert not batch.can_draw(spec, spec.setting(0))


def test_both_kinds_in_one_table(monkeypatch, counted):
    spec = spec_of(width=[3, 1025, 7], n_samples=[5, 6], repeats=3)
    table = run_trials(spec, range(1, 17))
    assert counted == [1, 4, 7, 10, 13, 16]
    assert table["trial"].to_pylist() == list(range(1, 17))
    assert file_of(table) == file_of(one_by_one(spec, range(1, 17), monkeypatch))


def test_a_failure_among_trials_at_once(monkeypatch):
    def fail(spec, trial):
        row = trials._head(spec, trial, spec.setting(trial), 0)
        return row | {"error": "No."}

    spec = spec_of(width=[3, 1025], repeats=3)
    monkeypatch.setattr(trials, "run_trial", fail)
    frame = run_trials(spec, range(6)).to_pandas()
    assert frame.error.tolist() == ["", "No."] * 3
    assert frame.sq_norm.isna().tolist() == [False, True] * 3


def test_cuts_into_kernel_calls_change_nothing(monkeypatch):
    spec = spec_of(repeats=30)
    whole = run_trials(spec, range(30))
    monkeypatch.setattr(batch, "AT_ONCE", 1)
    assert file_of(run_trials(spec, range(30))) == file_of(whole)
