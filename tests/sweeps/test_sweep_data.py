"""Sweeps on data that are given: files and names, taken as they are."""

import json

import numpy as np
import pandas as pd
import pytest

import saddlehop as sh
from saddlehop.sweeps import Spec

pytest.importorskip("pyarrow")

JUMPS = {"compute": "jumps", "problem": ["three-points", "xor"], "width": [3, 6], "repeats": 2}


@pytest.fixture
def table(tmp_path):
    """Five samples in two dimensions; the spec is beside them."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.standard_normal((5, 2)), columns=["a", "b"])
    table["label"] = rng.standard_normal(5)
    table.to_csv(tmp_path / "a table.csv", index=False)
    return table


def spec_file(folder, **changes):
    content = {
        "compute": "jumps",
        "problem": "a table.csv",
        "target": "label",
        "width": 4,
        "repeats": 3,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in (content | changes).items()]
    (folder / "spec.toml").write_text("\n".join(lines))
    return folder / "spec.toml"


def test_rows_are_those_of_the_functions_called_by_hand(tmp_path):
    frame = sh.sweep(JUMPS, tmp_path, workers=1)
    assert frame["trial"].tolist() == list(range(8))
    assert frame.attrs["complete"]
    assert frame["problem"].tolist() == ["three-points", "three-points", "xor", "xor"] * 2
    assert (frame["error"] == "").all()
    assert {"labels", "norms", "least_sq_norm", "norm_ratio"}.isdisjoint(frame.columns)
    for row in frame.itertuples():
        problem = sh.load_setting(row.problem).problem
        start = sh.Initialization.draw(problem, row.width, rng=np.random.default_rng(row.seed))
        jumps = sh.solve_jumps(problem, start)
        assert row.n_samples == problem.n_samples
        assert (row.n_jumps, row.status) == (jumps.n_jumps, jumps.status)
        assert (row.final_loss, row.sq_norm) == (jumps.losses[-1], jumps.sq_norms[-1])
        assert row.n_dead == (jumps.states[-1] == "dead").sum()
        active = np.flatnonzero(jumps.final.output)
        headings = jumps.final.hidden[active] / np.linalg.norm(
            jumps.final.hidden[active], axis=1, keepdims=True
        )
        assert row.n_directions == len(
            {
                tuple(np.round([*h, np.sign(jumps.final.output[j])], 5) + 0.0)
                for j, h in zip(active, headings, strict=True)
            }
        )
        X = problem.X
        left = problem.y - X @ np.linalg.pinv(X) @ problem.y
        assert row.least_squares_loss == pytest.approx(np.sum(left**2) / (2 * len(left)))
    assert frame["n_directions"].max() > 1


def test_a_file_beside_the_spec(tmp_path, table):
    frame = sh.sweep(spec_file(tmp_path, bias=True), tmp_path / "out", workers=1)
    problem = sh.GeneralProblem(table[["a", "b"]], table["label"], bias=True)
    for row in frame.itertuples():
        start = sh.Initialization.draw(problem, 4, rng=np.random.default_rng(row.seed))
        assert row.final_loss == sh.solve_jumps(problem, start).losses[-1]
        assert row.problem == "a table.csv"


def test_flows_beside_their_limit(tmp_path):
    spec = {"compute": "flow", "problem": "three-points", "width": 4, "rtol": 1e-6}
    row = sh.sweep(spec | {"init_scale": "1e-40"}, tmp_path, workers=1).iloc[0]
    problem = sh.load_setting("three-points").problem
    start = sh.Initialization.draw(problem, 4, rng=np.random.default_rng(row["seed"]))
    flow = sh.simulate_flow(problem, start, init_scale="1e-40", rtol=1e-6)
    jumps = sh.solve_jumps(problem, start)
    assert (row["final_loss"], row["sq_norm"]) == (flow.losses[-1], flow.sq_norms[-1])
    assert row["limit_final_loss"] == jumps.losses[-1]
    assert row["limit_status"] == jumps.status
    assert row["log10_init_scale"] == pytest.approx(-40)


def test_orthogonal_rows_have_the_columns_of_orthogonal_rows(tmp_path):
    spec = {"compute": "jumps", "problem": ["digits", "xor"], "width": 8}
    frame = sh.sweep(spec, tmp_path / "both", workers=1).set_index("problem")
    assert np.isfinite(frame.loc["digits", "norm_ratio"])
    assert np.isnan(frame.loc["xor", "norm_ratio"])
    assert frame.loc["digits", "n_samples"] == 48
    covered = {"compute": "coverage", "problem": "digits", "width": 8}
    assert "n_uncovered" in sh.sweep(covered, tmp_path / "coverage", workers=1)


def test_a_function_of_your_own_gets_the_data(tmp_path):
    def measure(problem, start, rng):
        return {"rank": problem.rank, "first": start.output[0], "again": rng.random()}

    pytest.importorskip("cloudpickle")
    spec = {"compute": measure, "problem": "xor", "width": 2, "repeats": 2}
    frame = sh.sweep(spec, tmp_path, workers=2)
    assert (frame["rank"] == 2).all()
    assert frame["first"].nunique() == 2


def test_workers_give_the_same_rows_and_need_no_file(tmp_path, table):
    spec = Spec.read(spec_file(tmp_path, repeats=5))
    (tmp_path / "a table.csv").unlink()
    frames = [sh.sweep(spec, tmp_path / str(n), workers=n) for n in (1, 2)]
    pd.testing.assert_frame_equal(*frames)


def test_it_goes_on_with_the_same_data_only(tmp_path, table):
    before = sh.sweep(spec_file(tmp_path), tmp_path / "out", workers=1)
    more = sh.sweep(spec_file(tmp_path, repeats=5), tmp_path / "out", workers=1)
    assert len(more) == 5
    pd.testing.assert_frame_equal(more.iloc[:3], before)
    assert more.attrs["complete"]
    assert not sh.read_sweep(tmp_path / "out").attrs.get("damaged")
    table.assign(label=-table["label"]).to_csv(tmp_path / "a table.csv", index=False)
    with pytest.raises(sh.SaddlehopError, match=r"holds another sweep.*digests"):
        sh.sweep(spec_file(tmp_path, repeats=5), tmp_path / "out", workers=1)


def test_specs_of_drawn_samples_say_nothing_of_data():
    """So that folders of before go on."""
    lines = Spec.parse({"compute": "jumps", "n_samples": 5, "width": 3}).to_json()
    assert not any(word in lines for word in ("problem", "target", "bias", "digests"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"problem": "none.csv"}, "Line 2: `problem`.*no file"),
        ({"problem": "none"}, "`problem`.*no shipped data of that name"),
        ({"problem": 3}, "`problem` is 3; pass a name"),
        ({"problem": []}, "`problem` is an empty list"),
        ({"problem": ["xor", "xor"]}, "`problem` gives a value twice"),
        ({"target": "nothing"}, "`problem`.*no target column 'nothing'.*as `target`"),
        ({"n_samples": 5}, "`n_samples` is given, but `problem` brings its own samples"),
        ({"labels": "sign"}, "`labels` is given, but `problem` brings"),
        ({"start": "sets"}, '`start = "sets"` is of drawn samples'),
        ({"compute": "coverage"}, '`compute = "coverage"` is of orthogonal rows'),
        ({"bias": 1}, "`bias` is 1"),
    ],
)
def test_a_spec_that_is_wrong_gets_one_sentence(tmp_path, table, changes, sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        Spec.read(spec_file(tmp_path, **changes))


def test_a_bias_needs_data():
    with pytest.raises(sh.SaddlehopError, match="`bias` is given but no `problem`"):
        Spec.parse({"compute": "jumps", "n_samples": 5, "width": 3, "bias": True})
