"""From the process in units of the flow to a `GeneralJumpPath` in the user's."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._support.arrays import Array, frozen
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from .alignment import STATES
from .jumps_apart import resolving_scale
from .jumps_path import GeneralJumpPath
from .jumps_process import Process, Saddle
from .rays import Rays

NAMES = np.append(STATES, "active")
NO_WALL = -1  # mode of a sample that is 0


def result_of(
    problem: GeneralProblem, init: Initialization, process: Process, max_steps: int
) -> GeneralJumpPath:
    """Return the path of a finished process."""
    saddles, jumps, units = process.saddles, process.jumps, process.units
    rays = Rays.of(problem.coordinates)
    weights = [_weights(saddle, problem.rank, np.exp(units.log_weight)) for saddle in saddles]
    outputs, hidden = np.array([a for a, _ in weights]), np.array([w for _, w in weights])
    residuals = np.array([problem.y - problem.outputs_of(a, w) for a, w in weights])
    rates = np.array([saddle.rates for saddle in saddles]) / units.time
    arrays: dict[str, Any] = {
        "times": np.array([jump.clock for jump in jumps]) * units.time,
        "losses": np.sum(residuals**2, axis=1) / (2 * problem.n_samples),
        "sq_norms": np.sum(outputs**2, axis=1) + np.sum(hidden**2, axis=(1, 2)),
        "exponents": np.array([saddle.exponents for saddle in saddles]),
        "escape_rates": np.maximum(rates.max(axis=1), 0.0),
        "growth_rates": rates,
        "margins": np.array([jump.margin for jump in jumps]) * units.time,
        "corrections": np.array([jump.correction for jump in jumps]) * units.time,
        "resolving_scale": resolving_scale(jumps, saddles),
        "settling_scale": -np.array([jump.needed for jump in jumps]) / np.log(10),
        "residuals": residuals,
        "states": NAMES[np.array([saddle.ends for saddle in saddles])],
        "signs": np.array([saddle.signs for saddle in saddles]),
        "active": rays.spread(np.array([saddle.modes for saddle in saddles]), NO_WALL),
        "stationarity": np.array([s.stationarity for s in saddles]) * _force_unit(units),
        "distances": np.array([jump.distance for jump in jumps]),
        "n_steps": np.array([jump.n_steps for jump in jumps], dtype=np.int64),
        "chosen": rays.spread(process.dormant.chosen, False),
        "sensitive": process.dormant.sensitive,
        "outputs": outputs,
        "hidden": hidden,
    }
    return GeneralJumpPath(
        problem=problem,
        initialization=init,
        neurons=tuple(jump.neurons for jump in jumps),
        status=process.status,
        message=_message(process, max_steps),
        **_frozen(arrays),
    )


def _frozen(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: frozen(array) for name, array in arrays.items()}


def _force_unit(units: Any) -> float:
    """D has the unit of a rate."""
    return 1.0 / float(units.time)


def _weights(saddle: Saddle, rank: int, unit: float) -> tuple[Array, Array]:
    """Weights of all neurons at a saddle, 0 for those that are dormant."""
    output, hidden = np.zeros(saddle.rates.size), np.zeros((saddle.rates.size, rank))
    for body in saddle.bodies:
        output[body.members] = unit * body.shares * body.output
        hidden[body.members] = unit * body.shares[:, None] * body.hidden
    return output, hidden


def _message(process: Process, max_steps: int) -> str:
    clocks = [jump.clock * process.units.time for jump in process.jumps]
    ends = {
        "done": "No dormant neuron grows any more.",
        "not_at_rest": f"After {max_steps} steps the orbit that starts at clock "
        f"{(clocks or [0.0])[-1]:.6g} is not at rest; raise `max_steps`.",
        "max_jumps": f"There were {len(clocks)} jumps and the next is due, as if they never ended.",
    }
    notes = [ends[process.status]]
    ties = [
        clock for clock, jump in zip(clocks, process.jumps, strict=True) if jump.n_directions > 1
    ]
    if ties:
        notes.append(
            f"Groups in different directions arrive together at clock {', '.join(f'{c:.6g}' for c in ties)};"
            " their head starts decide the orbit."
        )
    if process.dormant.chosen.any():
        notes.append(
            "On some walls the flow is not unique, and the side a neuron came from decided (`chosen`)."
        )
    if process.dormant.sensitive.any():
        some = ", ".join(map(str, np.flatnonzero(process.dormant.sensitive)))
        notes.append(
            f"Rounding may have decided how neurons {some} turned on an orbit: pushed aside by 1e-10 they"
            " went another way (`sensitive`)."
        )
    if process.n_slips:
        notes.append(
            "On plateaus neurons crossed walls that they grew along, pushed by what little was learned by"
            " then."
        )
    if process.is_loose:
        notes.append("Several crossed at once, which leaves `corrections` open from there on.")
    if process.n_open:
        notes.append(
            "Active neurons rest along walls that would repel them; whether what is learned next"
            " pushes them across was not followed."
        )
    if process.n_slow:
        notes.append("Some rates are too small to be told from 0 and count as 0.")
    return " ".join(notes)
