"""What the axes of each array of a result are called, and whether arrays agree in them.

Where there are samples but no GeneralProblem, coordinates are samples, and their dim is called so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..model.general_problem import GeneralProblem

DIMS: dict[str, dict[str, tuple[str, ...]]] = {
    "ActiveSets": {"words": ("sample", "word"), "signs": ("neuron",)},
    "Alignment": {"stalled": ("neuron",)},
    "BlockJumpPath": {
        "signs": ("neuron",),
        "times": ("jump",),
        "n_fitted": ("jump",),
        "losses": ("saddle",),
        "sq_norm_bounds": ("saddle", "two"),
        "exponents": ("saddle", "neuron"),
        "escape_rates": ("saddle",),
        "margins": ("jump",),
    },
    "Certificate": {
        "times": ("jump", "two"),
        "margins": ("jump", "two"),
        "escape_rates": ("escape", "two"),
        "losses": ("saddle", "two"),
        "sq_norms": ("saddle", "two"),
    },
    "Comparison": {
        "limit_clock": ("neuron",),
        "flow_clock": ("neuron",),
        "clock": ("point",),
        "distance": ("point",),
        "resolved": ("point",),
        "swapped": ("pair", "two"),
    },
    "End": {"dead": ("neuron",), "fresh_direction": ("coordinate",)},
    "ExtremalVectors": {
        "residuals": ("sample",),
        "directions": ("direction", "coordinate"),
        "signs": ("direction",),
        "rates": ("direction",),
        "active": ("direction", "sample"),
        "shares": ("direction",),
    },
    "FlowPath": {
        "t": ("time",),
        "clock": ("time",),
        "losses": ("time",),
        "sq_norms": ("time",),
        "log_output": ("time", "neuron"),
        "activation_times": ("neuron",),
    },
    "GeneralAlignment": {
        "states": ("neuron",),
        "signs": ("neuron",),
        "rates": ("neuron",),
        "directions": ("neuron", "coordinate"),
        "active": ("neuron", "sample"),
        "log_growth": ("neuron",),
        "chosen": ("neuron", "sample"),
    },
    "GeneralJumpPath": {
        "times": ("jump",),
        "losses": ("saddle",),
        "sq_norms": ("saddle",),
        "exponents": ("saddle", "neuron"),
        "escape_rates": ("saddle",),
        "growth_rates": ("saddle", "neuron"),
        "margins": ("jump",),
        "corrections": ("jump",),
        "resolving_scale": ("jump",),
        "settling_scale": ("jump",),
        "residuals": ("saddle", "sample"),
        "states": ("saddle", "neuron"),
        "signs": ("saddle", "neuron"),
        "active": ("saddle", "neuron", "sample"),
        "stationarity": ("saddle",),
        "distances": ("jump",),
        "n_steps": ("jump",),
        "chosen": ("neuron", "sample"),
        "sensitive": ("neuron",),
        "outputs": ("saddle", "neuron"),
        "hidden": ("saddle", "neuron", "coordinate"),
    },
    "GeneralProblem": {
        "X": ("sample", "feature"),
        "y": ("sample",),
        "basis": ("coordinate", "feature"),
    },
    "Initialization": {
        "output": ("neuron",),
        "hidden": ("neuron", "coordinate"),
        "off_span": ("neuron",),
    },
    "JumpPath": {
        "times": ("jump",),
        "losses": ("saddle",),
        "exponents": ("saddle", "neuron"),
        "escape_rates": ("saddle",),
        "margins": ("jump",),
        "unfit": ("unfit_sample",),
    },
    "MinNormInterpolator": {"dual": ("sample",)},
    "Network": {"output": ("neuron",), "hidden": ("neuron", "coordinate")},
    "Problem": {"y": ("sample",), "norms": ("sample",), "directions": ("sample", "feature")},
    "Recording": {
        "steps": ("time",),
        "t": ("time",),
        "output": ("time", "neuron"),
        "hidden": ("time", "neuron", "coordinate"),
        "off_span": ("neuron",),
        "zigzags": ("neuron", "sample"),
        "zigzag_since": ("neuron",),
    },
    "Saddle": {"rates": ("neuron",)},
}
DIMS["GeneralFlowPath"] = DIMS["FlowPath"] | {"chosen": ("neuron", "sample")}


def require_shapes(kind: str, content: dict[str, Any]) -> None:
    """Raise unless arrays that share a dim, here and in the parts, have one size along it."""
    sizes: dict[str, int] = {}
    apart = kind == "GeneralProblem" or any(map(_is_general, content.values()))
    for field, dims in DIMS.get(kind, {}).items():
        if isinstance(content.get(field), np.ndarray):
            _join(sizes, named(dims, apart), content[field].shape)
    for part in content.values():
        for field, dims in DIMS.get(type(part).__name__, {}).items():
            array = getattr(part, field)
            if isinstance(array, np.ndarray):
                for dim, size in zip(named(dims, apart), array.shape, strict=True):
                    if dim in ("neuron", "sample", "coordinate"):
                        _join(sizes, (dim,), (size,))
    if sizes.get("two", 2) != 2 or sizes.get("saddle", 1) != sizes.get("jump", 0) + 1:
        raise ValueError(kind)


def _is_general(part: Any) -> bool:
    return isinstance(getattr(part, "problem", part), GeneralProblem)


def named(dims: tuple[str, ...], apart: bool) -> tuple[str, ...]:
    """Dims with coordinates called samples, unless these are apart."""
    return dims if apart else tuple("sample" if dim == "coordinate" else dim for dim in dims)


def _join(sizes: dict[str, int], dims: tuple[str, ...], shape: tuple[int, ...]) -> None:
    for dim, size in zip(dims, shape, strict=True):
        if sizes.setdefault(dim, size) != size:
            raise ValueError(dim)
