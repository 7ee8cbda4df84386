"""A second opinion on the limit on data as they are: other ways to the same numbers.

- the loss itself, from the weights at each saddle alone: slopes along edges of cones and −2 ΔL / h²
  (`differences`), which find a way out through an active neuron or a dormant one;
- the whole process with SciPy in place of series, lines and Newton steps (`slow_jumps`);
- the flow at several λ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..errors import SaddlehopError
from ..general.extremal import extremal_vectors
from ..general.flow import GeneralFlowPath
from ..general.jumps_path import GeneralJumpPath
from ..general.verbs import simulate_flow
from ..general.walls import ZERO
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from .differences import ON_WALL, Point
from .opinion import Agreement, End, SecondOpinion, most
from .slow_jumps import SlowLimit, slow_jumps

PROCESS = "SciPy between events"
MOST_STEPS = 20_000  # of a flow
ROOM = 3.0  # jumps that stand apart at λ are seen clearly at λ³
SLOPES, CURVATURES, WEIGHTS = "first differences", "second differences", "weights at the saddles"


def general_opinion(
    problem: GeneralProblem,
    init: Initialization,
    jumps: GeneralJumpPath,
    log_scales: Sequence[float],
) -> SecondOpinion:
    """Compute the numbers again; `second_opinion` of `check` checks the input."""
    agreements = tuple(_agreements(problem, init, jumps, log_scales))
    return SecondOpinion(jumps, agreements, _end_of(jumps))


def _agreements(
    problem: GeneralProblem,
    init: Initialization,
    jumps: GeneralJumpPath,
    log_scales: Sequence[float],
) -> Iterator[Agreement]:
    points = [_point(jumps, i) for i in range(jumps.n_jumps + 1)]
    if jumps.status == "not_at_rest":
        points.pop()  # it says itself that this one is no saddle
    yield from _weights(jumps, points)
    yield from _ways_out(jumps, points)
    yield from _process(jumps, slow_jumps(problem, init, jumps.n_jumps + 1))
    for log_scale in log_scales:
        yield from _flow(problem, init, jumps, log_scale)


def _units(problem: GeneralProblem) -> tuple[float, float]:
    """The largest label and the longest input."""
    longest = float(np.max(np.linalg.norm(problem.coordinates, axis=1)))
    return float(np.max(np.abs(problem.y))) or 1.0, longest


def _point(jumps: GeneralJumpPath, index: int) -> Point:
    """A saddle in units of the largest label and the longest input."""
    problem = jumps.problem
    label, longest = _units(problem)
    network, unit = jumps.saddle(index), np.sqrt(label / longest)
    return Point(
        problem.coordinates / longest,
        problem.y / label,
        network.output / unit,
        network.hidden / unit,
    )


def _weights(jumps: GeneralJumpPath, points: list[Point]) -> Iterator[Agreement]:
    label, longest = _units(jumps.problem)
    losses = np.array([point.loss for point in points]) * label**2
    norms = np.array([point.sq_norm for point in points]) * label / longest
    errors = jumps.losses[: losses.size] - losses
    yield Agreement("losses, of the first", WEIGHTS, most(errors) / (losses[0] or 1.0), 1e-10)
    errors = jumps.sq_norms[: norms.size] - norms
    yield Agreement("squared norms", WEIGHTS, most(errors) / (norms.max() or 1.0), 1e-10)
    residuals = np.array([point.residual for point in points])
    errors = jumps.residuals[: len(points)] / label - residuals
    yield Agreement("residuals, of the largest label", WEIGHTS, most(errors), 1e-10)


def _ways_out(jumps: GeneralJumpPath, points: list[Point]) -> Iterator[Agreement]:
    slopes = [max(_descents(point, jumps.active[i]), default=0.0) for i, point in enumerate(points)]
    quantity = "ways down through active neurons"
    yield Agreement(quantity, SLOPES, max(0.0, *slopes), 1e-6)
    label, longest = _units(jumps.problem)
    errors, across, differ = [0.0], [0.0], 0
    for i, point in enumerate(points):
        who, forces = _forces(jumps, point, i)
        given = jumps.growth_rates[i, who] / (label * longest)
        speeds = np.linalg.norm(forces, axis=1)
        signs = jumps.signs[i, who]
        headings = forces * (signs * np.sign(given) / np.maximum(speeds, 1e-300))[:, None]
        errors.extend(np.abs(point.growth(signs, headings) - given))
        errors.extend(np.abs(speeds - np.abs(given)))
        sides = _sides(jumps, point, i, who, headings, speeds)
        lines = zip(signs, headings, sides, strict=True)
        across.extend(point.slope_across(float(sign), *line) for sign, *line in lines)
        alive = np.flatnonzero(np.linalg.norm(point.hidden, axis=1))
        differ += point.count_wrong_sides(headings, jumps.active[i, who])
        differ += point.count_wrong_sides(point.hidden[alive], jumps.active[i, alive])
    scale = most(jumps.growth_rates[0]) / (label * longest) or 1.0
    largest = np.max(jumps.growth_rates, axis=1, initial=0.0)
    fastest = most(jumps.escape_rates - largest) / (label * longest)
    yield Agreement("active sets", WEIGHTS, float(differ), 0.0)
    yield Agreement("growth rates, of the largest", CURVATURES, most(errors) / scale, 1e-6)
    yield Agreement("escape rates, of the largest", "growth rates", fastest / scale, 1e-12)
    yield Agreement("growth across directions", CURVATURES, max(across) / scale, 1e-6)


def _descents(point: Point, active: NDArray[np.int8] | None = None) -> list[float]:
    """Slopes down, of what the flow can do if `active` (m, n) is given, else of the loss."""
    alive = np.flatnonzero(np.linalg.norm(point.hidden, axis=1))
    if active is None:
        return [point.steepest_descent(int(j)) for j in alive]
    return [point.steepest_descent(int(j), point.guarded(active[j])) for j in alive]


def _sides(
    jumps: GeneralJumpPath,
    point: Point,
    index: int,
    who: NDArray[np.intp],
    headings: Array,
    speeds: Array,
) -> Iterator[NDArray[np.int8]]:
    """Of neurons that move along walls the sides on which they stay, ±1, 0 where they may cross, each (n,).

    What the next to arrive have learned by then pushes them along, away, or across; those that crossed
    went on at another rate.
    """
    drift = np.zeros(point.residual.size)
    next_ones = jumps.neurons[index] if index < jumps.n_jumps else ()
    for i in np.flatnonzero(np.isin(who, next_ones)):
        taken = jumps.signs[index, who[i]] * np.maximum(point.X @ headings[i], 0)
        drift += point.left_over(taken, 2 * float(speeds[i]))
    for j in who:
        modes = jumps.active[index, j]
        pushed = jumps.signs[index, j] * modes * point.pushed(modes, drift)
        away = pushed >= -ON_WALL * np.max(np.abs(drift), initial=0.0)
        sides = modes if _went_on(jumps, index, int(j)) else np.where(away, modes, 0)
        yield np.where(jumps.chosen[j], 0, np.where(sides == 0, point.guarded(modes), sides))


def _went_on(jumps: GeneralJumpPath, index: int, j: int) -> bool:
    """Whether a neuron that grows gained more than its rate at the saddle says."""
    if index == jumps.n_jumps or jumps.states[index, j] != "growing":
        return False
    span = jumps.times[index] - (jumps.times[index - 1] if index else 0.0)
    gained = jumps.exponents[index + 1, j] - jumps.exponents[index, j]
    return bool(gained > jumps.growth_rates[index, j] * span + 1e-9)


def _forces(jumps: GeneralJumpPath, point: Point, index: int) -> tuple[NDArray[np.intp], Array]:
    """Dormant neurons that grow or decay at a saddle, and the D that their active sets say."""
    states, n = jumps.states[index], point.residual.size
    who = np.flatnonzero((states == "growing") | (states == "decaying"))
    felt = np.where(np.abs(point.residual) > ZERO, point.residual, 0.0)
    active = jumps.active[index, who]
    forces = (active > 0) * felt @ point.X / n
    for i, modes in enumerate(active):
        walls = point.X[(modes == 0) & point.unit.any(axis=1)]
        if len(walls):
            forces[i] -= np.linalg.pinv(walls) @ (walls @ forces[i])
    return who, forces


def _process(jumps: GeneralJumpPath, slow: SlowLimit) -> Iterator[Agreement]:
    if not slow.losses:
        yield Agreement("all jumps", PROCESS, np.nan, 0.0, slow.note)
        return
    count = min(len(slow.times), jumps.n_jumps)
    missing = 0 if slow.note else abs(len(slow.times) - jumps.n_jumps)
    pairs = zip(slow.neurons, jumps.neurons, strict=False)
    differ = float(sum(sorted(mine) != sorted(theirs) for mine, theirs in pairs) + missing)
    if differ and jumps.chosen.any():
        note = "other neurons, but the flow is not unique on some walls, so both may be right"
        yield Agreement("neurons of the jumps", PROCESS, np.nan, 0.0, note)
        return
    yield Agreement("neurons of the jumps", PROCESS, differ, 0.0, slow.note)
    if count:
        errors = (jumps.times[:count] - slow.times[:count]) / jumps.times[count - 1]
        yield Agreement("jump clocks, of the last", PROCESS, most(errors), 1e-4)
    saddles = count + (jumps.status != "not_at_rest" or count < jumps.n_jumps)
    label = _units(jumps.problem)[0]
    for name, given, other, tolerance in (
        ("squared norms, of the largest", jumps.sq_norms, np.array(slow.sq_norms), 1e-3),
        ("losses, of the first", jumps.losses, np.array(slow.losses) * label**2, 1e-6),
        ("growth rates, of the largest", jumps.growth_rates, np.array(slow.rates), 1e-5),
    ):
        errors = given[:saddles] - other[:saddles]
        yield Agreement(name, PROCESS, most(errors) / (most(other[:saddles]) or 1.0), tolerance)


def _flow(
    problem: GeneralProblem, init: Initialization, jumps: GeneralJumpPath, log_scale: float
) -> Iterator[Agreement]:
    """Losses and norms halfway between jumps that stand apart and at the end, and when jumps happen."""
    method = f"flow at λ = 1e{log_scale / np.log(10):.0f}"
    apart = log_scale / np.log(10) <= ROOM * jumps.resolving_scale
    whole = np.flatnonzero(apart & np.append(apart[1:], True)) if apart.size else apart
    note = "" if jumps.success else jumps.message
    if not note and not whole.size:
        note = "no jump stands apart at this λ"
    try:
        flow = simulate_flow(problem, init, log_init_scale=log_scale, max_steps=MOST_STEPS)
    except SaddlehopError as err:
        note = str(err)
    if note:
        yield Agreement("losses between jumps", method, np.nan, 0.0, note)
        return
    times = jumps.times * -log_scale + np.nan_to_num(jumps.corrections)
    halfway = np.minimum(np.append((times[1:] + times[:-1]) / 2, np.inf), flow.t[-1])
    left = jumps.n_jumps - whole.size
    note = f"{left} jumps do not stand apart at this λ" if left else ""
    errors = (flow.loss_at(halfway[whole]) - jumps.losses[whole + 1]) / jumps.losses[0]
    yield Agreement("losses between jumps, of the first", method, most(errors), 1e-3, note)
    sq_norms = np.array([flow(time).sq_norm for time in halfway[whole]])
    errors = (sq_norms - jumps.sq_norms[whole + 1]) / jumps.sq_norms.max()
    yield Agreement("squared norms between jumps, of the largest", method, most(errors), 1e-3, note)
    late = [_lead(flow, jumps, int(i), float(times[i])) for i in np.flatnonzero(apart)]
    last = float(jumps.times[-1] * -log_scale)
    yield Agreement("jump clocks, of the last", method, most(late) / last, 1e-3)
    if not left:
        gap = abs(flow.final.sq_norm / jumps.sq_norms[-1] - 1)
        yield Agreement("final squared norm, relative", method, float(gap), 1e-2)


def _lead(flow: GeneralFlowPath, jumps: GeneralJumpPath, index: int, time: float) -> float:
    """How long before its predicted time the first neuron of a jump is at half of its a², by its growth."""
    group = list(jumps.neurons[index])
    with np.errstate(divide="ignore"):
        goals = np.log(np.abs(jumps.outputs[index + 1, group])) - 0.5 * np.log(2)
    if not np.isfinite(goals).any() or not 0 < time <= flow.t[-1]:
        return 0.0
    ahead = np.max((flow.log_output_at(time)[group] - goals)[np.isfinite(goals)])
    return float(ahead) / float(jumps.escape_rates[index])


def _end_of(jumps: GeneralJumpPath) -> End:
    """Say what kind of point the process ends in."""
    problem, point = jumps.problem, _point(jumps, jumps.n_jumps)
    label, longest = _units(problem)
    felt = np.where(np.abs(point.residual) > ZERO, point.residual, 0.0)
    ways = extremal_vectors(problem, felt * label, rng=0)
    out = ways.rates.size > 0 and ways.rates[0] > ON_WALL * label * longest
    states = jumps.states[-1]
    at_zero = np.isin(states, ("growing", "decaying", "stalled")).any()
    rests = max(_descents(point), default=0.0) <= 1e-6
    dead = states == "dead"
    dead.flags.writeable = False
    return End(
        is_local_minimum=bool(rests and not (at_zero and out)),
        dead=dead,
        fresh_rate=float(ways.rates[0]) if out else 0.0,
        fresh_sign=int(ways.signs[0]) if out else 0,
        fresh_direction=ways.directions[0] if out else np.zeros(problem.rank),
    )
