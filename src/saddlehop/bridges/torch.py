"""Two-layer networks of PyTorch: there, back, and a recorder for training loops.

The module is `Sequential(Linear(d, m, bias=False), ReLU(), Linear(m, 1, bias=False))` in input
space: row j of the first weight is w_j, the second weight holds the a_j. Where a GeneralProblem has a
feature 1 appended, the first layer has a bias instead, which is the weight of that feature. In the
coordinates of a problem u_jk = w_j·e_k; the part of w_j outside the span of the samples never moves under
gradient descent.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import scipy.sparse as sparse

from .._support.arrays import Array
from ..errors import InputError
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.initialization import Initialization
from ..model.network import Network
from ..model.problem import Problem
from ..model.scale import parse_scale
from ._torch_layers import (
    input_weights,
    linear_layers,
    module_inputs,
    numbers,
    problem_of,
    require_fit,
    require_plain_outputs,
    require_torch,
)
from ._torch_recorder import Recorder

if TYPE_CHECKING:
    import torch
    from torch.nn import Sequential

_ROUNDING = 1e-6  # parts outside the span below this, relative to those inside, may be rounding

__all__ = ["Recorder", "from_module", "to_module", "to_tensors"]


def to_module(
    weights: Network | Initialization,
    init_scale: float | str,
    problem: AnyProblem,
    *,
    dtype: torch.dtype | None = None,
) -> Sequential:
    """Return a two-layer module in input space with the weights λ·`weights`.

    Parameters
    ----------
    weights : Network or Initialization
        The parts of an Initialization outside the span of the samples are put along one axis, for
        only their norms are known; no output on the samples depends on it.
    init_scale : float or str
        The scale λ > 0; 1 for the weights as they are.
    problem : Problem or GeneralProblem
        Input space is that of a Problem's `directions`; without them it is that of sample
        coordinates. Of a GeneralProblem it is that of the inputs as they were given.
    dtype : torch.dtype, optional
        torch.float64 by default.

    Returns
    -------
    torch.nn.Sequential
        Linear, ReLU, Linear; takes inputs of shape (p, d), returns outputs of shape (p, 1). The
        first layer has a bias if a feature 1 is appended to the problem's inputs, else there are none.

    Notes
    -----
    In single precision the inputs are orthogonal to about 1e-7 only. With a start smaller than that,
    pairs of neuron and sample that are dead for good come back to life, and the training ends
    elsewhere than the flow: train in double precision, or from λ above about 1e-5.
    """
    torch = require_torch("Making a module")
    if not isinstance(weights, (Network, Initialization)):
        raise InputError(
            f"`weights` is of type {type(weights).__name__}; pass a Network or an Initialization."
        )
    if weights.hidden.shape[1] != problem.n_coordinates:
        what = "coordinates" if isinstance(problem, GeneralProblem) else "samples"
        raise InputError(
            f"`weights` has {weights.hidden.shape[1]} {what} but the problem has "
            f"{problem.n_coordinates}; pass the problem it belongs to."
        )
    dtype = _floating(dtype)
    scale = _scale_within(init_scale, weights, torch.finfo(dtype))
    hidden = scale * _in_input_space(weights, problem)
    has_bias = isinstance(problem, GeneralProblem) and bool(problem.bias)
    n_inputs = hidden.shape[1] - has_bias
    module = torch.nn.Sequential(
        torch.nn.Linear(n_inputs, hidden.shape[0], bias=has_bias, dtype=dtype),
        torch.nn.ReLU(),
        torch.nn.Linear(hidden.shape[0], 1, bias=False, dtype=dtype),
    )
    with torch.no_grad():
        module[0].weight.copy_(torch.from_numpy(hidden[:, :n_inputs]))
        if has_bias:
            module[0].bias.copy_(torch.from_numpy(hidden[:, -1]))
        module[2].weight.copy_(torch.from_numpy(scale * weights.output[None, :]))
    return cast("Sequential", module)


def to_tensors(
    problem: AnyProblem, *, dtype: torch.dtype | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the inputs and labels of a problem as tensors for a module of `to_module`.

    Parameters
    ----------
    problem : Problem or GeneralProblem
    dtype : torch.dtype, optional
        torch.float64 by default.

    Returns
    -------
    X : Tensor, shape (n, d)
        Without an appended feature: the module has a bias for it.
    y : Tensor, shape (n, 1)
    """
    torch = require_torch("Making tensors")
    dtype = _floating(dtype)
    inputs = _dense(module_inputs(problem, appended=False))
    return (
        torch.tensor(inputs, dtype=dtype),
        torch.from_numpy(problem.y[:, None].copy()).to(dtype),
    )


