import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import saddlehop as sh
from saddlehop.claims import CLAIMS
from saddlehop.claims.result import FAILS, HOLDS, MEASURED, PARTLY, SKIPPED, Number, verdict_of
from saddlehop.claims.statistics import fit_line, fit_power, mean, threshold, wilson

SMALL = {
    "limit": {"sizes": (20,), "exponents": (10, 100, 1000, 10_000), "draws": 4},
    "one-neuron": {"sizes": (10, 30), "draws": 4, "tie_sizes": (10, 100), "tie_draws": 100},
    "width": {
        "sizes": (10, 100, 1000),
        "draws": (150, 150, 150),
        "gaussian_sizes": (10, 100),
        "gaussian_draws": (60, 60),
    },
    "flow-interpolates": {"sizes": (10,), "chances": (0.5,), "exponents": (2, 8), "draws": 40},
    "norm-growth": {"sizes": (100, 1000, 10_000, 100_000), "draws": (60, 30, 10, 5)},
    "norm-ratio": {
        "sizes": (100, 1000, 10_000),
        "draws": (60, 30, 10),
        "swept": (30, (20, 100), 5),
        "tiny": (4, 6),
        "tiny_draws": 10,
    },
    "jumps": {"sizes": (100, 1000, 10_000, 100_000), "draws": (100, 60, 20, 10)},
    "finite-scale": {"sizes": (20,), "exponents": (3, 100, 1000), "draws": 6},
    "rates": {
        "limit_sizes": (30, 100, 300),
        "flow_sizes": (20, 40, 80),
        "draws": 6,
        "group_sizes": (300, 1000, 3000),
    },
    "not-orthogonal": {"n_samples": 8, "ratios": (2, 20), "exponent": 1, "draws": 2},
}
# what each claim finds on its small sizes: the truth at λ = 1e-3 is not the limit
FOUND = dict.fromkeys(SMALL, HOLDS) | {"finite-scale": PARTLY, "not-orthogonal": MEASURED}


@cache
def measured(name):
    if name == "not-orthogonal":
        pytest.importorskip("torch")
    return CLAIMS[name].measure(**SMALL[name])


def assert_turns(name, table, label):
    """Assert that `table` changes what is said of a number that agreed, and the verdict."""
    claim = CLAIMS[name]
    before = {number.label: number for number in claim.of(measured(name)).numbers}
    turned = [
        number.label
        for number in claim.of(table).numbers
        if number.agrees is False and label in number.label
    ]
    assert turned, f"no number with {label!r} turned"
    for key in turned:
        assert before.get(key) is None or before[key].agrees, f"{key} was false before"
    assert claim.of(table).verdict in (PARTLY, FAILS)


def where(table, condition, column, value):
    """Return the table with `column` set to `value` in the rows that meet `condition`."""
    values = table[column].astype(float) if not isinstance(value, bool) else table[column]
    return table.assign(**{column: values.where(~condition, value)})


@pytest.mark.parametrize("name", SMALL)
def test_claims_find_on_small_sizes_what_is_true(name):
    result = CLAIMS[name].of(measured(name))
    wrong = [number for number in result.numbers if number.agrees is False]
    assert result.verdict == FOUND[name], wrong


def test_every_claim_is_tested():
    assert set(SMALL) == set(CLAIMS)


@pytest.mark.parametrize("name", ["one-neuron", "limit", "norm-ratio"])
def test_a_second_measurement_gives_the_same_numbers(name):
    again = CLAIMS[name].measure(**SMALL[name])
    for column in again:
        np.testing.assert_array_equal(again[column], measured(name)[column], err_msg=column)


@pytest.mark.parametrize("name", SMALL)
def test_figures_have_labelled_axes_at_column_width(name):
    figure = CLAIMS[name].of(measured(name)).figure()
    assert figure.get_size_inches()[0] == pytest.approx(3.4)
    for ax in figure.axes:
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert ax.get_legend() is not None
    figure.canvas.draw()


