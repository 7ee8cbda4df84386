"""Each claim at small size, and each verdict on data that violate the statement."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import saddlehop as sh
from saddlehop._support import optional as _optional
from saddlehop.claims import CLAIMS
from saddlehop.claims.document import claims_document, markdown, write_claims
from saddlehop.claims.draws import covering_start, generator, half_and_half, usual_width
from saddlehop.claims.norm_growth import decade_slopes
from saddlehop.claims.norm_ratio import STATED
from saddlehop.claims.rates import sharpening, two_group_losses, two_group_width
from saddlehop.claims.result import Claim, Number, exact, tracked, verdict_of

SIZES = {
    "limit": {"sizes": (10, 20), "exponents": (10, 100, 1000, 10_000), "draws": 4},
    "one-neuron": {"sizes": (8, 40), "draws": 6, "tie_sizes": (10, 100), "tie_draws": 300},
    "width": {"sizes": (10, 100, 1000), "draws": (300, 300, 150), "checks": ((20, 10, 500),)},
    "flow-interpolates": {"sizes": (10,), "chances": (0.3, 0.7), "exponents": (2, 8), "draws": 15},
    "norm-growth": {"sizes": (100, 1000, 10_000, 100_000), "draws": (60, 40, 15, 8)},
    "norm-ratio": {
        "sizes": (100, 1000, 10_000),
        "draws": (100, 40, 15),
        "swept": (50, (20, 1000), 5),
        "tiny": (4, 7),
        "tiny_draws": 8,
    },
    "jumps": {"sizes": (1000, 10_000, 100_000), "draws": (60, 20, 10)},
    "finite-scale": {"sizes": (15,), "exponents": (3, 1000), "draws": 6},
    "rates": {
        "limit_sizes": (20, 60, 200),
        "flow_sizes": (20, 60, 200),
        "draws": 8,
        "group_sizes": (100, 1000),
    },
    "not-orthogonal": {"n_samples": 6, "ratios": (2, 20), "exponent": 2, "draws": 2},
    "lost-orthogonality": {
        "n_samples": 5,
        "kinds": ("d = 20n", "d = n", "d = n/2"),
        "widths": (4, 8),
        "draws": 3,
    },
    "descent-or-flow": {
        "n_samples": 5,
        "width": 4,
        "kinds": ("d = n", "line"),
        "exponent": 3,
        "rates": (1e-1, 1e-2),
        "draws": (4, 3),
        "longest": 150.0,
        "most_steps": 1e5,
    },
    "limit-or-flow": {
        "n_samples": 5,
        "width": 4,
        "kinds": ("d = 20n", "line"),
        "exponents": (2, 100),
        "draws": 4,
    },
}
_measured = {}


def measured(name):
    """Measure a claim at small size, once for all tests."""
    if name not in _measured:
        if name == "not-orthogonal":
            pytest.importorskip("torch")
        _measured[name] = CLAIMS[name].measure(**SIZES[name])
    return _measured[name].copy()


def judged(name, change=None):
    """Judge what was measured, after `change` has spoilt it."""
    table = measured(name)
    return CLAIMS[name].of(table if change is None else change(table))


def numbers_like(result, text):
    """The numbers of a result whose label holds `text`."""
    found = [number for number in result.numbers if text in number.label]
    assert found
    return found


@pytest.mark.parametrize(
    "name", [n for n in CLAIMS if n not in ("finite-scale", "not-orthogonal", "limit-or-flow")]
)
def test_claim_holds_at_small_size(name):
    result = judged(name)
    wrong = [number for number in result.numbers if number.agrees is False]
    assert not wrong
    assert result.verdict == "holds"


def test_numbers_of_the_theory_note():
    """P at the four points and the ratios; each within its Monte Carlo error."""
    stated = {(20, 10): 0.376, (100, 20): 0.778, (1000, 30): 0.878, (1000, 36): 0.973}
    for (n, width), chance in stated.items():
        half = n // 2
        assert sh.interpolation_probability(half, half, width) == pytest.approx(chance, abs=5e-4)
    checks = tuple((n, width, 600) for n, width in stated)
    table = CLAIMS["width"].measure(sizes=(), draws=(), checks=checks)
    errors = np.sqrt(table["formula"] * (1 - table["formula"]) / table["draws"])
    assert np.all(np.abs(table["successes"] / table["draws"] - table["formula"]) < 3.3 * errors)
    widths = {n: math.floor(math.log(n / 0.05) / math.log(4 / 3)) + 1 for n in STATED}
    assert {n: usual_width(n) for n in STATED} == widths
    ratios = numbers_like(judged("norm-ratio"), "uniform labels (spread")
    assert [number.agrees for number in ratios] == [True] * 3


@pytest.mark.parametrize(("power", "agrees"), [(0.0, True), (0.03, False), (-0.03, False)])
def test_a_wrong_exponent_of_the_norm_is_seen(power, agrees):
    def change(table):
        table["sq_norm"] *= table["n"] ** power
        return table

    result = judged("norm-growth", change)
    last = [number for number in result.numbers if number.theory == "1/2" and number.allowed]
    assert [number.agrees for number in last] == [agrees] * 2
    assert numbers_like(result, "n → ∞")[0].agrees == agrees
    assert result.verdict == ("holds" if agrees else "fails")


def test_slopes_of_the_norm_fall_to_a_half_from_above():
    slopes = [slope.value for _, _, slope in decade_slopes(measured("norm-growth"), "unit")]
    assert slopes == sorted(slopes, reverse=True)
    assert slopes[-1] == pytest.approx(0.5, abs=0.02)


def test_a_wrong_width_is_seen():
    """Successes as if n^1.4 samples had to be covered."""

    def change(table):
        chances = [
            sh.interpolation_probability(round(n**1.4 / 2), round(n**1.4 / 2), width)
            for n, width in zip(table["n"], table["width"], strict=True)
        ]
        return table.assign(successes=table["draws"] * chances)

    result = judged("width", change)
    assert numbers_like(result, "slope")[0].agrees is False

    def lucky(table):
        table["successes"] = table["draws"]
        low, high = (pd.Series(0.99, table.index), pd.Series(1.0, table.index))
        return table.assign(low=low, high=high)

    kinds = measured("width")["kind"] == "check"
    only_checks = CLAIMS["width"].of(lucky(measured("width")[kinds]))
    assert numbers_like(only_checks, "P at n")[0].agrees is False


def test_a_ratio_beyond_the_constant_is_seen():
    def grow(table):
        table["ratio"] *= np.sqrt(np.log(table["n"]))
        return table

    result = judged("norm-ratio", grow)
    assert result.verdict == "holds in part"
    assert not any(number.agrees for number in numbers_like(result, "n → ∞"))
    assert numbers_like(result, "width 10·2^n")[1].agrees is False
    low = judged("norm-ratio", lambda table: table.assign(ratio=0.5))
    assert numbers_like(low, "smallest ratio")[0].agrees is False


def test_a_wrong_number_of_jumps_is_seen():
    def change(table):
        return table.assign(
            jumps=table["jumps"] ** 2,
            first_scaled=table["first_scaled"] * 1.2,
            last_scaled=table["last_scaled"] * 1.2,
        )

    result = judged("jumps", change)
    assert result.verdict != "holds"
    for label in ("jumps per doubling", "clock of the first", "clock of the last"):
        assert False in [number.agrees for number in numbers_like(result, label)]


def test_ties_gradients_and_dead_ends_are_seen():
    def change(table):
        generic = table["kind"] == "generic"
        table.loc[generic, ["most_sets", "gradient", "gradient_by_differences"]] = [2, 0.1, 0.1]
        table.loc[generic, "curvature_by_differences"] = 1.0
        table.loc[generic, ["least_escape", "last_escape"]] = [0.0, 0.1]
        return table

    result = judged("one-neuron", change)
    assert result.verdict == "fails"
    assert len([number for number in result.numbers if number.agrees is False]) == 7


def test_a_flow_that_does_not_tend_to_the_limit_is_seen():
    def change(table):
        table["clock_error"] = 0.05 * table["log_scale"] ** -0.5
        table["distance"] = 0.3 * table["log_scale"] ** -0.01
        return table

    assert judged("limit", change).verdict == "fails"


def test_orders_are_one_for_each_neuron():
    for number in numbers_like(judged("limit"), "order in 1/L of the clock error"):
        assert number.value == pytest.approx(1, abs=0.05)


def test_a_flow_that_stops_short_is_seen():
    def change(table):
        table.loc[table["exponent"] == 8, "flow"] = False
        return table

    result = judged("flow-interpolates", change)
    assert result.verdict == "holds in part"
    assert [n.agrees for n in numbers_like(result, "where the limit does, ")] == [True, False]
    assert CLAIMS["flow-interpolates"].of(
        measured("flow-interpolates").assign(flow=False)
    ).verdict == ("fails")


def test_the_limit_is_not_seen_at_practical_scales():
    """Norm and order are right at λ = 1e-1000 and not yet at 1e-3."""
    result = judged("finite-scale")
    assert result.verdict == "holds in part"
    assert all(number.agrees for number in numbers_like(result, "1e-1000"))
    assert numbers_like(result, "‖θ‖² / limit ‖θ‖², n = 15, λ = 1e-3")[0].agrees is False
    spoilt = judged("finite-scale", lambda table: table.assign(of_limit=0.5, swapped=0.5))
    assert spoilt.verdict == "fails"


@pytest.mark.parametrize(("power", "agrees"), [(0.0, True), (1.0, False), (-1.0, False)])
def test_wrong_orders_of_the_rates_are_seen(power, agrees):
    def change(table):
        for column in ("asymptotic_rate", "mean_rate"):
            table[column] *= table["n"] ** power
        return table

    result = judged("rates", change)
    assert numbers_like(result, "λ → 0")[0].agrees == agrees
    assert numbers_like(result, "mean PL")[0].agrees == agrees


def test_two_groups_follow_their_closed_form():
    table = measured("rates")
    groups = table[table["start"] == "two groups"]
    widths = [two_group_width(n) for n in groups["n"]]
    np.testing.assert_allclose(groups["relative_width"], widths, rtol=1e-6)
    assert two_group_losses(100, np.array([0.0]))[0] == pytest.approx((1 - 50**-0.5) ** 2 / 2)
    assert sharpening(table, "two groups").slope.value > 0
    result = judged("rates", lambda table: table.assign(gap=0.1, relative_width=1.0))
    assert numbers_like(result, "closed form")[0].agrees is False
    assert numbers_like(result, "per log n, two groups")[0].agrees is False


def test_rates_in_the_limit_are_below_those_from_order_one():
    table = measured("rates").groupby(["start", "n"])["asymptotic_rate"].mean()
    assert np.all(table["limit"] < table["order one"])


def test_rows_that_are_nearly_orthogonal_are_nearly_described():
    result = judged("not-orthogonal")
    assert result.verdict == "measured"
    far, near = (n.value for n in numbers_like(result, "mean distance of descent on the rows as"))
    control = [n.value for n in numbers_like(result, "orthogonal rows")]
    assert near < far
    assert max(control) < near / 5


def test_a_claim_without_its_extra_says_so(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(_optional, "import_module", missing)
    result = CLAIMS["not-orthogonal"](quick=True)
    assert result.verdict == "not measured"
    assert 'pip install "saddlehop[torch]"' in result.remark
    assert result.figure().axes
    assert "not measured" in markdown([result])


@pytest.mark.parametrize("name", CLAIMS)
def test_figures_have_labelled_axes_theory_and_column_width(name):
    result = judged(name)
    figure = result.figure()
    assert figure.get_size_inches()[0] == 3.4
    assert len(figure.axes) == len(result.panels)
    for ax in figure.axes:
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_legend() is not None
        assert any(line.get_linestyle() == "--" for line in ax.lines) or ax is not figure.axes[0]
    assert result.plot().lines


def test_verdicts():
    yes, no, silent = exact("a", 1, (1, 1)), exact("b", 1, (2, 3)), exact("c", 1)
    assert verdict_of([yes, silent]) == "holds"
    assert verdict_of([yes, no]) == "holds in part"
    assert verdict_of([no]) == "fails"
    assert verdict_of([silent]) == "measured"
    near = Number("d", 1.0, 0.9, 1.1, (1.15, 2.0))  # outside 95%, inside 99.9%
    assert near.agrees
    assert not Number("d", 1.0, 0.9, 1.1, (1.2, 2.0)).agrees


def test_a_second_run_gives_the_same_numbers():
    gaussian = {"gaussian_sizes": (10,), "gaussian_draws": (5,)}
    for name, sizes in (
        ("limit", {"sizes": (10,), "exponents": (10,), "draws": 2}),
        ("width", {"sizes": (10,), "draws": (20,), **gaussian}),
        ("norm-growth", {"sizes": (10, 100), "draws": (3, 3)}),
    ):
        again = [CLAIMS[name].measure(**sizes) for _ in range(2)]
        pd.testing.assert_frame_equal(*again)


def test_gaussian_starts_need_a_width_too():
    table = CLAIMS["width"].measure(
        sizes=(10, 100),
        draws=(50, 50),
        gaussian_sizes=(10, 30, 100),
        gaussian_draws=(100, 100, 100),
    )
    slope = numbers_like(CLAIMS["width"].of(table), "gaussian law")[0]
    assert slope.agrees is None
    assert 1 < slope.value < 7


def test_progress_ends_at_one():
    done = []
    assert list(tracked([1, 2, 3], done.append, [1, 1, 2])) == [1, 2, 3]
    assert done == [0.25, 0.5, 1.0]


def test_covering_start_covers():
    problem = half_and_half(30)
    init = covering_start(problem, 12, generator(0, 1))
    assert sh.solve_jumps(problem, init).interpolates


def test_documents_hold_the_same_numbers(tmp_path):
    result = judged("jumps")
    page = write_claims([result], tmp_path)
    record = json.loads(json.dumps(claims_document([result]), allow_nan=False))["claims"][0]
    assert record["verdict"] == "holds"
    text = page.read_text()
    assert f"{record['numbers'][0]['value']:.4g}" in text
    assert result.statement in text
    assert (tmp_path / "claims" / "jumps.png").stat().st_size > 1000
    assert len(pd.read_csv(tmp_path / "claims" / "jumps.csv")) == len(result.table)


@pytest.fixture
def claims(monkeypatch, run):
    """Run the command with a claim that takes no time: (exit code, stdout, stderr)."""
    claim = CLAIMS["jumps"]
    fast = {"sizes": (100, 1000, 10_000), "draws": (5, 5, 5)}
    short = Claim(claim.name, claim.statement, claim.measure, claim.judge, claim.panels, fast, fast)
    monkeypatch.setitem(CLAIMS, "jumps", short)

    return lambda *arguments: run("claims", *arguments)


def test_command_prints_and_writes(claims, tmp_path):
    code, out, err = claims("--quick", "--only", "jumps", "--out", tmp_path / "new")
    assert code == 0
    assert "jumps per doubling of n" in out
    assert "Verdict: " in out
    assert "claims.md" in err
    assert (tmp_path / "new" / "claims" / "jumps.png").exists()


def test_command_json_is_one_document(claims):
    code, out, _ = claims("--only", "jumps", "--json")
    assert code == 0
    document = json.loads(out)
    assert [claim["name"] for claim in document["claims"]] == ["jumps"]
    assert document["claims"][0]["sizes"] == "full"


def test_command_errors_are_one_sentence(claims, tmp_path):
    code, out, err = claims("--only", "nonsense")
    assert (code, out) == (2, "")
    assert "pass names from limit, one-neuron, width" in err
    (tmp_path / "file").write_text("")
    code, _, err = claims("--only", "jumps", "--out", tmp_path / "file")
    assert code == 2
    assert "pass a folder" in err
