"""A second opinion on the limit: other ways to the same numbers, none of them through its kernels.

- `limit/twins.py`: alignment walked in time, all growth rates afresh at every jump;
- the loss itself, evaluated at the saddles, with differences (L(θ + hv) − L(θ − hv)) / 2h and
  2 (L(θ + hv) − L(θ)) / h², which are 0 and −ρ;
- the flow at several λ, whose activation times are s L + c + o(1);
- the certificate, if python-flint is there.

That is of orthogonal rows; for data as they are see `general_check`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .._support.arrays import Array
from .._support.validate import instance_of
from ..errors import InputError, MissingExtraError, SaddlehopError
from ..general.jumps_path import GeneralJumpPath
from ..general.verbs import require_start, simulate_flow, solve_jumps
from ..limit import twins
from ..limit.jump_course import TIE_TOL
from ..limit.jump_path import JumpPath
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.initialization import Initialization
from ..model.problem import Problem
from ..model.scale import parse_scale
from .certificate import certify
from .general_check import general_opinion
from .opinion import Agreement, SecondOpinion, most

SCALES = ("1e-30", "1e-100", "1e-1000")
_STEP = 1e-4

_MOST_DECADES = 10.0  # between the inputs, for the twins and differences in plain floats


def second_opinion(
    problem: AnyProblem | GeneralJumpPath,
    init: Initialization | None = None,
    jumps: JumpPath | GeneralJumpPath | None = None,
    *,
    scales: Sequence[float | str] = SCALES,
) -> SecondOpinion:
    """Compute the numbers of the jumps again in other ways.

    Parameters
    ----------
    problem : Problem, GeneralProblem or GeneralJumpPath
        A path stands for its problem and, as `jumps`, for itself.
    init : Initialization, optional
        The start the jumps were computed from; by default that of a GeneralJumpPath. A JumpPath holds none.
    jumps : JumpPath or GeneralJumpPath, optional
        What is to be examined; by default what `solve_jumps` gives.
    scales : sequence of float or str
        The λ < 1 at which to simulate the flow; none waives that.

    Returns
    -------
    SecondOpinion

    Notes
    -----
    Of a `Problem`: O(m n²) for the reference of alignment, O(J m n) for its jumps, O(J m² n) for the
    differences, and a flow for each λ. Of a `GeneralProblem`: every neuron integrated by SciPy from event to
    event, differences of the loss at each saddle, and a flow for each λ; `SecondOpinion.end` says what kind
    of point the process ends in.
    """
    if isinstance(problem, GeneralJumpPath):
        jumps = problem if jumps is None else jumps
        problem = problem.problem
    if init is None and isinstance(jumps, GeneralJumpPath):
        init = jumps.initialization
    instance_of(problem, "problem", Problem, GeneralProblem, GeneralJumpPath)
    init = instance_of(init, "init", Initialization)
    log_scales = _log_scales(scales)
    if isinstance(problem, GeneralProblem):
        require_start(problem, init)
        path = solve_jumps(problem, init) if jumps is None else jumps
        return general_opinion(
            problem, init, instance_of(path, "jumps", GeneralJumpPath), log_scales
        )
    path = solve_jumps(problem, init) if jumps is None else jumps
    return _orthogonal_opinion(problem, init, instance_of(path, "jumps", JumpPath), log_scales)


def _log_scales(scales: Sequence[float | str]) -> list[float]:
    instance_of(scales, "scales", list, tuple)
    log_scales = [parse_scale(scale) for scale in scales]
    if any(log_scale >= 0 for log_scale in log_scales):
        raise InputError("`scales` holds a scale of at least 1; pass scales below 1.")
    return log_scales


def _orthogonal_opinion(
    problem: Problem, init: Initialization, jumps: JumpPath, log_scales: Sequence[float]
) -> SecondOpinion:
    decades = _decades(problem, init)
    if decades > _MOST_DECADES:
        note = f"inputs span {decades:.0f} decades, too many for plain floats; see the proof"
        agreements = [Agreement("everything but the proof", "plain floats", np.nan, 0.0, note)]
    else:
        agreements = [*_alignment(problem, init, jumps), *_process(problem, jumps)]
        agreements += _saddles(problem, jumps)
        for log_scale in log_scales:
            agreements += _flow(problem, init, jumps, log_scale)
    agreements.append(_proof(problem, init, jumps))
    return SecondOpinion(jumps, tuple(agreements))


def _decades(problem: Problem, init: Initialization) -> float:
    """Orders of magnitude that labels, norms and the weights of one neuron span, at most."""
    weights = np.column_stack([init.output, np.maximum(init.hidden, 0)])
    return max(map(_span, (problem.y, problem.norms, problem.pulls, *weights)), default=0.0)


def _span(values: Array) -> float:
    sizes = np.log10(np.abs(values[values != 0]))
    return float(np.ptp(sizes)) if sizes.size else 0.0


def _alignment(problem: Problem, init: Initialization, jumps: JumpPath) -> Iterator[Agreement]:
    pulls = problem.pulls / (np.abs(problem.pulls).max() or 1.0)
    walked = [twins.align_neuron(float(a), u, pulls) for a, u in zip(*_scaled(init), strict=True)]
    active, signs = jumps.sets.to_bool(), jumps.sets.signs
    differ = [
        bool((twin.active != active[j]).any() or (twin.sign != signs[j] and twin.active.any()))
        for j, twin in enumerate(walked)
    ]
    yield Agreement("active sets and signs", "walk in time", float(sum(differ)), 0.0)
    if jumps.alignment is not None:
        size = np.maximum(np.abs(init.output), init.hidden.max(axis=1))
        growth = np.array([twin.log_growth for twin in walked]) + np.log(
            np.where(size > 0, size, 1)
        )
        given = jumps.alignment.log_growth
        both = np.isfinite(growth) & np.isfinite(given)
        error = np.abs(growth[both] - given[both])
        yield Agreement("growth constants log C", "walk in time", most(error), 1e-6)


def _scaled(init: Initialization) -> tuple[Array, Array]:
    """Each neuron's start over its largest weight."""
    size = np.maximum(np.abs(init.output), init.hidden.max(axis=1))
    size = np.where(size > 0, size, 1.0)
    return init.output / size, init.hidden / size[:, None]


