"""How often gradient descent ends elsewhere than the flow, and whether a flipped sign is the reason.

A step of size η changes a_j² − ‖w_j‖², which the flow keeps, by η² ((w_j·D_j)² − a_j² ‖D_j‖²). While a neuron
decays like e^{−ρt} that grows relative to a_j², and after log(1/η)/(2ρ) or so a_j passes through 0. To see
whether this is the reason, descent is run again with |a_j| = ‖w_j‖ put back after every step, a_j and w_j
keeping the product |a_j| ‖w_j‖: then no sign can flip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._support.arrays import Array
from ..general.flow import GeneralFlowPath
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.network import Network
from .beyond import CHAPTER, ELSEWHERE, SAME_LOSS, distance, draw_trial, follow
from .drawing import BLUE, GREEN, RED, THEORY, Axes, draw_shares, dress
from .result import Claim, Number, Report, exact, share_of, tracked
from .tables import Frame, as_table, where

SETTLED_LOSS, SETTLED_NORM = 1e-3, 2e-2  # relative to the first loss and the last norm
PAST_REST = 1.5  # how far descent runs, in times at which the flow has settled


@dataclass(frozen=True, eq=False)
class Trial:
    """A problem and the flow of its start."""

    kind: str
    """Data, as `beyond.KINDS` names them."""
    draw: int
    """Number of the draw."""
    problem: GeneralProblem
    """The data."""
    init: Initialization
    """The start, balanced."""
    flow: GeneralFlowPath | None
    """The flow; None if it did not come to its end."""
    t_end: float
    """How long descent runs, in t; inf without a flow."""

    @cached_property
    def flow_end(self) -> Network:
        """The flow at `t_end`, or at its own end before that."""
        assert self.flow is not None
        return self.flow(min(self.t_end, float(self.flow.t[-1])))


def measure(
    *,
    n_samples: int,
    width: int,
    kinds: Sequence[str],
    exponent: int,
    rates: Sequence[float],
    draws: Sequence[int],
    longest: float,
    most_steps: float,
    report: Report = lambda share: None,
) -> Frame:
    """Run gradient descent from the start of flows until well past their rest.

    Parameters
    ----------
    n_samples : int
        Number of samples n.
    width : int
        Number of neurons m.
    kinds : sequence of str
        Data, as `beyond.KINDS` names them.
    exponent : int
        The scale is λ = 10^−exponent.
    rates : sequence of float
        Learning rates η, in units of t.
    draws : sequence of int
        Problems for each kind, for each learning rate.
    longest, most_steps : float
        Longest run, in t, and in steps; a flow that takes longer is counted but not compared.
    """
    numbers = [(kind, draw) for kind in kinds for draw in range(max(draws))]
    trials = [trial_of(kind, n_samples, width, exponent, draw) for kind, draw in numbers]
    rows = []
    runs = list(zip(rates, draws, strict=True))
    for rate, count in tracked(runs, report, [1 / rate for rate in rates]):
        end = min(longest, most_steps * rate)
        asked = [trial for trial in trials if trial.draw < count]
        rows += [_row(trial, rate) for trial in asked if not trial.t_end <= end]
        rows += _compare([trial for trial in asked if trial.t_end <= end], rate, 10.0**-exponent)
    return as_table(rows).sort_values(["kind", "draw", "rate"], ignore_index=True)


def trial_of(kind: str, n_samples: int, width: int, exponent: int, draw: int) -> Trial:
    """Draw a problem, follow its flow and see when that has settled."""
    problem, init = draw_trial(13, kind, n_samples, width, draw)
    flow = follow(problem, init, exponent)
    t_end = np.inf if flow is None else PAST_REST * settled(flow)
    return Trial(kind, draw, problem, init, flow, t_end)


def settled(flow: GeneralFlowPath) -> float:
    """Return the time t from which on loss and norm stay near their ends."""
    away = np.abs(flow.losses - flow.losses[-1]) > SETTLED_LOSS * flow.losses[0]
    away |= np.abs(flow.sq_norms - flow.sq_norms[-1]) > SETTLED_NORM * flow.sq_norms[-1]
    return float(flow.t[np.flatnonzero(away)[-1] + 1]) if away.any() else 0.0


def _row(trial: Trial, rate: float, **found: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(
        ("distance", "balanced_distance", "loss", "flow_loss"), np.nan
    )
    empty |= dict.fromkeys(("flipped", "flow_flipped"), 0)
    row = {"kind": trial.kind, "draw": trial.draw, "rate": rate, "t_end": trial.t_end}
    return row | {"compared": bool(found)} | empty | found


def _compare(trials: Sequence[Trial], rate: float, scale: float) -> list[dict[str, Any]]:
    """Run descent for all trials, and again in balance for those that ended elsewhere."""
    free = dict(descend(trials, rate, scale))
    far = {j: distance(end, trials[j].flow_end) for j, end in free.items()}
    moved = [j for j, gap in far.items() if gap > ELSEWHERE]
    again = dict(descend([trials[j] for j in moved], rate, scale, balanced=True))
    held = {moved[i]: distance(end, trials[moved[i]].flow_end) for i, end in again.items()}
    return [
        _row(
            trial,
            rate,
            distance=far[j],
            flipped=_flips(trial, free[j]),
            balanced_distance=held.get(j, np.nan),
            loss=_loss(trial, free[j]),
            flow_loss=_loss(trial, trial.flow_end),
            flow_flipped=_flips(trial, trial.flow_end),
        )
        for j, trial in enumerate(trials)
    ]


def _loss(trial: Trial, end: Network) -> float:
    """Loss relative to that of the network 0."""
    y = trial.problem.y
    return float(np.sum((y - end.outputs(trial.problem)) ** 2) / np.sum(y**2))


def _flips(trial: Trial, end: Network) -> int:
    """Number of neurons whose sign is not that of the start."""
    return int(np.sum(end.output * trial.init.output < 0))


def descend(
    trials: Sequence[Trial], rate: float, scale: float, balanced: bool = False
) -> Iterator[tuple[int, Network]]:
    """Run gradient descent on all trials at once, each up to its `t_end`.

    Parameters
    ----------
    trials : sequence of Trial
        Of one number of samples n and one width m; ranks may differ.
    rate : float
        Learning rate η, in units of t.
    scale : float
        The scale λ.
    balanced : bool
        Put |a_j| = ‖w_j‖ back after every step.

    Yields
    ------
    tuple
        Index of a trial and its network.
    """
    if not trials:
        return
    order = sorted(range(len(trials)), key=lambda j: trials[j].t_end)
    rank = max(trial.problem.rank for trial in trials)
    X = np.stack([_padded(trials[j].problem.coordinates, rank) for j in order])
    y = np.stack([trials[j].problem.y for j in order])[:, None, :]
    W = scale * np.stack([_padded(trials[j].init.hidden, rank) for j in order])
    a = scale * np.stack([trials[j].init.output for j in order])[:, :, None]
    done = 0
    for first, j in enumerate(order):
        steps = int(np.ceil(trials[j].t_end / rate))
        for _ in range(steps - done):
            a, W = _step(X[first:], y[first:], a, W, rate)
            if balanced:
                a, W = _in_balance(a, W)
        done = steps
        yield j, Network(a[0, :, 0], W[0, :, : trials[j].problem.rank])
        a, W = a[1:], W[1:]


def _padded(rows: Array, rank: int) -> Array:
    return np.pad(rows, ((0, 0), (0, rank - rows.shape[1])))


def _step(X: Array, y: Array, a: Array, W: Array, rate: float) -> tuple[Array, Array]:
    """One step: a (B, m, 1), W (B, m, r), rows X (B, n, r), labels y (B, 1, n); relu'(0) = 0."""
    inputs = W @ X.swapaxes(1, 2)
    residuals = (y - a.swapaxes(1, 2) @ np.maximum(inputs, 0)) / y.shape[2]
    D = (residuals * (inputs > 0)) @ X
    return a + rate * np.sum(W * D, axis=2, keepdims=True), W + rate * a * D


