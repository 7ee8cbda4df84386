"""A recorder for PyTorch training loops: copies of the weights at log-spaced steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sparse

from ..conventions import speed
from ..errors import InputError
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.problem import Problem
from ..model.scale import parse_scale
from ._torch_layers import (
    as_array,
    input_weights,
    linear_layers,
    module_inputs,
    numbers,
    problem_of,
    require_fit,
    require_plain_outputs,
    require_torch,
)
from .recording import Recording
from .snapshots import MAX_BYTES, Snapshots
from .zigzags import WallWatch

if TYPE_CHECKING:
    import torch

    from ..yardsticks.comparison import AnyJumps, Comparison


class Recorder:
    """Keeps snapshots of a module in training; call it after every step of the optimizer.

    Snapshots are log-spaced in the number of steps: every step at first, later each
    `spacing` times the step of the last one. What does not fit into `max_bytes` is thinned.

    Parameters
    ----------
    module : torch.nn.Module
        Two Linear layers without biases around one ReLU, one output; on any device, of any
        precision. The first may have a bias if `X` is a GeneralProblem with `bias=True`.
    X : Tensor or array_like, shape (n, d), or Problem, or GeneralProblem
        All inputs, also if the training uses minibatches. An array has to have orthogonal rows;
        others come as a GeneralProblem.
    y : Tensor or array_like, shape (n,) or (n, 1), optional
        Their labels; those of the problem if `X` is one.
    loss : str
        The loss that the training minimises, one of `conventions.LOSSES`; it says how much time t
        a step takes. PyTorch's `MSELoss()` is "mean".
    init_scale : float or str, optional
        The scale λ of the start, for the clock t / log(1/λ). By default the λ at which neurons have
        mean squared norm 2 λ², as in `Initialization.draw`.
    max_bytes : int
        Bound on the memory for snapshots.
    spacing : float
        Ratio of the steps of successive snapshots, above 1.
    orth_tol : float, optional
        Largest cosine allowed between two rows; 1e-8, or 1e-6 for inputs in single precision.
    watch : float
        Share of the steps after which the recorder looks on which side of the walls w_j·x_k = 0 the
        neurons are, for `Recording.zigzags`. It costs one product of the hidden weights with all
        inputs, up to half of a step on all samples, more of a step on a minibatch, and the memory of
        a copy of the inputs; 0: never.

    Examples
    --------
    In a training loop::

        record = Recorder(module, X, y, loss="mean")
        for _ in range(n_steps):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(module(X), y).backward()
            optimizer.step()
            record(optimizer)
        record.recording.compare(jumps)
    """

    def __init__(
        self,
        module: torch.nn.Module,
        X: Any,
        y: Any = None,
        *,
        loss: str = "half-mean",
        init_scale: float | str | None = None,
        max_bytes: int = MAX_BYTES,
        spacing: float = 1.01,
        orth_tol: float | None = None,
        watch: float = 0.04,
    ) -> None:
        first, second = linear_layers(module, X)
        problem = _problem(X, y, orth_tol)
        require_fit(first, problem)
        require_plain_outputs(module, first, second, loss == "mean-field")
        self._layers = (first, second)
        self._speed = speed(loss, problem.n_samples)
        self._unit = first.out_features**-0.5 if loss == "mean-field" else 1.0
        single = first.weight.element_size() < 8
        self._snapshots = Snapshots(
            problem,
            rtol=1e-5 if single else 1e-9,
            log_init_scale=None if init_scale is None else parse_scale(init_scale),
            max_bytes=max_bytes,
            spacing=spacing,
        )
        self._snapshots.add(0, 0.0, *self._weights())
        self._step, self._t, self._next = 0, 0.0, 1
        self._walls = WallWatch(watch)
        self._inputs = _inputs(problem, first) if watch > 0 else None
        self._watch()

    def __call__(self, lr: float | torch.optim.Optimizer) -> None:
        """Count one step of the optimizer, and take a snapshot if it is time for one.

        Parameters
        ----------
        lr : float or torch.optim.Optimizer
            The learning rate of the step, or the optimizer that took it, before a scheduler
            changes it.
        """
        rate = _rate(lr)
        self._step += 1
        self._t += rate * self._speed
        if self._step >= self._next:
            self._next = self._snapshots.add(self._step, self._t, *self._weights())
        self._watch()

    @property
    def steps(self) -> int:
        """Number of steps counted."""
        return self._step

    @property
    def t(self) -> float:
        """Time t = Σ lr, in the convention of our loss."""
        return self._t

    @property
    def nbytes(self) -> int:
        """Memory taken by the snapshots, in bytes."""
        return self._snapshots.nbytes

    @property
    def recording(self) -> Recording:
        """What was recorded so far, the present weights included."""
        return self._snapshots.recording(
            self._step, self._t, *self._weights(), zigzags=self._walls.seen()
        )

    def compare(self, jumps: AnyJumps) -> Comparison:
        """Compare what was recorded so far with the limit; see `Recording.compare`."""
        return self.recording.compare(jumps)

    def _weights(self) -> tuple[Any, Any]:
        first, second = self._layers
        return (
            self._unit * numbers(second.weight)[0],
            input_weights(first, lambda weight: _copy_of(weight, self._unit)),
        )

    def _watch(self) -> None:
        if self._walls.is_due(self._step):
            self._walls.see(self._step, self._t, _sides(self._layers[0], self._inputs))


def _problem(X: Any, y: Any, orth_tol: float | None) -> AnyProblem:
    """The problem of inputs and labels; labels beside a problem have to be its own."""
    is_problem = isinstance(X, (Problem, GeneralProblem))
    if y is None and not is_problem:
        raise InputError("`y` is missing; pass the labels, or a problem, which has them, as `X`.")
    labels = None if y is None else as_array(y)
    if labels is not None and labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    problem = problem_of(X, labels, orth_tol)
    if is_problem and labels is not None:
        slack = 1e-2 * np.abs(problem.y).max()  # labels of half precision are off by that
        if labels.shape != problem.y.shape or not (np.abs(labels - problem.y) <= slack).all():
            raise InputError("`y` differs from the labels of the problem `X`; leave it out.")
    return problem


def _inputs(problem: AnyProblem, first: torch.nn.Linear) -> Any:
    """The inputs: a tensor as the first layer takes them, or scipy.sparse with an appended feature."""
    rows = module_inputs(problem, appended=True)
    if sparse.issparse(rows):
        return rows
    tensor = require_torch("Recording").tensor
    return tensor(rows[:, : first.in_features]).to(first.weight)


def _sides(first: torch.nn.Linear, inputs: Any) -> Any:
    """Whether w_j·x_k > 0, shape (n, m)."""
    if sparse.issparse(inputs):
        return inputs @ input_weights(first, numbers).T > 0
    torch = require_torch("Recording")
    with torch.no_grad():
        inputs = inputs.to(first.weight.device)
        return (torch.nn.functional.linear(inputs, first.weight, first.bias) > 0).cpu().numpy()


def _copy_of(weight: torch.Tensor, unit: float) -> Any:
    """A copy of a weight in its own precision, as far as NumPy has it."""
    values = weight.detach().cpu()
    if values.dtype.itemsize < 4:
        values = values.float()
    return values.numpy() * unit if unit != 1 else values.numpy().copy()


def _rate(lr: Any) -> float:
    if isinstance(lr, float) and 0 <= lr < math.inf:
        return lr
    groups = getattr(lr, "param_groups", None)
    if groups is None:
        try:
            rate = float(lr)
        except (TypeError, ValueError):
            rate = math.nan
        if not 0 <= rate < math.inf:
            raise InputError(
                f"The recorder got {lr!r}; pass the learning rate of the step or the optimizer."
            )
        return rate
    rates = {float(group["lr"]) for group in groups}
    if len(rates) != 1:
        raise InputError(
            f"The optimizer has {len(rates)} learning rates, {sorted(rates)}; there is no one time for "
            "both layers, so give them one rate, or pass the rate to count as a number."
        )
    return rates.pop()
