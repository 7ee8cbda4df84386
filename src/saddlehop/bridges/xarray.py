"""Results as xarray Datasets, with dims `jump`, `saddle`, `time`, `neuron`, `sample`, `coordinate`.

Jumps count from 1, as in frames and tables. Saddle i is the one after i jumps, as in
`JumpPath.saddle(i)`: jump i leads from saddle i − 1 to saddle i.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.labelled import as_dataset
from .._support.optional import require
from .._version import __version__
from ..errors import UnresolvedTieError
from ..flow.simulate import FlowPath
from ..general.alignment import GeneralAlignment
from ..general.extremal import ExtremalVectors
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.network import Network
from ..model.problem import Problem, row_norms
from .recording import Recording

if TYPE_CHECKING:
    import xarray as xr

_CLOCK = "t / log(1/lambda)"
_SIDES = "1: active, 0: on the wall, -1: not"
_CHOSEN = "whether the side a neuron came from decided on a wall"


@as_dataset.register(JumpPath)
def jumps_dataset(jumps: JumpPath) -> xr.Dataset:
    """Return a jump path as a Dataset; what needs the start is left out if it is not known."""
    xarray = require_xarray("Making a Dataset of jumps")
    sizes = np.array([fitted.size for fitted in jumps.samples], dtype=np.int64)
    dataset = xarray.Dataset(
        {
            "margin": _variable("jump", jumps.margins, "clock time to the runner-up"),
            "n_fitted": _variable("jump", sizes, "samples fitted by the jump"),
            "loss": _variable("saddle", jumps.losses, "(1/2n) sum r^2"),
            "sq_norm": _variable("saddle", jumps.sq_norms, "sum of squared weights"),
            **_norm_bounds(jumps),
            "escape_rate": _variable(
                "saddle", jumps.escape_rates, "largest growth rate of a dormant neuron", "1/t"
            ),
            "exponent": _variable(("saddle", "neuron"), jumps.exponents, "log|a| / log(1/lambda)"),
            "sign": _variable("neuron", jumps.sets.signs, "sign of the output weight"),
            **_jump_of_each(jumps),
            "active": _variable(
                ("neuron", "sample"), jumps.sets.to_bool(), "samples the neuron can learn"
            ),
            **_problem_variables(jumps.problem),
        },
        coords={
            "jump": np.arange(1, jumps.n_jumps + 1),
            "saddle": np.arange(jumps.n_jumps + 1),
            "clock": _variable("jump", jumps.times, "clock", _CLOCK),
        },
        attrs=_settings("JumpPath", jumps.problem, width=jumps.width)
        | {"tie_tol": jumps.tie_tol, "interpolates": int(jumps.interpolates)},
    )
    return dataset.assign(_of_the_start(jumps))  # type: ignore[no-any-return]


def _norm_bounds(jumps: JumpPath) -> dict[str, Any]:
    low, high = jumps.sq_norm_bounds.T
    return {
        "sq_norm_low": _variable("saddle", low, "lower bound of sq_norm"),
        "sq_norm_high": _variable("saddle", high, "upper bound of sq_norm"),
    }


def _jump_of_each(jumps: JumpPath) -> dict[str, Any]:
    fitted_at = np.full(jumps.problem.n_samples, -1)
    activated_at = np.full(jumps.width, -1)
    for jump, (group, fitted) in enumerate(zip(jumps.neurons, jumps.samples, strict=True), 1):
        fitted_at[fitted] = activated_at[list(group)] = jump
    return {
        "activated_at": _variable(
            "neuron", activated_at, "jump it activates at, from 1; -1: never"
        ),
        "fitted_at": _variable("sample", fitted_at, "jump it is fitted at, from 1; -1: never"),
    }


def _of_the_start(jumps: JumpPath) -> dict[str, Any]:
    try:
        final = _network_variables(jumps.final)
        if jumps.alignment is None:
            return final
        meaning = "c in t = clock log(1/lambda) + c"
        correction = _variable("jump", jumps.corrections, meaning, "t")
        start = _start_variables(jumps.alignment.initialization)
        return final | start | {"correction": correction}
    except UnresolvedTieError:
        return {}


@as_dataset.register(GeneralJumpPath)
def general_jumps_dataset(jumps: GeneralJumpPath) -> xr.Dataset:
    """Return a jump path on data as they are as a Dataset."""
    xarray = require_xarray("Making a Dataset of jumps")
    return xarray.Dataset(  # type: ignore[no-any-return]
        {
            **_of_general_jumps(jumps),
            **_of_general_saddles(jumps),
            "chosen": _variable(("neuron", "sample"), jumps.chosen, _CHOSEN),
            **_sensitive(jumps),
            **_network_variables(jumps.final, "coordinate"),
            **_start_variables(jumps.initialization, "coordinate"),
            **_problem_variables(jumps.problem),
        },
        coords={
            "jump": np.arange(1, jumps.n_jumps + 1),
            "saddle": np.arange(jumps.n_jumps + 1),
            "clock": _variable("jump", jumps.times, "clock", _CLOCK),
        },
        attrs=_settings("GeneralJumpPath", jumps.problem, width=jumps.width)
        | {"status": jumps.status, "message": jumps.message}
        | {"interpolates": int(jumps.interpolates)},
    )


def _sensitive(jumps: GeneralJumpPath) -> dict[str, Any]:
    if jumps.sensitive is None:
        return {}
    meaning = "whether rounding may have turned a neuron another way while it was dormant"
    return {"sensitive": _variable("neuron", jumps.sensitive, meaning)}


def _of_general_jumps(jumps: GeneralJumpPath) -> dict[str, Any]:
    activated_at = np.full(jumps.width, -1)
    for jump, group in enumerate(jumps.neurons, 1):
        activated_at[list(group)] = jump
    return {
        "margin": _variable("jump", jumps.margins, "clock time to the runner-up"),
        "correction": _variable("jump", jumps.corrections, "c in t = clock log(1/lambda) + c", "t"),
        "distance": _variable("jump", jumps.distances, "distance to rest, where the flow was left"),
        "n_steps": _variable("jump", jumps.n_steps, "steps of the flow along the orbit"),
        "activated_at": _variable(
            "neuron", activated_at, "last jump it activates at, from 1; -1: never"
        ),
    }


def _of_general_saddles(jumps: GeneralJumpPath) -> dict[str, Any]:
    each = ("saddle", "neuron")
    return {
        "loss": _variable("saddle", jumps.losses, "(1/2n) sum r^2"),
        "sq_norm": _variable("saddle", jumps.sq_norms, "sum of squared weights"),
        "escape_rate": _variable(
            "saddle", jumps.escape_rates, "largest growth rate of a dormant neuron", "1/t"
        ),
        "stationarity": _variable("saddle", jumps.stationarity, "largest |D| of an active neuron"),
        "residual": _variable(("saddle", "sample"), jumps.residuals, "y - h(x)"),
        "exponent": _variable(each, jumps.exponents, "log|a| / log(1/lambda)"),
        "growth_rate": _variable(
            each, jumps.growth_rates, "growth rate of a dormant neuron", "1/t"
        ),
        "state": _variable(each, jumps.states, "what the neuron is"),
        "sign": _variable(each, jumps.signs, "sign of the output weight"),
        "active": _variable((*each, "sample"), jumps.active, _SIDES),
        "output": _variable(each, jumps.outputs, "output weights a"),
        "hidden": _variable((*each, "coordinate"), jumps.hidden, "hidden weights"),
    }


@as_dataset.register(GeneralAlignment)
def general_alignment_dataset(alignment: GeneralAlignment) -> xr.Dataset:
    """Return what neurons are after the first instant, on data as they are, as a Dataset."""
    xarray = require_xarray("Making a Dataset of an alignment")
    init = alignment.initialization
    return xarray.Dataset(  # type: ignore[no-any-return]
        {
            "state": _variable("neuron", alignment.states, "what the neuron is"),
            "sign": _variable("neuron", alignment.signs, "sign of the output weight"),
            "rate": _variable("neuron", alignment.rates, "growth rate", "1/t"),
            "direction": _variable(
                ("neuron", "coordinate"), alignment.directions, "unit hidden weights"
            ),
            "active": _variable(("neuron", "sample"), alignment.active, _SIDES),
            "log_growth": _variable(
                "neuron", alignment.log_growth, "log C in |a| = lambda C e^(rt)"
            ),
            "chosen": _variable(("neuron", "sample"), alignment.chosen, _CHOSEN),
            **_start_variables(init, "coordinate"),
            **_problem_variables(alignment.problem),
        },
        attrs=_settings("GeneralAlignment", alignment.problem, width=init.width),
    )


@as_dataset.register(ExtremalVectors)
def extremal_dataset(found: ExtremalVectors) -> xr.Dataset:
    """Return the directions that draw neurons as a Dataset, with them along the dim `direction`."""
    xarray = require_xarray("Making a Dataset of directions")
    return xarray.Dataset(  # type: ignore[no-any-return]
        {
            "vector": _variable(("direction", "coordinate"), found.directions, "unit vectors"),
            "sign": _variable("direction", found.signs, "sign of the output weights drawn there"),
            "rate": _variable("direction", found.rates, "growth rate", "1/t"),
            "active": _variable(("direction", "sample"), found.active, _SIDES),
            "share": _variable("direction", found.shares, "share of the starts that end there"),
            "residual": _variable("sample", found.residuals, "y - h(x)"),
            **_problem_variables(found.problem),
        },
        attrs=_settings("ExtremalVectors", found.problem, n_starts=found.n_starts)
        | {"is_complete": int(found.is_complete)},
    )


@as_dataset.register(FlowPath)
def flow_dataset(flow: FlowPath) -> xr.Dataset:
    """Return a flow as a Dataset, at its steps."""
    xarray = require_xarray("Making a Dataset of a flow")
    axis = "sample" if isinstance(flow.problem, Problem) else "coordinate"
    settings = {
        "log_init_scale": flow.log_init_scale,
        "rtol": flow.rtol,
        "t_end": float("inf") if flow.t_end is None else flow.t_end,
        "max_steps": flow.max_steps,
        "status": flow.status,
        **{f"stats_{name}": count for name, count in flow.stats.items()},
    }
    return xarray.Dataset(  # type: ignore[no-any-return]
        {
            **_path_variables(flow),
            **_network_variables(flow.final, axis),
            **_start_variables(flow.init, axis),
            **_problem_variables(flow.problem),
        },
        coords=_path_coordinates(flow),
        attrs=_settings(type(flow).__name__, flow.problem, width=flow.init.width) | settings,
    )


@as_dataset.register(Recording)
def recording_dataset(recording: Recording) -> xr.Dataset:
    """Return a recorded training run as a Dataset, at its snapshots."""
    xarray = require_xarray("Making a Dataset of a recording")
    general = isinstance(recording.problem, GeneralProblem)
    dim, where = ("coordinate", "of the span") if general else ("sample", "of the samples")
    weights = {
        "step": _variable("time", recording.steps, "steps of the optimizer"),
        "output": _variable(("time", "neuron"), recording.output, "output weights a"),
        "hidden": _variable(
            ("time", "neuron", dim), recording.hidden, f"hidden weights in coordinates {where}"
        ),
        "off_span": _variable("neuron", recording.off_span, "norms outside the span, which rest"),
        "imbalance": _variable(
            ("time", "neuron"), recording.imbalance, "change of a^2 - |w|^2, relative to the larger"
        ),
        "zigzag": _variable(
            ("neuron", "sample"), recording.zigzags, "bursts of steps with zig-zags on the wall"
        ),
    }
    return xarray.Dataset(  # type: ignore[no-any-return]
        {**_path_variables(recording), **weights, **_problem_variables(recording.problem)},
        coords=_path_coordinates(recording),
        attrs=_settings("Recording", recording.problem, width=recording.output.shape[1])
        | {"log_init_scale": recording.log_init_scale, "rtol": recording.rtol}
        | {"bursts": recording.bursts},
    )


def require_xarray(feature: str) -> Any:
    """Import xarray or say what needs it."""
    return require("xarray", feature, "xarray")


def _variable(dims: str | tuple[str, ...], values: Any, name: str, units: str = "") -> Any:
    return dims, np.asarray(values), {"long_name": name} | ({"units": units} if units else {})


def _path_variables(path: FlowPath | Recording) -> dict[str, Any]:
    return {
        "loss": _variable("time", path.losses, "(1/2n) sum r^2"),
        "sq_norm": _variable("time", path.sq_norms, "sum of squared weights"),
        "log_output": _variable(("time", "neuron"), path.log_output, "log|a|"),
        "activation_time": _variable(
            "neuron", path.activation_times, "first t at which a^2 passes half of its end", "t"
        ),
    }


def _path_coordinates(path: FlowPath | Recording) -> dict[str, Any]:
    return {
        "time": _variable("time", path.t, "time of the flow", "t"),
        "clock": _variable("time", path.clock, "clock", _CLOCK),
    }


def _network_variables(network: Network, axis: str = "sample") -> dict[str, Any]:
    return {
        "final_output": _variable("neuron", network.output, "output weights a at the end"),
        "final_hidden": _variable(("neuron", axis), network.hidden, "hidden weights at the end"),
    }


def _start_variables(start: Any, axis: str = "sample") -> dict[str, Any]:
    return {
        "init_output": _variable("neuron", start.output, "output weights of the start, unit scale"),
        "init_hidden": _variable(
            ("neuron", axis), start.hidden, "hidden weights of the start, unit scale"
        ),
        "init_off_span": _variable(
            "neuron", start.off_span, "norms outside the span of the samples, unit scale"
        ),
    }


def _problem_variables(problem: AnyProblem) -> dict[str, Any]:
    norms = problem.norms if isinstance(problem, Problem) else row_norms(problem.X)
    return {
        "y": _variable("sample", problem.y, "labels"),
        "norm": _variable("sample", norms, "norms of the inputs"),
    }


def _settings(kind: str, problem: AnyProblem, **sizes: int) -> dict[str, Any]:
    return {
        "saddlehop": __version__,
        "kind": kind,
        "n_samples": problem.n_samples,
        "n_features": problem.n_features,
        **sizes,
    }
