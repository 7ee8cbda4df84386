"""How often an experiment at small λ ends elsewhere than the limit λ → 0 of the same start.

At finite λ, jumps that follow one another within O(1/log(1/λ)) of the clock overlap, and what a neuron does
next depends on where it then stands: the flow may end at another rest point. A measurement, no claim.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..general.verbs import solve_jumps
from .beyond import CHAPTER, ELSEWHERE, KINDS, SAME_LOSS, distance, draw_trial, follow
from .drawing import THEORY, Axes, coloured, draw_shares, dress
from .result import Claim, Number, Report, number_of, share_of, tracked
from .statistics import mean
from .tables import Frame, as_table, where


def measure(
    *,
    n_samples: int,
    width: int,
    kinds: Sequence[str],
    exponents: Sequence[int],
    draws: int,
    report: Report = lambda share: None,
) -> Frame:
    """Solve limits and follow flows of the same starts to their ends.

    Parameters
    ----------
    n_samples : int
        Number of samples n.
    width : int
        Number of neurons m.
    kinds : sequence of str
        Data, as `beyond.KINDS` names them.
    exponents : sequence of int
        The scales are λ = 10^−exponent.
    draws : int
        Problems for each kind.
    """
    runs = [(kind, draw) for kind in kinds for draw in range(draws)]
    rows = []
    for kind, draw in tracked(runs, report, [3 if KINDS[kind] < 1 else 1 for kind, _ in runs]):
        problem, init = draw_trial(14, kind, n_samples, width, draw)
        jumps = solve_jumps(problem, init)
        for exponent in exponents:
            flow = follow(problem, init, exponent)
            rows.append(
                {
                    "kind": kind,
                    "draw": draw,
                    "exponent": exponent,
                    "limit": jumps.status,
                    "flow": "no end" if flow is None else "done",
                    "distance": None if flow is None else distance(flow.final, jumps.final),
                    "limit_loss": jumps.losses[-1] / jumps.losses[0],
                    "flow_loss": None if flow is None else flow.losses[-1] / flow.losses[0],
                }
            )
    return as_table(rows).astype({"distance": float, "flow_loss": float})


def compared(table: Frame) -> Frame:
    """Return the runs in which limit and flow both came to an end; `elsewhere` and `other_loss` answer."""
    both = where(table, limit="done", flow="done")
    other_loss = (both["flow_loss"] - both["limit_loss"]).abs() > SAME_LOSS
    return both.assign(elsewhere=both["distance"] > ELSEWHERE, other_loss=other_loss)


def judge(table: Frame) -> tuple[list[Number], str]:
    """Report for each kind of data and λ how often the flow ends elsewhere; nothing is claimed."""
    numbers = []
    for kind in dict.fromkeys(table["kind"]):
        part = where(table, kind=kind)
        for column, label, of in (
            ("limit", "limits not at rest", part.drop_duplicates("draw")),
            ("flow", "flows without an end", part),
        ):
            missed = int((of[column] != "done").sum())
            numbers.append(share_of(f"{label}, {kind}", missed, len(of)))
        for exponent, at_scale in compared(part).groupby("exponent"):
            numbers += _numbers(at_scale, f"{kind}, λ = 1e-{exponent}")
    return numbers, (
        f"The flow ends elsewhere if the two learned functions differ by more than {ELSEWHERE:.0%} of the "
        "larger on normal inputs. Limits not at rest and flows without an end are counted, and not compared. "
        f"Losses count as different from {SAME_LOSS:g} of the first on."
    )


def _numbers(part: Frame, where_: str) -> list[Number]:
    other = part[part["elsewhere"]]
    gap = other["flow_loss"] - other["limit_loss"]
    return [
        share_of(f"flow ends elsewhere, {where_}", len(other), len(part)),
        share_of(f"… with a lower loss, {where_}", int((gap < -SAME_LOSS).sum()), len(part)),
        share_of(f"… with a higher loss, {where_}", int((gap > SAME_LOSS).sum()), len(part)),
        number_of(f"distance of the two functions, {where_}", mean(part["distance"])),
    ]


def _draw(ax: Axes, table: Frame, column: str, what: str) -> None:
    """Draw shares of flows at each λ, equally far apart, for each kind of data."""
    exponents = sorted(set(table["exponent"]))
    for shift, (color, kind, part) in enumerate(coloured(compared(table), "kind")):
        hits = part.groupby("exponent")[column].agg(["sum", "count"])
        x = np.searchsorted(exponents, hits.index) + 0.09 * (shift - 2)
        label = "line, bias" if kind == "line" else f"${kind}$"
        draw_shares(ax, x, hits["sum"], hits["count"], fmt="o-", lw=0.6, color=color, label=label)
    ax.axhline(0, label="limit", **THEORY)
    dress(ax, r"scale $\lambda$ of the start", what, "upper right", ncols=2)
    ax.set_xticks(range(len(exponents)), [f"$10^{{-{exponent}}}$" for exponent in exponents])
    ax.set_ylim(-0.03, 1.35)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])


def draw_elsewhere(ax: Axes, table: Frame) -> None:
    """Draw the share of flows that end elsewhere against λ."""
    _draw(ax, table, "elsewhere", "share of flows that learn\nanother function, 95%")


def draw_losses(ax: Axes, table: Frame) -> None:
    """Draw the share of flows that end at another loss against λ."""
    _draw(ax, table, "other_loss", "share of flows that end\nat another loss, 95%")


limit_or_flow = Claim(
    "limit-or-flow",
    "A measurement, no claim: how often the flow at small λ ends elsewhere than its limit λ → 0.",
    measure,
    judge,
    (draw_elsewhere, draw_losses),
    quick={
        "n_samples": 10,
        "width": 15,
        "kinds": ("d = 20n", "d = 2n", "d = n", "d = n/2", "line"),
        "exponents": (2, 4, 8),
        "draws": 4,
    },
    full={
        "n_samples": 10,
        "width": 15,
        "kinds": ("d = 20n", "d = 2n", "d = n", "d = n/2", "line"),
        "exponents": (2, 4, 8, 30, 100),
        "draws": 20,
    },
    chapter=CHAPTER,
)
