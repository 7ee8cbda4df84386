"""One new neuron activates at each saddle.

On generic problems arrivals differ, so each jump has one neuron, or several that have the same active
set and so act as one; small problems have few sets, and many such copies. A saddle has zero gradient
and, but for the last, a dormant neuron that grows. Labels ±1 on inputs of norm one are not generic:
growth rates are square roots of whole numbers, and tie.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..limit.active_sets import ActiveSets
from ..limit.jump_path import JumpPath
from ..limit.jumps import solve_jumps
from ..model.datasets import make_orthogonal
from ..model.initialization import Initialization
from .drawing import BLUE, RED, SAMPLES, THEORY, Axes, draw_shares, dress
from .draws import generator, usual_width
from .result import POSITIVE, Claim, Number, Report, exact, share_of, tracked
from .tables import Frame, as_table, where

STATED_TIES = {10: 0.88, 100: 0.47, 1000: 0.14}
ROUNDING = 1e-12
DIFFERENCES = 1e-6  # what central differences of the loss are good for
SECOND_DIFFERENCES = 1e-5  # relative to rates that may be a thousandth of the largest pull
SMALL = 12  # samples up to which saddles are checked by differences


def measure(
    *,
    sizes: Sequence[int],
    draws: int,
    tie_sizes: Sequence[int],
    tie_draws: int,
    report: Report = lambda share: None,
) -> Frame:
    """Solve generic problems, look at each of their saddles, and count ties for labels ±1.

    Parameters
    ----------
    sizes, draws : sequence of int, int
        Numbers of samples n of the generic problems (normal labels, log-normal input norms), and
        problems for each.
    tie_sizes, tie_draws : sequence of int, int
        The same for labels ±1 with random sign on inputs of norm one.
    """
    runs = [("generic", n, draw) for n in sizes for draw in range(draws)]
    runs += [("sign", n, draw) for n in tie_sizes for draw in range(tie_draws)]
    costs = [n if kind == "generic" else n / 10 for kind, n, _ in runs]
    rows = []
    for kind, n, draw in tracked(runs, report, costs):
        rng = generator(2, n, draw)
        if kind == "generic":
            problem = make_orthogonal(n, "gaussian", "lognormal", rng)
            init = Initialization.draw(problem, usual_width(n), rng=rng)
            rows.append({"kind": kind, "n": n, **_facts(solve_jumps(problem, init))})
        else:
            problem = make_orthogonal(n, "sign", rng=rng)
            jumps = solve_jumps(problem, ActiveSets.draw(problem, usual_width(n), rng))
            rows.append({"kind": kind, "n": n, **_counts(jumps)})
    return as_table(rows)


def _counts(jumps: JumpPath) -> dict[str, object]:
    groups = [list(group) for group in jumps.neurons]
    tied = [group for group in groups if len(group) > 1]
    active = jumps.sets.to_bool() if tied else np.empty((0, 0), dtype=bool)
    return {
        "jumps": jumps.n_jumps,
        "most_neurons": max(map(len, groups), default=0),
        "tie_of_one_sign": any(np.bincount(jumps.sets.signs[g] + 1).max() > 1 for g in tied),
        "most_sets": max([1] + [len(np.unique(active[group], axis=0)) for group in tied]),
    }


def _facts(jumps: JumpPath) -> dict[str, object]:
    """Return the worst over all saddles; gradient and differences in units of the largest pull."""
    pull = float(np.abs(jumps.problem.pulls).max())
    saddles = [jumps.saddle_facts(index) for index in range(jumps.n_jumps + 1)]
    small = jumps.problem.n_samples <= SMALL
    checks = [jumps.check_saddle(i) for i in range(jumps.n_jumps + 1)] if small else []
    return {
        **_counts(jumps),
        "gradient": max(saddle.gradient_norm for saddle in saddles) / pull,
        "gradient_by_differences": max((check.gradient for check in checks), default=np.nan),
        "curvature_by_differences": max((check.curvature for check in checks), default=np.nan),
        "least_escape": min((s.rates.max() for s in saddles[:-1]), default=np.nan) / pull,
        "last_escape": float(saddles[-1].rates.max()) / pull,
    }


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge the generic problems by their worst saddle, and the chance of ties for labels ±1."""
    generic, sign = where(table, kind="generic"), where(table, kind="sign")
    numbers = [*_of_saddles(generic), *_of_copies(generic), *_of_ties(sign)]
    return numbers, (
        "Judged on generic problems, where neurons with one active set count as one. For labels ±1 "
        "on inputs of norm one neurons tie as often as the last rows say; these are not judged."
    )


