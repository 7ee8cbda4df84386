"""The flow itself interpolates when the limit says so, at finite λ.

In the limit a network interpolates iff each sample is in the active set of some neuron. At finite λ the
order of jumps may differ and overshooting residuals may end pairs, but a sample that one neuron alone
covers cannot be lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..limit.jumps import solve_jumps
from ..model.datasets import make_orthogonal
from ..model.initialization import Initialization
from ..yardsticks.interpolation import required_width
from .drawing import BLUE, GREEN, RED, THEORY, Axes, draw_shares, dress
from .draws import generator
from .flows import flow_of
from .result import Claim, Number, Report, share_of, tracked
from .tables import Frame, as_table

AGREEMENT = 0.99
FITTED = 1e-9  # of the first loss: below it a flow interpolates
AGREES = "flow and limit agree"
DOES = "flow interpolates where the limit does"
DOES_NOT = "flow interpolates where the limit does not"


def measure(
    *,
    sizes: Sequence[int],
    chances: Sequence[float],
    exponents: Sequence[int],
    draws: int,
    report: Report = lambda share: None,
) -> Frame:
    """Follow flows on random problems of which some interpolate in the limit and some do not.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of samples n; labels are normal, input norms uniform on [1, 2].
    chances : sequence of float
        The widths are those at which the limit interpolates with these chances.
    exponents : sequence of int
        The scales are λ = 10^−exponent.
    draws : int
        Problems for each n and width.
    """
    runs = [(n, chance, draw) for n in sizes for chance in chances for draw in range(draws)]
    rows = []
    for n, chance, draw in tracked(runs, report, [n + 20 for n, _, _ in runs]):
        rng = generator(4, n, round(1000 * chance), draw)
        problem = make_orthogonal(n, "gaussian", "uniform", rng)
        width = required_width(n // 2, n - n // 2, chance)
        jumps = solve_jumps(problem, Initialization.draw(problem, width, rng=rng))
        for exponent in exponents:
            flow = flow_of(jumps, exponent)
            rows.append(
                {
                    "n": n,
                    "width": width,
                    "draw": draw,
                    "exponent": exponent,
                    "limit": jumps.interpolates,
                    "flow": bool(flow.losses[-1] <= FITTED * flow.losses[0]),
                    "loss": flow.losses[-1] / flow.losses[0],
                }
            )
    return as_table(rows)


def _questions(table: Frame) -> dict[str, Frame]:
    """Return for each question the flows that it is asked of; `hit` holds the answers."""
    says, does = table["limit"].astype(bool), table["flow"].astype(bool)
    return {
        AGREES: table.assign(hit=says == does),
        DOES: table.assign(hit=does)[says],
        DOES_NOT: table.assign(hit=does)[~says],
    }


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge at each λ how often the flow interpolates where the limit does."""
    numbers = []
    for exponent, part in table.groupby("exponent", sort=True):
        for question, asked in _questions(part).items():
            if len(asked):
                judged = question == DOES
                allowed, theory = ((AGREEMENT, 1.0), "1") if judged else (None, "")
                label = f"{question}, λ = 1e-{exponent}"
                hits = int(asked["hit"].sum())
                numbers.append(share_of(label, hits, len(asked), allowed, theory))
    return numbers, (
        "Problems of widths where the limit interpolates in some draws and not in others; a flow "
        "interpolates if its loss falls below 1e-9 of the first. Judged is a share of at least "
        f"{AGREEMENT}."
    )


def draw_answers(ax: Axes, table: Frame) -> None:
    """Draw the shares against λ."""
    questions = _questions(table)
    for shift, (question, color, marker, label) in enumerate(
        (
            (DOES, BLUE, "o", "interpolates where the limit does"),
            (AGREES, GREEN, "s", "agrees with the limit"),
            (DOES_NOT, RED, "^", "interpolates where the limit does not"),
        )
    ):
        hits = questions[question].groupby("exponent")["hit"].agg(["sum", "count"])
        x = 10.0 ** -(hits.index.to_numpy(float) + 0.12 * (shift - 1))
        draw_shares(ax, x, hits["sum"], hits["count"], fmt=marker, color=color, label=label)
    ax.axhline(1, **THEORY)
    ax.axhline(0, label="limit", **THEORY)
    scale, share = r"scale $\lambda$ of the start", "share of flows, 95% intervals"
    dress(ax, scale, share, "center right", log="x")
    ax.invert_xaxis()
    ax.set_ylim(-0.04, 1.04)


agreement = Claim(
    "flow-interpolates",
    "The flow itself interpolates when the limit says so, at finite λ.",
    measure,
    judge,
    (draw_answers,),
    quick={"sizes": (10, 30), "chances": (0.3, 0.7), "exponents": (2, 4, 8), "draws": 40},
    full={
        "sizes": (10, 30, 100),
        "chances": (0.1, 0.3, 0.7, 0.95),
        "exponents": (2, 4, 8),
        "draws": 60,
    },
)
