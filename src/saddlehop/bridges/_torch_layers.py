"""What a PyTorch module is made of: two Linear layers around a ReLU, or a sentence why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sparse

from .._support.arrays import Array
from .._support.optional import require
from ..errors import InputError
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.problem import ORTH_TOL, Problem

if TYPE_CHECKING:
    import torch

SINGLE_ORTH_TOL = 1e-6  # rows orthogonal in double precision have cosines below this in single
_TRANSPARENT = ("Flatten", "Identity")


def linear_layers(module: torch.nn.Module, X: Any) -> tuple[torch.nn.Linear, torch.nn.Linear]:
    """Return the two Linear layers of a module, or say what it has that cannot be handled.

    The first may have a bias if `X` is a problem with one.
    """
    torch = require_torch("Reading a module")
    leaves = [leaf for leaf in module.modules() if not any(leaf.children())]
    linear = [leaf for leaf in leaves if isinstance(leaf, torch.nn.Linear)]
    for leaf in leaves:
        kind = type(leaf).__name__
        if not isinstance(leaf, (torch.nn.Linear, torch.nn.ReLU)) and kind not in _TRANSPARENT:
            raise InputError(
                f"The module has a layer {kind}; only Linear layers around a ReLU can be handled."
            )
    n_relus = sum(isinstance(leaf, torch.nn.ReLU) for leaf in leaves)
    if n_relus > 1 and len(linear) == 2:
        raise InputError(
            f"The module has {n_relus} ReLU layers; only one, between two Linear layers, can be handled."
        )
    if len(linear) != 2:
        raise InputError(
            f"The module has {len(linear)} Linear layers; pass a network with one hidden layer, "
            "which has 2."
        )
    first, second = linear
    _require_no_bias(first, second, isinstance(X, GeneralProblem) and bool(X.bias))
    if second.in_features != first.out_features or second.out_features != 1:
        raise InputError(
            f"The Linear layers are {first.in_features} → {first.out_features} and "
            f"{second.in_features} → {second.out_features}; the second must take what the first gives "
            "and return one output."
        )
    return first, second


def _require_no_bias(first: Any, second: Any, may_have: bool) -> None:
    if first.bias is not None and not may_have:
        raise InputError(
            "The first Linear layer has a bias; pass `sh.GeneralProblem(X, y, bias=True)`, of which it is "
            "the weight of an appended feature 1, or make the layer with `bias=False`."
        )
    if second.bias is not None:
        raise InputError(
            "The second Linear layer has a bias; make it with `bias=False`, and subtract a constant "
            "from the labels instead."
        )


def require_fit(first: torch.nn.Linear, problem: AnyProblem) -> None:
    """Raise unless the first layer takes the inputs of a problem, the appended feature or a bias for it."""
    has_bias = first.bias is not None
    if first.in_features == problem.n_features - has_bias:
        return
    ones = getattr(problem, "bias", False) and not has_bias
    raise InputError(
        f"The module takes {first.in_features} features but `X` has {problem.n_features - has_bias}"
        f"{', the appended feature 1 included; give its first layer a bias, or' if ones else ';'} pass "
        "the inputs it is trained on."
    )


def input_weights(first: torch.nn.Linear, copy: Any) -> Any:
    """Return w_j, shape (m, d), by `copy` of tensors; a bias is the weight of the last feature."""
    weights = copy(first.weight)
    return weights if first.bias is None else np.column_stack([weights, copy(first.bias)])


def module_inputs(problem: AnyProblem, *, appended: bool) -> Any:
    """Return the inputs (n, d) of a problem, dense or scipy.sparse, with or without an appended feature."""
    if isinstance(problem, GeneralProblem):
        return problem.X if appended or not problem.bias else problem.X[:, :-1]
    if problem.directions is None:
        return sparse.diags_array(problem.norms).tocsr()
    if sparse.issparse(problem.directions):
        return sparse.diags_array(problem.norms) @ problem.directions
    return problem.norms[:, None] * problem.directions


def problem_of(X: Any, y: Any, orth_tol: float | None) -> AnyProblem:
    if isinstance(X, (Problem, GeneralProblem)):
        return X
    inputs = X if sparse.issparse(X) else as_array(X)
    if orth_tol is None:
        orth_tol = SINGLE_ORTH_TOL if inputs.dtype == np.float32 else ORTH_TOL
    labels = np.zeros(inputs.shape[0]) if y is None else y
    return Problem.from_data(inputs, labels, orth_tol=orth_tol)


def as_array(value: Any) -> Any:
    """Return a tensor or what else there is as an array; masks are kept, to be refused later."""
    if not hasattr(value, "detach"):
        return np.asanyarray(value)
    tensor = value.detach().cpu()
    is_short = (
        tensor.is_floating_point() and tensor.element_size() < 4
    )  # bfloat16 is unknown to NumPy
    return (tensor.float() if is_short else tensor).numpy()


def numbers(weight: torch.Tensor) -> Array:
    return np.asarray(weight.detach().cpu().double().numpy())


def require_plain_outputs(
    module: torch.nn.Module,
    first: torch.nn.Linear,
    second: torch.nn.Linear,
    divided: bool = False,
) -> None:
    """Raise unless the module computes Σ a_j max(w_j·x, 0), over m if `divided`."""
    torch = require_torch("Reading a module")
    d = first.in_features
    bias = 0 if first.bias is None else first.bias
    points = np.random.default_rng(0).standard_normal((8, d)) / np.sqrt(d)  # any points would do
    x = torch.from_numpy(points).to(first.weight)
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            hidden = torch.relu(x @ first.weight.T + bias)
            plain, sizes = hidden @ second.weight[0], hidden @ second.weight[0].abs()
            given = module(x).reshape(-1)
    finally:
        module.train(training)
    plain = plain / (first.out_features if divided else 1)
    tol = 100 * torch.finfo(first.weight.dtype).eps
    if given.shape != plain.shape or not bool(((given - plain).abs() <= tol * sizes).all()):
        what = "(1/m) Σ a_j max(w_j·x, 0)" if divided else "Σ a_j max(w_j·x, 0)"
        raise InputError(
            f"The module does not compute {what} with its two Linear layers; pass one with a single "
            'ReLU between them and no further factor (`loss="mean-field"` divides by m).'
        )


def require_torch(feature: str) -> Any:
    return require("torch", f"{feature} of PyTorch", "torch")
