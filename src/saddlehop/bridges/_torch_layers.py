"""What a PyTorch module is made of: two Linear layers around a ReLU, or a sentence why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sparse

from .._support.arrays import Array
from .._support.optional import require
from ..errors import InputError
from ..model.problem import ORTH_TOL, Problem

if TYPE_CHECKING:
    import torch

SINGLE_ORTH_TOL = 1e-6  # rows orthogonal in double precision have cosines below this in single
_TRANSPARENT = ("Flatten", "Identity")


def linear_layers(module: torch.nn.Module) -> tuple[torch.nn.Linear, torch.nn.Linear]:
    """Return the two Linear layers of a module, or say what it has that cannot be handled."""
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
    for place, layer in zip(("first", "second"), linear, strict=True):
        if layer.bias is not None:
            raise InputError(
                f"The {place} Linear layer has a bias; make it with `bias=False`, and put a constant "
                "feature into the inputs instead."
            )
    first, second = linear
    if second.in_features != first.out_features or second.out_features != 1:
        raise InputError(
            f"The Linear layers are {first.in_features} → {first.out_features} and "
            f"{second.in_features} → {second.out_features}; the second must take what the first gives "
            "and return one output."
        )
    return first, second


def problem_of(X: Any, y: Any, orth_tol: float | None) -> Problem:
    if isinstance(X, Problem):
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
    points = np.random.default_rng(0).standard_normal((8, d)) / np.sqrt(d)  # any points would do
    x = torch.from_numpy(points).to(first.weight)
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            plain = torch.relu(x @ first.weight.T) @ second.weight[0]
            sizes = torch.relu(x @ first.weight.T) @ second.weight[0].abs()
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
