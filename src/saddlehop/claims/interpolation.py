"""The limit interpolates as soon as m ≳ log n.

Union bound over the samples: 1 − P ≤ n (3/4)^m, so the width for a given P grows at most as
log n / log(4/3). The bound is not tight: once log₂ n exceeds m/3, failures come from too few neurons of
one sign, and the slope of the exact formula falls towards 2 / log 2 = 2.89. The chance of success at
several widths gives the width by maximum likelihood for log(−log P) = b − s m; a line through those
against log n gives the slope, compared with that of the formula by the same fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..limit.active_sets import ActiveSets
from ..limit.jumps import solve_jumps
from ..model.initialization import Initialization
from ..yardsticks.interpolation import interpolation_probability, required_width
from ..yardsticks.intervals import wilson
from .drawing import BLACK, BLUE, NORMAL, RED, SAMPLES, THEORY, Axes, coloured, draw_shares, dress
from .draws import generator, half_and_half
from .result import Claim, Number, Report, number_of, share_of, tracked, within
from .statistics import Line, fit_line, threshold
from .tables import Frame, as_table, where

SLOPE = 1 / math.log(4 / 3)
LOW_CHANCES, NEAR_CHANCES = (0.1, 0.3, 0.5), (0.7, 0.8, 0.9, 0.95, 0.98)
SURE = 0.95


def measure(
    *,
    sizes: Sequence[int],
    draws: Sequence[int],
    gaussian_sizes: Sequence[int] = (),
    gaussian_draws: Sequence[int] = (),
    checks: Sequence[tuple[int, int, int]] = (),
    report: Report = lambda share: None,
) -> Frame:
    """Count how often random layers interpolate in the limit.

    Parameters
    ----------
    sizes, gaussian_sizes : sequence of int
        Numbers of samples n, half of either sign, for the balanced and the gaussian law.
    draws, gaussian_draws : sequence of int
        Layers of each width, for each n; the widths are those at which theory has `LOW_CHANCES` and
        `NEAR_CHANCES`.
    checks : sequence of (n, width, draws)
        Further points, for the balanced law.
    """
    points = []
    for law, kind, some, counts, chances in (
        ("balanced", "low", sizes, draws, LOW_CHANCES),
        ("balanced", "near", sizes, draws, NEAR_CHANCES),
        ("gaussian", "near", gaussian_sizes, gaussian_draws, NEAR_CHANCES),
    ):
        for n, count in zip(some, counts, strict=True):
            points += [(law, kind, n, m, count) for m in _widths(n, chances)]
    points += [("balanced", "check", n, m, count) for n, m, count in checks]
    rows = []
    costs = [n * width * count + 1e5 for _, _, n, width, count in points]
    for law, kind, n, width, count in tracked(points, report, costs):
        successes = sum(_interpolates(law, n, width, draw) for draw in range(count))
        formula = interpolation_probability(n // 2, n - n // 2, width)
        low, high = wilson(successes, count)
        rows.append(
            {
                "law": law,
                "kind": kind,
                "n": n,
                "width": width,
                "draws": count,
                "successes": successes,
                "low": float(low),
                "high": float(high),
                "formula": formula if law == "balanced" else np.nan,
            }
        )
    return as_table(rows)


def _widths(n: int, chances: Sequence[float]) -> list[int]:
    return sorted({required_width(n // 2, n - n // 2, chance) for chance in chances})


def _interpolates(law: str, n: int, width: int, draw: int) -> bool:
    problem = half_and_half(n)
    rng = generator(3, n, width, draw)
    if law == "balanced":
        return solve_jumps(problem, ActiveSets.draw(problem, width, rng)).interpolates
    return solve_jumps(problem, Initialization.draw(problem, width, law, rng)).interpolates


def sure_widths(table: Frame, law: str) -> Frame:
    """Return for each n the width at which P = 0.95, with its standard error."""
    rows = []
    for n, part in where(table, law=law, kind="near").groupby("n"):
        width = threshold(part["width"], part["successes"], part["draws"], SURE)
        rows.append({"n": n, "width": width.value, "error": width.error})
    return as_table(rows)


def _line(table: Frame, law: str) -> Line:
    widths = sure_widths(table, law)
    return fit_line(np.log(widths["n"]), widths["width"], widths["error"])


def formula_slope(table: Frame) -> float:
    """Return the slope of the same fit with the formula in place of the counts."""
    return _line(table.assign(successes=table["formula"] * table["draws"]), "balanced").slope.value


def judge(table: Frame) -> tuple[list[Number], str]:
    """Compare the slope and every proportion with the formula."""
    numbers = []
    for law in ("balanced", "gaussian"):
        if len(where(table, law=law, kind="near")):
            slope = _line(table, law).slope
            allowed, theory = None, "no formula known to us"
            if law == "balanced":
                exact = formula_slope(table)
                allowed = within(0.02, exact)
                theory = f"{exact:.3f} by the formula, at most 1/log(4/3) = {SLOPE:.3f}"
            label = f"slope of the width for P = 0.95 against log n, {law} law"
            numbers.append(number_of(label, slope, allowed, theory))
    formula = where(table, law="balanced")
    inside = (formula["low"] <= formula["formula"]) & (formula["formula"] <= formula["high"])
    numbers.append(
        share_of(
            "share of points whose Wilson interval holds the formula",
            int(inside.sum()),
            len(formula),
            (0.95, 1.0),
            "0.95 by construction",
        )
    )
    numbers += [_check(row) for row in where(formula, kind="check").to_dict("records")]
    return numbers, (
        "The balanced law is judged; the gaussian law, where neurons may change sign during "
        "alignment, is only measured."
    )


def _check(row: dict[str, float]) -> Number:
    n, width = int(row["n"]), int(row["width"])
    return share_of(
        f"P at n = {n}, m = {width}",
        int(row["successes"]),
        int(row["draws"]),
        (row["formula"], row["formula"]),
        f"{row['formula']:.4f}",
    )


def draw_chances(ax: Axes, table: Frame) -> None:
    """Draw P against the width, the formula dashed."""
    for color, n, part in coloured(where(table[table["kind"] != "check"], law="balanced")):
        rows = part.sort_values("width")
        power = round(math.log10(n))
        label = f"$n = 10^{power}$" if n == 10**power else f"$n = {n}$"
        look = {"fmt": "o", "color": color, "ms": 2.5, "lw": 0.9, "label": label}
        draw_shares(ax, rows["width"], rows["successes"], rows["draws"], **look)
        widths = np.arange(rows["width"].min() - 3, rows["width"].max() + 4)
        chance = [interpolation_probability(n // 2, n - n // 2, int(m)) for m in widths]
        ax.plot(widths, chance, "--", color=color, lw=0.9)
    ax.plot([], [], label="formula", **THEORY)
    share = "P(interpolates), 95% intervals"
    dress(ax, "width $m$ (neurons)", share, "lower right", handlelength=1.4)
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlim(right=ax.get_xlim()[1] * 1.28)


def draw_widths(ax: Axes, table: Frame) -> None:
    """Draw the width for P = 0.95 against n, the formula dashed."""
    for law, color, marker in (("balanced", BLUE, "o"), ("gaussian", RED, "s")):
        if not len(where(table, law=law)):
            continue
        found = sure_widths(table, law)
        label = f"{law}: slope {_line(table, law).slope:.2f}"
        bars = NORMAL * found["error"]
        ax.errorbar(found["n"], found["width"], bars, fmt=marker, color=color, label=label)
    sizes = np.geomspace(table["n"].min(), table["n"].max(), 40).astype(int)
    exact = [required_width(n // 2, n - n // 2, SURE) for n in sizes]
    ax.plot(sizes, exact, "--", color=BLACK, lw=1, label="formula")
    dress(ax, SAMPLES, "width for P = 0.95 (neurons)", "upper left", log="x")


interpolation = Claim(
    "width",
    "A random layer interpolates in the limit as soon as m ≳ log n: the width for P = 0.95 grows at "
    "most as log n / log(4/3).",
    measure,
    judge,
    (draw_chances, draw_widths),
    quick={
        "sizes": (10, 100, 1000, 10_000),
        "draws": (300, 300, 300, 300),
        "gaussian_sizes": (10, 100, 1000),
        "gaussian_draws": (300, 300, 200),
        "checks": ((20, 10, 4000), (100, 20, 4000), (1000, 30, 4000), (1000, 36, 4000)),
    },
    full={
        "sizes": (10, 100, 1000, 10_000, 100_000, 1_000_000),
        "draws": (2000, 2000, 2000, 1000, 300, 60),
        "gaussian_sizes": (10, 30, 100, 300, 1000, 3000, 10_000),
        "gaussian_draws": (2000, 2000, 1000, 600, 400, 200, 80),
        "checks": ((20, 10, 20_000), (100, 20, 20_000), (1000, 30, 20_000), (1000, 36, 20_000)),
    },
)