def from_module(
    module: torch.nn.Module,
    X: Any,
    init_scale: float | str = 1.0,
    *,
    orth_tol: float | None = None,
) -> Initialization:
    """Read the weights of a two-layer module in the coordinates of `X`.

    Parameters
    ----------
    module : torch.nn.Module
        Two Linear layers without biases around one ReLU, one output. The first may have a bias if
        `X` is a GeneralProblem with `bias=True`.
    X : Tensor or array_like, shape (n, d), or Problem, or GeneralProblem
        Orthogonal inputs, or a problem; inputs that are not orthogonal come as a GeneralProblem.
    init_scale : float or str
        The scale λ > 0 that the weights are divided by. With 1 they are the weights as they are:
        the limit is the same, but times at a finite λ count from the scale that is left out.
    orth_tol : float, optional
        Largest cosine allowed between two rows; 1e-8, or 1e-6 for inputs in single precision.

    Returns
    -------
    Initialization
        `.network` is the same as a Network.

    Raises
    ------
    InputError
        For a module that is anything else; the sentence says what.
    """
    require_torch("Reading a module")
    first, second = linear_layers(module, X)
    problem = problem_of(X, None, orth_tol)
    require_fit(first, problem)
    require_plain_outputs(module, first, second)
    log_scale = parse_scale(init_scale)
    if abs(log_scale) > 700:
        raise InputError(f"`init_scale` is {init_scale!r}, beyond any float a module can hold.")
    divisor = np.exp(log_scale)
    return Initialization.from_weights(
        numbers(second.weight)[0] / divisor, input_weights(first, numbers) / divisor, problem
    )


def _in_input_space(weights: Network | Initialization, problem: AnyProblem) -> Array:
    """Return hidden weights w_j with the given coordinates, shape (m, d)."""
    axes = problem.directions if isinstance(problem, Problem) else problem.basis
    hidden = weights.hidden if axes is None else np.asarray(weights.hidden @ axes)
    off_span = getattr(weights, "off_span", None)
    if off_span is None or not off_span.any():
        return np.array(hidden)
    if problem.n_features == problem.n_coordinates:
        if (off_span <= _ROUNDING * np.linalg.norm(hidden, axis=1)).all():
            return np.array(hidden)
        raise InputError(
            "`weights` has parts outside the span of the samples, but the samples span the input "
            "space; pass the problem it was drawn for, or set `off_span` to zeros."
        )
    return np.asarray(hidden + np.outer(off_span, _axis_outside(_dense(axes))))


def _axis_outside(directions: Array) -> Array:
    """A unit vector orthogonal to orthonormal rows: what is left of the axis that they cover least."""
    covered = np.einsum("ki,ki->i", directions, directions)
    axis = int(np.argmin(covered))
    left = np.eye(1, directions.shape[1], axis)[0]
    for _ in range(2):  # twice is enough for orthogonality to rounding
        left = left - directions.T @ (directions @ left)
    return np.asarray(left / np.linalg.norm(left))


def _dense(rows: Any) -> Array:
    return np.asarray(rows.toarray() if sparse.issparse(rows) else rows)


def _floating(dtype: Any) -> torch.dtype:
    """Return a type of real numbers, float64 by default."""
    import torch

    if dtype is None:
        return torch.float64
    if isinstance(dtype, torch.dtype) and dtype.is_floating_point:
        return dtype
    raise InputError(f"`dtype` is {dtype!r}; pass a floating type, such as torch.float64.")


def _scale_within(init_scale: Any, weights: Network | Initialization, range_: Any) -> float:
    """Return λ, or raise if weights would leave the range of the module's numbers."""
    scale = float(np.exp(min(parse_scale(init_scale), 700.0)))
    sizes = np.abs(weights.output)
    largest = scale * float(max(sizes.max(), np.abs(weights.hidden).max()))
    if (
        scale == 0
        or (sizes.any() and largest < math.sqrt(range_.tiny))
        or largest > math.sqrt(range_.max)
    ):
        raise InputError(
            f"`init_scale` is {init_scale!r}, where products of two weights leave the range of "
            f"{range_.dtype}; pass a scale closer to 1, or use `simulate_flow`, which takes any."
        )
    return scale
