"""Beyond orthogonal rows: the loops against plain ones, and tables that violate what is judged."""

import sys

import numpy as np
import pandas as pd
import pytest
from test_claims import SIZES, measured, numbers_like

import saddlehop as sh
from saddlehop.claims import CLAIMS
from saddlehop.claims.beyond import ELSEWHERE, KINDS, distance, draw_problem, draw_trial
from saddlehop.claims.document import markdown

# In `claims` each name is that of the claim; its module hides behind it.
descent = sys.modules["saddlehop.claims.descent_or_flow"]
limits = sys.modules["saddlehop.claims.limit_or_flow"]
lost = sys.modules["saddlehop.claims.lost_orthogonality"]


def trial(kind="d = n/2", draw=0, n_samples=6, width=5, exponent=3):
    return descent.trial_of(kind, n_samples, width, exponent, draw)


@pytest.mark.parametrize("kind", KINDS)
def test_features_have_variance_one(kind):
    problem = draw_problem(kind, 400 if KINDS[kind] <= 1 else 40, np.random.default_rng(0))
    features = problem.X[:, :-1] if problem.bias else problem.X
    assert np.mean(features**2) == pytest.approx(1, abs=0.12)
    assert problem.n_features == (round(KINDS[kind] * problem.n_samples) or 2)


def test_distance_of_learned_functions():
    one = sh.Network(np.array([1.0, 0.0]), np.array([[1.0, 0.5], [0.0, 1.0]]))
    split = sh.Network(np.array([0.5, 0.5]), np.array([[1.0, 0.5], [1.0, 0.5]]))
    nothing = sh.Network(np.zeros(2), np.zeros((2, 2)))
    assert distance(one, split) < 1e-15
    assert distance(one, nothing) == 1
    assert distance(nothing, nothing) == 0


# --- how far the orthogonal theory carries


def test_no_network_is_below_the_lower_bound():
    """Any network interpolates its own outputs, with norm 2 Σ |a_j| ‖w_j‖ if balanced."""
    rng = np.random.default_rng(3)
    tightest = np.inf
    for draw in range(400):
        n, d, m = rng.integers(2, 9), rng.integers(1, 5), rng.integers(1, 4)
        X = rng.standard_normal(d) * (draw % 2) * 4 + rng.standard_normal((n, d))
        a, W = rng.standard_normal(m), rng.standard_normal((m, d))
        y = np.maximum(X @ W.T, 0) @ a
        if not y.any():
            continue
        least = 2 * float(np.sum(np.abs(a) * np.linalg.norm(W, axis=1)))
        tightest = min(tightest, least / lost._least_norms(sh.GeneralProblem(X, y))[1])
    assert 1 - 1e-12 <= tightest < 1.01


def test_the_bound_is_sharp_on_orthogonal_rows():
    X, y = np.diag([1.0, 2.0, 3.0, 0.5]), np.array([1.0, -1.0, 2.0, 0.3])
    least, bound = lost._least_norms(sh.GeneralProblem(X, y))
    assert bound == pytest.approx(least, rel=1e-12)
    best = sh.min_norm_interpolator(sh.Problem.from_data(X, y))
    assert least == pytest.approx(best.sq_norm, rel=1e-12)


def test_what_holds_on_nearly_orthogonal_rows():
    result = CLAIMS["lost-orthogonality"].of(measured("lost-orthogonality"))
    assert result.verdict == "holds"
    assert len(numbers_like(result, "share that interpolates, d")) == 6


def test_a_norm_below_the_bound_is_seen():
    table = measured("lost-orthogonality")
    row = int(np.flatnonzero(table["bound_ratio"].notna())[0])
    table.loc[row, "bound_ratio"] = 0.999
    result = CLAIMS["lost-orthogonality"].of(table)
    assert numbers_like(result, "lower bound of a limit")[0].agrees is False
    assert result.verdict == "holds in part"


def test_a_wrong_chance_on_orthogonal_rows_is_seen():
    table = measured("lost-orthogonality")
    twins = table["orthogonal_interpolates"].notna()
    table.loc[twins, "orthogonal_interpolates"] = 0.0
    table["chance"] = 0.9
    result = CLAIMS["lost-orthogonality"].of(table)
    assert numbers_like(result, "on the orthogonal rows")[0].agrees is False


def test_a_limit_not_at_rest_is_counted_apart():
    table = measured("lost-orthogonality")
    table.loc[table["kind"] == "d = n", "status"] = "not_at_rest"
    result = CLAIMS["lost-orthogonality"].of(table)
    assert numbers_like(result, "not at rest, d = n")[0].value == 1
    assert not [n for n in result.numbers if "share that interpolates, d = n," in n.label]


def test_the_orthogonal_twin_is_that_of_the_same_weights():
    """In the input space itself, where the problem has coordinates of its span."""
    seen = set()
    for draw in range(6):
        problem, init = draw_trial(12, "d = 2n", 6, 8, draw)
        twin = sh.Problem.from_data(sh.orthogonalize(problem.X), problem.y)
        start = sh.Initialization.from_weights(init.output, init.hidden @ problem.basis, twin)
        jumps, found = sh.solve_jumps(twin, start), lost._twin(problem, init)
        assert found["orthogonal_jumps"] == jumps.times.size
        assert found["orthogonal_interpolates"] == jumps.interpolates
        seen.add((jumps.times.size, jumps.interpolates))
    assert len(seen) > 2


# --- flow against gradient descent