def _of_saddles(generic: Frame) -> list[Number]:
    tied, most_sets = int((generic["most_sets"] > 1).sum()), generic["most_sets"].max()
    label = "share of generic problems where different active sets tie"
    numbers = [share_of(label, tied, len(generic), (0.0, 0.0), "0")]
    label = f"most active sets at one jump, of {generic['jumps'].sum()} generic jumps"
    numbers.append(exact(label, most_sets, (1, 1), "1"))
    for label, column, most in (
        ("largest gradient at a saddle / largest pull", "gradient", ROUNDING),
        ("the same by differences of the loss", "gradient_by_differences", DIFFERENCES),
        (
            "relative error of escape rates against second differences",
            "curvature_by_differences",
            SECOND_DIFFERENCES,
        ),
    ):
        numbers.append(exact(label, generic[column].max(), (0, most), "0"))
    label = "least escape rate before the last saddle / largest pull"
    numbers.append(exact(label, generic["least_escape"].min(), POSITIVE, "> 0"))
    last = generic["last_escape"].max()
    return [*numbers, exact("escape rate at the last saddle", last, (0, 0), "0")]


def _of_copies(generic: Frame) -> list[Number]:
    numbers = []
    for n, part in generic.groupby("n"):
        hits = int((part["most_neurons"] > 1).sum())
        label = (
            f"share of generic problems with copies of one set, n = {n}, m = {usual_width(int(n))}"
        )
        numbers.append(share_of(label, hits, len(part)))
    return numbers


def _of_ties(sign: Frame) -> list[Number]:
    numbers = []
    for n, part in sign.groupby("n"):
        stated = f"about {STATED_TIES[n]}" if n in STATED_TIES else ""
        for label, hit, theory in (
            ("any tie", part["most_neurons"] > 1, ""),
            ("a tie within one sign", part["tie_of_one_sign"].astype(bool), stated),
        ):
            text = f"chance of {label} at n = {n}, labels ±1, m = {usual_width(int(n))}"
            numbers.append(share_of(text, int(hit.sum()), len(part), None, theory))
    return numbers


def draw_ties(ax: Axes, table: Frame) -> None:
    """Draw the share of problems with a tie against n."""
    for kind, column, color, marker, label in (
        ("generic", "most_sets", BLUE, "o", "generic, different active sets"),
        ("sign", "most_neurons", RED, "s", r"labels $\pm 1$, norms 1"),
    ):
        part = where(table, kind=kind)
        ties = (part[column] > 1).groupby(part["n"]).agg(["sum", "count"])
        look = {"fmt": marker, "color": color, "label": label}
        draw_shares(ax, ties.index, ties["sum"], ties["count"], **look)
    ax.plot(*zip(*STATED_TIES.items(), strict=True), label="expected for labels ±1", **THEORY)
    dress(ax, SAMPLES, "share of problems with a tie, 95%", "upper right", log="x")
    ax.set_ylim(-0.03, 1.03)


one_neuron = Claim(
    "one-neuron",
    "One new neuron activates at each saddle, where the gradient is zero and the way out grows at a "
    "positive rate until the last.",
    measure,
    judge,
    (draw_ties,),
    quick={"sizes": (10, 30, 100), "draws": 12, "tie_sizes": (10, 100, 1000), "tie_draws": 500},
    full={
        "sizes": (10, 30, 100, 300),
        "draws": 40,
        "tie_sizes": (10, 30, 100, 300, 1000, 3000, 10_000),
        "tie_draws": 4000,
    },
)