def _process(problem: Problem, jumps: JumpPath) -> Iterator[Agreement]:
    twin = twins.jump_process(jumps.sets.to_bool(), problem.y, problem.norms, TIE_TOL)
    method = "all rates afresh"
    same = len(twin.times) == jumps.n_jumps == len(jumps.neurons)
    differ = abs(len(twin.times) - len(jumps.neurons)) + sum(
        list(mine) != theirs or fitted.tolist() != samples
        for mine, theirs, fitted, samples in zip(
            jumps.neurons, twin.neurons, jumps.samples, twin.samples, strict=False
        )
    )
    yield Agreement("order of neurons and samples", method, float(differ), 0.0)
    if same and jumps.n_jumps:
        times = np.array(twin.times)
        yield Agreement("jump times, relative", method, most(jumps.times / times - 1), 1e-10)
        exponents = np.array(twin.exponents)
        yield Agreement("exponents", method, most(jumps.exponents - exponents), 1e-10)


def _saddles(problem: Problem, jumps: JumpPath) -> Iterator[Agreement]:
    method = "loss at the saddles"
    try:
        networks = [jumps.saddle(i) for i in range(jumps.n_jumps + 1)]
    except SaddlehopError as err:
        yield Agreement("losses and norms", method, np.nan, 0.0, str(err))
        return
    except (IndexError, ValueError) as err:
        yield Agreement("losses and norms", method, np.inf, 0.0, str(err))
        return
    losses = np.array([network.loss(problem) for network in networks])
    scale = losses[0] or 1.0
    yield Agreement("losses, of the first", method, most(jumps.losses - losses) / scale, 1e-10)
    norms = np.array([network.sq_norm for network in networks])
    largest = norms.max() or 1.0
    yield Agreement("squared norms", "weights", most(jumps.sq_norms - norms) / largest, 1e-10)
    gradients = [jumps.check_saddle(i).gradient for i in range(jumps.n_jumps + 1)]
    yield Agreement("gradient, of the largest pull", "first differences", max(gradients), 1e-6)
    rates = np.array([_fastest_escape(problem, jumps, i) for i in range(jumps.n_jumps + 1)])
    differences = [
        abs(rate - given) / max(rate, given)
        for rate, given in zip(rates, jumps.escape_rates, strict=True)
        if max(rate, given) > 1e-6 * rates.max()
    ]
    yield Agreement(
        "escape rates, relative", "second differences", max(differences, default=0.0), 1e-6
    )