def test_progress_ends_at_one():
    shares = []
    CLAIMS["norm-ratio"].measure(**SMALL["norm-ratio"], report=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_limit_turns_where_clocks_approach_as_a_root():
    table = measured("limit")
    slow = table.assign(clock_error=np.sqrt(table["clock_error"]))
    assert_turns("limit", slow, "order in 1/L of the clock error")


def test_limit_turns_where_paths_stay_apart():
    table = measured("limit")
    assert_turns("limit", table.assign(distance=0.3), "distance")


@pytest.mark.parametrize(
    ("column", "value", "label"),
    [
        ("most_sets", 2, "most active sets"),
        ("gradient", 1e-6, "largest gradient"),
        ("gradient_by_differences", 1e-3, "by differences"),
        ("curvature_by_differences", 1e-2, "second differences"),
        ("least_escape", 0.0, "least escape rate"),
        ("last_escape", 0.1, "escape rate at the last"),
    ],
)
def test_one_neuron_turns_at_a_single_violation(column, value, label):
    table = measured("one-neuron")
    first = (table["kind"] == "generic") & ~table[["kind", "n"]].duplicated()
    assert_turns("one-neuron", where(table, first, column, value), label)


def test_one_neuron_turns_where_ties_are_rare():
    table = measured("one-neuron")
    rare = where(table, table["kind"] == "sign", "most_neurons", 1)
    assert_turns("one-neuron", rare, "chance of at least one tie")


def test_width_turns_where_it_grows_faster():
    table = measured("width")
    half = (table["n"] ** 1.4 / 2).astype(int)
    chances = [
        sh.interpolation_probability(k, k, m) for k, m in zip(half, table["width"], strict=True)
    ]
    assert_turns(
        "width",
        table.assign(successes=table["draws"] * chances),
        "slope of the width for P = 0.95 against log n, balanced",
    )


def test_width_turns_where_the_formula_is_off():
    table = measured("width")
    assert_turns("width", table.assign(formula=table["formula"] * 0.8), "formula")


def test_width_counts_at_a_given_point_like_the_formula():
    claim = CLAIMS["width"]
    table = claim.measure(sizes=(10, 100), draws=(50, 50), checks=((20, 10, 400),))
    number = next(one for one in claim.of(table).numbers if one.label == "P at n = 20, m = 10")
    assert number.allowed[0] == pytest.approx(0.376, abs=5e-4)
    assert number.agrees


def test_flow_interpolates_turns_where_flows_get_stuck():
    table = measured("flow-interpolates")
    stuck = table.assign(flow=table["flow"] & (table["draw"] % 2 > 0))
    assert_turns("flow-interpolates", stuck, "interpolates where the limit does")


@pytest.mark.parametrize("labels", ["uniform", "unit"])
def test_norm_growth_turns_at_another_exponent(labels):
    table = measured("norm-growth")
    faster = table["sq_norm"] * np.where(table["labels"] == labels, table["n"] ** 0.03, 1)
    assert_turns("norm-growth", table.assign(sq_norm=faster), f"{labels} labels")


def test_norm_growth_turns_at_another_constant():
    table = measured("norm-growth")
    assert_turns("norm-growth", table.assign(sq_norm=table["sq_norm"] * 1.03), "unit labels")


@pytest.mark.parametrize(
    ("factor", "label"),
    [
        (lambda table: table["n"] ** 0.1, "n → ∞"),
        (lambda table: np.where(table["n"] > 5000, 1.5, 1), "largest ratio"),
        (lambda table: np.where(table["regime"] == "exponential", 1.1, 1), "width 10·2^n"),
        (lambda table: np.where(table["draw"] == 0, 0.4, 1), "smallest ratio"),
        (lambda table: 1.03, "mean ratio at n = 1000,"),
    ],
)
def test_norm_ratio_turns(factor, label):
    table = measured("norm-ratio")
    assert_turns("norm-ratio", table.assign(ratio=table["ratio"] * factor(table)), label)


@pytest.mark.parametrize(
    ("column", "factor", "label"),
    [
        ("jumps", 1.5, "jumps per doubling"),
        ("first_scaled", 1.1, "clock of the first"),
        ("last_scaled", 1.5, "clock of the last"),
    ],
)
def test_jumps_turn(column, factor, label):
    table = measured("jumps")
    assert_turns("jumps", table.assign(**{column: table[column] * factor}), label)


@pytest.mark.parametrize(("column", "value"), [("of_limit", 0.9), ("swapped", 0.2)])
def test_finite_scale_turns_where_the_limit_is_not_reached(column, value):
    table = measured("finite-scale")
    last = table["exponent"] == table["exponent"].max()
    assert_turns("finite-scale", where(table, last, column, value), "1e-1000")


def test_finite_scale_says_that_norms_are_smaller_at_scales_in_use():
    table = measured("finite-scale")
    means = table.groupby("exponent")["of_limit"].mean()
    assert means[3] < 0.95 < means[1000]


@pytest.mark.parametrize(
    ("start", "column", "power", "label"),
    [
        ("limit", "asymptotic_rate", 0.5, "λ → 0"),
        ("order one", "asymptotic_rate", 1.2, "asymptotic rate, order-one"),
        ("order one", "mean_rate", -1.5, "mean PL"),
        ("two groups", "relative_width", 0.3, "two groups"),
    ],
)
def test_rates_turn_at_another_exponent(start, column, power, label):
    table = measured("rates")
    factor = np.where(table["start"] == start, table["n"].astype(float) ** power, 1)
    assert_turns("rates", table.assign(**{column: table[column] * factor}), label)


def test_rates_turn_where_the_closed_form_is_off():
    assert_turns("rates", measured("rates").assign(gap=1e-3), "closed form")


def test_not_orthogonal_rows_come_nearer_with_the_dimension():
    result = CLAIMS["not-orthogonal"].of(measured("not-orthogonal"))
    value = {number.label: number.value for number in result.numbers}
    raw = "mean distance of descent on the rows as they are, d = {}n"
    control = "mean distance of descent on the orthogonal rows, d = 2n"
    assert value[control] < 0.1 * value[raw.format(2)]
    assert value[raw.format(20)] < value[raw.format(2)]


def test_a_claim_that_lacks_its_extra_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    result = CLAIMS["not-orthogonal"](quick=True)
    assert result.verdict == SKIPPED
    assert "saddlehop[torch]" in result.remark


@pytest.mark.parametrize(
    ("agree", "verdict"),
    [([], MEASURED), ([True, True], HOLDS), ([True, False], PARTLY), ([False], FAILS)],
)
def test_verdict_counts_judged_numbers(agree, verdict):
    numbers = [Number("x", 1.0, 1.0, 1.0, (1, 1) if one else (2, 3)) for one in agree]
    assert verdict_of([*numbers, Number("unjudged", 5.0, 4.0, 6.0)]) == verdict


def test_wilson_interval_is_the_textbook_one():
    low, high = wilson([8, 0, 10], [10, 10, 10])
    np.testing.assert_allclose(low, [0.490162, 0.0, 0.722467], atol=1e-6)
    np.testing.assert_allclose(high, [0.943318, 0.277533, 1.0], atol=1e-6)


def test_wilson_interval_covers_as_often_as_it_says():
    hits = np.random.default_rng(0).binomial(50, 0.3, 20_000)
    low, high = wilson(hits, np.full(hits.size, 50))
    assert np.mean((low <= 0.3) & (high >= 0.3)) == pytest.approx(0.95, abs=0.015)


def test_mean_of_one_draw_has_no_error():
    assert np.isnan(mean([2.0]).error)
    assert mean([1.0, 3.0]).error == pytest.approx(1.0)


def test_line_errors_are_those_of_repeated_fits():
    rng = np.random.default_rng(1)
    x, sigma = np.arange(10.0), np.linspace(0.1, 1, 10)
    fits = [fit_line(x, 2 * x + 1 + sigma * rng.standard_normal(10), sigma) for _ in range(500)]
    slopes = [fit.slope.value for fit in fits]
    assert np.mean(slopes) == pytest.approx(2, abs=0.01)
    assert np.std(slopes) == pytest.approx(np.median([fit.slope.error for fit in fits]), rel=0.15)


def test_power_is_that_of_the_points():
    x = np.array([1.0, 10, 100])
    fit = fit_power(x, 3 * x**-0.5)
    assert fit.slope.value == pytest.approx(-0.5)
    assert np.exp(fit.intercept.value) == pytest.approx(3)


def test_threshold_is_where_the_chance_is_met():
    levels, trials = np.arange(10, 20), np.full(10, 10**6)
    chances = np.exp(-np.exp(5 - 0.5 * levels))
    found = threshold(levels, chances * trials, trials, 0.95)
    assert found.value == pytest.approx((5 - np.log(-np.log(0.95))) / 0.5, abs=1e-3)


def cli(*arguments):
    from typer.testing import CliRunner

    from saddlehop.cli import app

    return CliRunner().invoke(app, ["claims", *arguments])


def test_command_prints_json_and_writes_a_page(tmp_path, monkeypatch):
    shrink(monkeypatch, "flow-interpolates")
    result = cli("--quick", "--only", "flow-interpolates", "--json", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    [claim] = json.loads(result.stdout)["claims"]
    assert claim["verdict"] == HOLDS
    assert claim["sizes"] == "quick"
    page = (tmp_path / "claims.md").read_text()
    assert "**holds**" in page
    assert claim["statement"] in page
    assert (tmp_path / "claims" / "flow-interpolates.png").stat().st_size > 5000
    assert (tmp_path / "claims" / "flow-interpolates.csv").exists()


def test_command_prints_tables(monkeypatch):
    shrink(monkeypatch, "flow-interpolates")
    result = cli("--quick", "--only", "flow-interpolates")
    assert "Verdict: holds" in result.stdout


def test_command_names_the_claims_there_are():
    error = cli("--only", "nothing").exception
    assert isinstance(error, sh.SaddlehopError)
    assert "pass names from limit, one-neuron" in str(error)


def test_command_refuses_a_file_as_folder(tmp_path):
    file = tmp_path / "file"
    file.touch()
    error = cli("--out", str(file)).exception
    assert isinstance(error, sh.SaddlehopError)
    assert "pass a folder" in str(error)


def shrink(monkeypatch, name):
    """Give a claim its small sizes as quick ones."""
    monkeypatch.setitem(CLAIMS, name, replace(CLAIMS[name], quick=SMALL[name]))
