"""Two-layer networks of PyTorch: there, back, and a recorder for training loops.

The module is `Sequential(Linear(d, m, bias=False), ReLU(), Linear(m, 1, bias=False))` in input
space: row j of the first weight is w_j, the second weight holds the a_j. In sample coordinates
u_jk = w_j·e_k; the part of w_j outside the span of the samples never moves under gradient descent.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import scipy.sparse as sparse

from .._support.arrays import Array
from ..errors import InputError
from ..model.initialization import Initialization
from ..model.network import Network
from ..model.problem import Problem
from ..model.scale import parse_scale
from ._torch_layers import linear_layers, numbers, problem_of, require_plain_outputs, require_torch
from ._torch_recorder import Recorder

if TYPE_CHECKING:
    import torch
    from torch.nn import Sequential

_ROUNDING = 1e-6  # parts outside the span below this, relative to those inside, may be rounding

__all__ = ["Recorder", "from_module", "to_module", "to_tensors"]


def to_module(
    weights: Network | Initialization,
    init_scale: float | str,
    problem: Problem,
    *,
    dtype: torch.dtype | None = None,
) -> Sequential:
    """Return a bias-free two-layer module in input space with the weights λ·`weights`.

    Parameters
    ----------
    weights : Network or Initialization
        The parts of an Initialization outside the span of the samples are put along one axis, for
        only their norms are known; no output on the samples depends on it.
    init_scale : float or str
        The scale λ > 0; 1 for the weights as they are.
    problem : Problem
        Input space is that of its `directions`; without them it is that of sample coordinates.
    dtype : torch.dtype, optional
        torch.float64 by default.

    Returns
    -------
    torch.nn.Sequential
        Linear, ReLU, Linear; takes inputs of shape (p, d), returns outputs of shape (p, 1).

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
    if weights.hidden.shape[1] != problem.n_samples:
        raise InputError(
            f"`weights` has {weights.hidden.shape[1]} samples but the problem has "
            f"{problem.n_samples}; pass the problem it belongs to."
        )
    dtype = _floating(dtype)
    scale = _scale_within(init_scale, weights, torch.finfo(dtype))
    hidden = _in_input_space(weights, problem)
    module = torch.nn.Sequential(
        torch.nn.Linear(hidden.shape[1], hidden.shape[0], bias=False, dtype=dtype),
        torch.nn.ReLU(),
        torch.nn.Linear(hidden.shape[0], 1, bias=False, dtype=dtype),
    )
    with torch.no_grad():
        module[0].weight.copy_(torch.from_numpy(scale * hidden))
        module[2].weight.copy_(torch.from_numpy(scale * weights.output[None, :]))
    return cast("Sequential", module)


def to_tensors(
    problem: Problem, *, dtype: torch.dtype | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the inputs and labels of a problem as tensors for a module of `to_module`.

    Parameters
    ----------
    problem : Problem
    dtype : torch.dtype, optional
        torch.float64 by default.

    Returns
    -------
    X : Tensor, shape (n, d)
    y : Tensor, shape (n, 1)
    """
    torch = require_torch("Making tensors")
    dtype = _floating(dtype)
    inputs = problem.norms[:, None] * _dense_directions(problem)
    return (
        torch.from_numpy(inputs).to(dtype),
        torch.from_numpy(problem.y[:, None].copy()).to(dtype),
    )


def from_module(
    module: torch.nn.Module,
    X: Any,
    init_scale: float | str = 1.0,
    *,
    orth_tol: float | None = None,
) -> Initialization:
    """Read the weights of a two-layer module in the sample coordinates of `X`.

    Parameters
    ----------
    module : torch.nn.Module
        Two Linear layers without biases around one ReLU, one output.
    X : Tensor or array_like, shape (n, d)
        Orthogonal inputs.
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
    first, second = linear_layers(module)
    problem = problem_of(X, None, orth_tol)
    if first.in_features != problem.n_features:
        raise InputError(
            f"The module takes {first.in_features} features but `X` has {problem.n_features}; pass "
            "the inputs it is trained on."
        )
    require_plain_outputs(module, first, second)
    log_scale = parse_scale(init_scale)
    if abs(log_scale) > 700:
        raise InputError(f"`init_scale` is {init_scale!r}, beyond any float a module can hold.")
    divisor = np.exp(log_scale)
    return Initialization.from_weights(
        numbers(second.weight)[0] / divisor, numbers(first.weight) / divisor, problem
    )


def _in_input_space(weights: Network | Initialization, problem: Problem) -> Array:
    """Return hidden weights w_j with the given sample coordinates, shape (m, d)."""
    directions = problem.directions
    hidden = weights.hidden if directions is None else np.asarray(weights.hidden @ directions)
    off_span = getattr(weights, "off_span", None)
    if off_span is None or not off_span.any():
        return np.array(hidden)
    if problem.n_features == problem.n_samples:
        if (off_span <= _ROUNDING * np.linalg.norm(hidden, axis=1)).all():
            return np.array(hidden)
        raise InputError(
            "`weights` has parts outside the span of the samples, but the samples span the input "
            "space; pass the problem it was drawn for, or set `off_span` to zeros."
        )
    return np.asarray(hidden + np.outer(off_span, _axis_outside(problem)))


def _axis_outside(problem: Problem) -> Array:
    """A unit vector orthogonal to all samples: what is left of the axis that they cover least."""
    directions = _dense_directions(problem)
    covered = np.einsum("ki,ki->i", directions, directions)
    axis = int(np.argmin(covered))
    left = np.eye(1, problem.n_features, axis)[0]
    for _ in range(2):  # twice is enough for orthogonality to rounding
        left = left - directions.T @ (directions @ left)
    return np.asarray(left / np.linalg.norm(left))


def _dense_directions(problem: Problem) -> Array:
    if problem.directions is None:
        return np.eye(problem.n_samples)
    if sparse.issparse(problem.directions):
        return np.asarray(problem.directions.toarray())
    return np.asarray(problem.directions)


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
