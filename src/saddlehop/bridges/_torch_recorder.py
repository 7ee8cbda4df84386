"""A recorder for PyTorch training loops: copies of the weights at log-spaced steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..conventions import speed
from ..errors import InputError
from ..model.scale import parse_scale
from ._torch_layers import as_array, linear_layers, numbers, problem_of, require_plain_outputs
from .recording import Recording
from .snapshots import MAX_BYTES, Snapshots

if TYPE_CHECKING:
    import torch

    from ..limit.jump_path import JumpPath
    from ..yardsticks.comparison import Comparison


class Recorder:
    """Keeps snapshots of a module in training; call it after every step of the optimizer.

    Snapshots are log-spaced in the number of steps: every step at first, later each
    `spacing` times the step of the last one. What does not fit into `max_bytes` is thinned.

    Parameters
    ----------
    module : torch.nn.Module
        Two Linear layers without biases around one ReLU, one output; on any device, of any
        precision.
    X : Tensor or array_like, shape (n, d)
        All orthogonal inputs, also if the training uses minibatches.
    y : Tensor or array_like, shape (n,) or (n, 1)
        Their labels.
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
        y: Any,
        *,
        loss: str = "half-mean",
        init_scale: float | str | None = None,
        max_bytes: int = MAX_BYTES,
        spacing: float = 1.01,
        orth_tol: float | None = None,
    ) -> None:
        first, second = linear_layers(module)
        labels = as_array(y)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        problem = problem_of(X, labels, orth_tol)
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
        return self._snapshots.recording(self._step, self._t, *self._weights())

    def compare(self, jumps: JumpPath) -> Comparison:
        """Compare what was recorded so far with the limit; see `Recording.compare`."""
        return self.recording.compare(jumps)

    def _weights(self) -> tuple[Any, Any]:
        first, second = self._layers
        return (
            self._unit * numbers(second.weight)[0],
            _copy_of(first.weight, self._unit),
        )


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