def _in_balance(a: Array, W: Array) -> tuple[Array, Array]:
    size, lengths = np.abs(a), np.linalg.norm(W, axis=2, keepdims=True)
    mean = np.sqrt(size) * np.sqrt(lengths)
    return np.copysign(mean, a), W * (mean / np.where(lengths > 0, lengths, 1.0))


def questions(part: Frame) -> dict[str, tuple[int, int]]:
    """Return hits and trials of each question, of runs that were compared."""
    away, flips = part["distance"] > ELSEWHERE, part["flipped"] > 0
    mended = part["balanced_distance"] <= ELSEWHERE
    lower = part["loss"] < part["flow_loss"] - SAME_LOSS
    return {
        "descent ends elsewhere": (int(away.sum()), len(part)),
        "of these, a sign had flipped": (int((away & flips).sum()), int(away.sum())),
        "of these, ends with the flow if kept in balance": (
            int((away & mended).sum()),
            int(away.sum()),
        ),
        "of these, at a lower loss": (int((away & lower).sum()), int(away.sum())),
        "of those that end with the flow, a sign had flipped": (
            int((~away & flips).sum()),
            int((~away).sum()),
        ),
    }


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge that no sign flips in the flow; report where descent ends, and why."""
    compared = where(table, compared=True)
    numbers = []
    if len(compared):
        label = "signs that flipped along the flow"
        numbers.append(exact(label, compared["flow_flipped"].sum(), (0, 0), "0"))
    for kind in dict.fromkeys(table["kind"]):
        part = where(table, kind=kind)
        for rate, at_rate in part.groupby("rate"):
            numbers += _numbers(at_rate, f"{kind}, η = {rate:g}")
    return numbers, (
        "Balanced starts. Judged is the theorem that the flow flips none of their signs. Descent runs to "
        f"{PAST_REST} times the time at which loss and norm of the flow have settled, and ends elsewhere "
        f"if the learned functions then differ by more than {ELSEWHERE:.0%} of the larger on normal inputs."
    )


def _numbers(part: Frame, where_: str) -> list[Number]:
    compared = where(part, compared=True)
    late = share_of(f"flow takes too long, {where_}", len(part) - len(compared), len(part))
    answers = questions(compared).items()
    return [late] + [share_of(f"{text}, {where_}", *found) for text, found in answers if found[1]]


def draw_answers(ax: Axes, table: Frame) -> None:
    """Draw against η how often descent ends elsewhere, and how often with flipped signs or for them."""
    answers = {rate: questions(part) for rate, part in where(table, compared=True).groupby("rate")}
    looks = ((BLUE, "o-"), (RED, "s"), (GREEN, "^"))
    asked = list(next(iter(answers.values())))[: len(looks)]
    for shift, (question, (color, marker)) in enumerate(zip(asked, looks, strict=True)):
        found = {rate: answer[question] for rate, answer in answers.items() if answer[question][1]}
        if found:
            hits, trials = np.array(list(found.values()), dtype=float).T
            x = np.array(list(found)) * 1.12 ** (shift - 1)
            draw_shares(ax, x, hits, trials, fmt=marker, lw=0.8, color=color, label=question)
    ax.axhline(0, label="signs that flip along the flow", **THEORY)
    dress(ax, r"learning rate $\eta$", "share of runs, 95% intervals", "upper right", log="x")
    ax.invert_xaxis()
    ax.set_ylim(-0.03, 1.6)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])


descent_or_flow = Claim(
    "descent-or-flow",
    "A measurement beside a theorem: how often gradient descent ends elsewhere than the flow, along which no "
    "balanced neuron changes its sign, and whether a sign that did is the reason.",
    measure,
    judge,
    (draw_answers,),
    quick={
        "n_samples": 8,
        "width": 12,
        "kinds": ("d = n", "d = n/2", "line"),
        "exponent": 4,
        "rates": (1e-1, 1e-2, 1e-3),
        "draws": (8, 8, 5),
        "longest": 300.0,
        "most_steps": 3e5,
    },
    full={
        "n_samples": 8,
        "width": 12,
        "kinds": ("d = n", "d = n/2", "line"),
        "exponent": 4,
        "rates": (1e-1, 1e-2, 1e-3, 1e-4),
        "draws": (100, 100, 20, 20),
        "longest": 2000.0,
        "most_steps": 4e6,
    },
    chapter=CHAPTER,
)