def _fastest_escape(problem: Problem, jumps: JumpPath, index: int) -> float:
    """Largest −2 ΔL / h² over the directions in which dormant neurons may grow.

    Only the samples of a neuron matter to it, so the loss is that of the residuals there:
    ΔL = (1/2n) Σ_k [(r_k − a u_k ‖x_k‖)² − r_k²] without the part that does not change.
    """
    network = jumps.saddle(index)
    residuals = problem.y - network.outputs(problem)
    fastest = 0.0
    for j in np.flatnonzero(network.output == 0):
        felt = np.where(jumps.sets.of(int(j)), np.abs(residuals) * problem.norms, 0.0)
        largest = felt.max(initial=0.0)
        if largest == 0:
            continue
        small = np.abs(residuals[felt > 0]) / problem.norms[felt > 0]
        size = np.sqrt(small.min())  # no sum of large terms below, so it may be small
        u = felt / largest
        u *= _STEP * size / (np.sqrt(2) * np.linalg.norm(u))
        change = jumps.sets.signs[j] * (_STEP * size / np.sqrt(2)) * u * problem.norms
        rise = float(np.sum(change * (change - 2 * residuals))) / (2 * problem.n_samples)
        fastest = max(fastest, -2 * rise / (_STEP * size) ** 2)
    return fastest


def _flow(
    problem: Problem, init: Initialization, jumps: JumpPath, log_scale: float
) -> Iterator[Agreement]:
    method = f"flow at λ = 1e{log_scale / np.log(10):.0f}"
    try:
        prediction = jumps.predict(log_init_scale=log_scale)
        predicted, apart = prediction.activation_times, jumps.resolving_scale
        flow = simulate_flow(problem, init, log_init_scale=log_scale)
    except (SaddlehopError, IndexError, ValueError) as err:
        yield Agreement("activation clocks", method, np.nan, 0.0, str(err))
        return
    neurons = [
        neuron
        for group, scale in zip(jumps.neurons, apart, strict=False)
        if log_scale / np.log(10) <= scale
        for neuron in group
    ]
    left = sum(map(len, jumps.neurons)) - len(neurons)
    note = f"{left} neurons do not stand apart at this λ" if left else ""
    if not neurons:
        yield Agreement("activation clocks", method, np.nan, 0.0, note)
        return
    errors = (flow.activation_times - predicted)[neurons] / -log_scale
    errors = np.where(np.isnan(errors), np.inf, errors)
    last = float(jumps.times.max())
    yield Agreement("activation clocks, of the last", method, most(errors) / last, 1e-3, note)
    if not left and jumps.sq_norms[-1] > 0:
        gap = abs(flow.final.sq_norm / jumps.sq_norms[-1] - 1)
        yield Agreement("final squared norm, relative", method, float(gap), 1e-2)


def _proof(problem: Problem, init: Initialization, jumps: JumpPath) -> Agreement:
    try:
        certificate = certify(problem, init, jumps)
    except MissingExtraError as err:
        return Agreement("contradictions", "ball arithmetic", np.nan, 0.0, str(err))
    note = "; ".join(certificate.contradictions[:3])
    found = float(len(certificate.contradictions))
    return Agreement("contradictions", "ball arithmetic", found, 0.0, note)
