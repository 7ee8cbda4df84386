"""Paths as xarray Datasets, with dims `jump`, `saddle`, `time`, `neuron`, `sample`, `coordinate`.

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
from ..limit.jump_path import JumpPath
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.network import Network
from ..model.problem import Problem, row_norms
from .recording import Recording

if TYPE_CHECKING:
    import xarray as xr

_CLOCK = "t / log(1/lambda)"


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
        attrs=_settings("JumpPath", jumps.problem, jumps.width)
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
        attrs=_settings(type(flow).__name__, flow.problem, flow.init.width) | settings,
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
        attrs=_settings("Recording", recording.problem, recording.output.shape[1])
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


def _settings(kind: str, problem: AnyProblem, width: int) -> dict[str, Any]:
    return {
        "saddlehop": __version__,
        "kind": kind,
        "n_samples": problem.n_samples,
        "n_features": problem.n_features,
        "width": width,
    }