def test_batched_descent_is_plain_descent():
    trials = [trial("d = n/2", 0), trial("d = n", 1), trial("line", 2)]
    for j, end in descent.descend(trials, 0.05, 1e-3):
        problem, init = trials[j].problem, trials[j].init
        a, W, X, y = 1e-3 * init.output, 1e-3 * init.hidden, problem.coordinates, problem.y
        for _ in range(int(np.ceil(trials[j].t_end / 0.05))):
            inputs = X @ W.T
            r = (y - np.maximum(inputs, 0) @ a) / y.size
            D = (r[:, None] * (inputs > 0)).T @ X
            a, W = a + 0.05 * np.sum(W * D, axis=1), W + 0.05 * a[:, None] * D
        np.testing.assert_allclose(end.output, a, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(end.hidden, W, rtol=1e-6, atol=1e-9)


def test_descent_tends_to_the_flow():
    one = trial("d = n", 1)
    gaps = [
        distance(end, one.flow_end)
        for rate in (1e-1, 1e-2)
        for _, end in descent.descend([one], rate, 1e-3)
    ]
    assert gaps[1] < gaps[0] / 5
    assert gaps[1] < 1e-2


def test_balance_is_put_back():
    one = trial("line", 2)
    ((_, end),) = descent.descend([one], 0.1, 1e-3, balanced=True)
    lengths = np.linalg.norm(end.hidden, axis=1)
    np.testing.assert_allclose(np.abs(end.output), lengths, rtol=1e-12)
    assert descent._flips(one, end) == 0
    rng = np.random.default_rng(0)
    a, W = rng.standard_normal((2, 3, 1)), rng.standard_normal((2, 3, 4))
    balanced, hidden = descent._in_balance(a, W)
    norms = [np.linalg.norm(weights, axis=2, keepdims=True) for weights in (W, hidden)]
    np.testing.assert_allclose(balanced * norms[1], a * norms[0], rtol=1e-12)
    np.testing.assert_allclose(hidden / norms[1], W / norms[0], rtol=1e-12)


def test_a_flow_has_settled_where_nothing_changes_any_more():
    flow = trial("d = n", 1).flow
    when = descent.settled(flow)
    after = flow.t >= when
    assert np.all(np.abs(flow.losses[after] - flow.losses[-1]) <= 1e-3 * flow.losses[0])
    assert np.abs(flow.loss_at(0.5 * when) - flow.losses[-1]) > 1e-4 * flow.losses[0]


def test_a_flip_along_the_flow_is_seen():
    table = measured("descent-or-flow")
    assert CLAIMS["descent-or-flow"].of(table).verdict == "holds"
    table.loc[np.flatnonzero(table["compared"])[0], "flow_flipped"] = 1
    assert CLAIMS["descent-or-flow"].of(table).verdict == "fails"


def test_answers_about_descent_are_those_of_the_table():
    table = pd.DataFrame(
        {
            "distance": [0.5, 0.5, 0.5, 0.0, 0.0],
            "flipped": [1, 2, 0, 1, 0],
            "balanced_distance": [0.01, 0.4, 0.02, np.nan, np.nan],
            "loss": [0.1, 0.3, 0.3, 0.2, 0.2],
            "flow_loss": [0.2, 0.2, 0.2, 0.2, 0.2],
        }
    )
    assert list(descent.questions(table).values()) == [(3, 5), (2, 3), (2, 3), (1, 3), (1, 2)]


def test_flows_that_take_too_long_are_counted():
    sizes = SIZES["descent-or-flow"] | {"most_steps": 200, "rates": (0.1,), "draws": (4,)}
    table = CLAIMS["descent-or-flow"].measure(**sizes)
    result = CLAIMS["descent-or-flow"].of(table)
    late = numbers_like(result, "takes too long")
    assert [n.value for n in late] == [
        1 - table.loc[table["kind"] == kind, "compared"].mean() for kind in sizes["kinds"]
    ]
    assert max(n.value for n in late) > 0


# --- limit against flow


def test_flows_come_closer_to_the_limit():
    table = limits.compared(measured("limit-or-flow"))
    means = table[table["kind"] == "d = 20n"].groupby("exponent")["distance"].mean()
    assert means[100] < means[2]
    result = CLAIMS["limit-or-flow"].of(measured("limit-or-flow"))
    assert result.verdict == "measured"


def test_what_has_no_end_is_counted_and_not_compared():
    table = measured("limit-or-flow").assign(distance=2 * ELSEWHERE, limit_loss=0.5, flow_loss=0.0)
    table.loc[table["draw"] == 0, "limit"] = "not_at_rest"
    table.loc[table["draw"] == 1, "flow"] = "no end"
    result = CLAIMS["limit-or-flow"].of(table)
    assert [n.value for n in numbers_like(result, "not at rest")] == [0.25, 0.25]
    assert [n.value for n in numbers_like(result, "without an end")] == [0.25, 0.25]
    away = numbers_like(result, "ends elsewhere, line")
    assert [(n.value, n.low) for n in away] == [(1, away[0].low)] * 2
    assert len(limits.compared(table)) == len(table) / 2
    assert [n.value for n in numbers_like(result, "lower loss, line")] == [1, 1]


def test_the_chapter_stands_under_its_heading():
    result = CLAIMS["limit-or-flow"].of(measured("limit-or-flow"))
    text = markdown([result])
    assert text.index("## Beyond orthogonal rows") < text.index("### limit-or-flow")


@pytest.mark.parametrize("name", ["lost-orthogonality", "descent-or-flow", "limit-or-flow"])
def test_a_second_run_gives_the_same_numbers(name):
    pd.testing.assert_frame_equal(measured(name), CLAIMS[name].measure(**SIZES[name]))
