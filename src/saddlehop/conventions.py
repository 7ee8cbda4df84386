"""Conventions of papers and code, and how they map to ours.

Ours: loss (1/2n) Σ_k r_k², network h(x) = Σ_j a_j max(w_j·x, 0), start λ·(a_j, w_j) with hidden
weights of variance 1/d per coordinate, and one step of gradient descent with rate η is t → t + η.

With the loss c·(1/2n) Σ r² the flow is ours run c times as fast::

    half-mean  (1/2n) Σ r²    c = 1         sum         Σ r²          c = 2n
    mean       (1/n) Σ r²     c = 2         half-sum    (1/2) Σ r²    c = n
    mean-field (m/2n) Σ r², r = y − h/m     c = 1 for the weights divided by √m, since
                                            h(θ)/m = h(θ/√m); only the loss is m times ours

A hidden weight of standard deviation σ per coordinate is λ = σ √d at our unit scale, so the laws
σ = λ/√(md), λ/√m and λ start at λ/√m, λ √(d/m) and λ √d in ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ._support.arrays import Array
from ._support.validate import (
    as_floats,
    as_generator,
    instance_of,
    one_of,
    positive_int,
    real_number,
)
from .errors import InputError
from .model.general_problem import AnyProblem, GeneralProblem
from .model.initialization import LAWS, Initialization
from .model.problem import Problem
from .model.scale import parse_scale

LOSSES = ("half-mean", "mean", "half-sum", "sum", "mean-field")
STDS = ("lambda/sqrt(md)", "lambda/sqrt(m)", "lambda")
OUTPUTS = (*LAWS, "iid")


def speed(loss: str, n_samples: int) -> float:
    """Return how much of our time t passes per unit of learning rate and step.

    Parameters
    ----------
    loss : {"half-mean", "mean", "half-sum", "sum", "mean-field"}
        What is minimised: (1/2n) Σ r², (1/n) Σ r², ½ Σ r², Σ r², or (m/2n) Σ r² with r = y − h/m.
        PyTorch's `MSELoss()` is "mean".
    n_samples : int
        Number of samples n that the loss runs over.
    """
    n = positive_int(n_samples, "n_samples")
    loss = one_of(loss, "loss", LOSSES)
    return float({"mean": 2, "half-sum": n, "sum": 2 * n}.get(loss, 1))


def time_of_steps(
    steps: Any, lr: float, loss: str = "half-mean", *, n_samples: int, momentum: float = 0.0
) -> Array:
    """Return our time t after a number of steps of gradient descent.

    Parameters
    ----------
    steps : array_like
        Number of steps.
    lr : float
        Learning rate η.
    loss : str
        One of those of `speed`.
    n_samples : int
        Number of samples n.
    momentum : float
        Heavy-ball momentum μ in [0, 1), which in the end runs as fast as the rate η / (1 − μ).

    Returns
    -------
    ndarray
        Of the shape of `steps`.
    """
    return as_floats(steps, "steps") * _time_per_step(lr, loss, n_samples, momentum)


def steps_of_time(
    t: Any, lr: float, loss: str = "half-mean", *, n_samples: int, momentum: float = 0.0
) -> Array:
    """Return how many steps of gradient descent reach our time t; see `time_of_steps`."""
    return as_floats(t, "t") / _time_per_step(lr, loss, n_samples, momentum)


def _time_per_step(lr: float, loss: str, n_samples: int, momentum: float) -> float:
    rate, mu = real_number(lr, "lr"), real_number(momentum, "momentum")
    if not 0 < rate < math.inf:
        raise InputError(f"`lr` is {lr!r}; pass a positive finite learning rate.")
    if not 0 <= mu < 1:
        raise InputError(f"`momentum` is {momentum!r}; pass a number from 0 up to 1.")
    return rate * speed(loss, n_samples) / (1 - mu)


@dataclass(frozen=True)
class Convention:
    """How a publication or a program writes its loss and its start.

    Parameters
    ----------
    loss : {"half-mean", "mean", "half-sum", "sum", "mean-field"}
        See `speed`.
    std : {"lambda/sqrt(md)", "lambda/sqrt(m)", "lambda"}
        Standard deviation of each coordinate of the hidden weights.
    output : {"balanced", "dominated", "gaussian", "iid"}
        Law of the output weights: those of `Initialization.draw`, where "gaussian" has √d times
        the standard deviation of a hidden coordinate, or "iid", where it is the same.

    Examples
    --------
    >>> import saddlehop as sh
    >>> theirs = sh.conventions.Convention("mean", "lambda/sqrt(md)")
    >>> problem = sh.make_orthogonal(100, rng=0)
    >>> float(theirs.time(steps=1000, lr=0.05, problem=problem))
    100.0
    >>> round(math.exp(theirs.log_init_scale(1e-6, width=25, problem=problem)), 12)
    2e-07
    """

    loss: str = "half-mean"
    """What is minimised."""
    std: str = "lambda/sqrt(md)"
    """Standard deviation of a hidden coordinate."""
    output: str = "balanced"
    """Law of the output weights."""

    def __post_init__(self) -> None:
        one_of(self.loss, "loss", LOSSES)
        one_of(self.std, "std", STDS)
        one_of(self.output, "output", OUTPUTS)

    def time(self, steps: Any, lr: float, problem: AnyProblem, momentum: float = 0.0) -> Array:
        """Return our time t after `steps` steps of rate `lr`, in the shape of `steps`."""
        instance_of(problem, "problem", Problem, GeneralProblem)
        return time_of_steps(steps, lr, self.loss, n_samples=problem.n_samples, momentum=momentum)

    def steps(self, t: Any, lr: float, problem: AnyProblem, momentum: float = 0.0) -> Array:
        """Return how many steps of rate `lr` reach our time t, in the shape of `t`."""
        instance_of(problem, "problem", Problem, GeneralProblem)
        return steps_of_time(t, lr, self.loss, n_samples=problem.n_samples, momentum=momentum)

    def their_loss(self, loss: Any, problem: Problem, width: int) -> Array:
        """Return our losses (1/2n) Σ r² in their units."""
        return as_floats(loss, "loss") * self._loss_unit(problem, width)

    def our_loss(self, loss: Any, problem: Problem, width: int) -> Array:
        """Return their losses as (1/2n) Σ r²."""
        return as_floats(loss, "loss") / self._loss_unit(problem, width)

    def weight_unit(self, width: int) -> float:
        """Return their weights over ours for the same function: √m for "mean-field", else 1."""
        return math.sqrt(positive_int(width, "width")) if self.loss == "mean-field" else 1.0

    def log_init_scale(self, init_scale: float | str, width: int, problem: Problem) -> float:
        """Return log λ in our convention of a start whose published scale is `init_scale`.

        Parameters
        ----------
        init_scale : float or str
            The published λ; a string such as "1e-1000" may be below the smallest float.
        width : int
            Number of neurons m.
        problem : Problem

        Returns
        -------
        float
            For `simulate_flow(problem, init, log_init_scale=...)`.
        """
        m, d = positive_int(width, "width"), problem.n_features
        factor = {"lambda/sqrt(md)": 1 / m, "lambda/sqrt(m)": d / m, "lambda": d}[self.std]
        return parse_scale(init_scale) + math.log(factor) / 2 - math.log(self.weight_unit(width))

    def draw(self, problem: Problem, width: int, rng: Any = None) -> Initialization:
        """Draw a start of this law at our unit scale, to be used with `log_init_scale`.

        Parameters
        ----------
        problem : Problem
        width : int
            Number of neurons m.
        rng : None, int or numpy Generator

        Returns
        -------
        Initialization
        """
        generator = as_generator(rng)
        if self.output != "iid":
            return Initialization.draw(problem, width, self.output, generator)
        wide = Initialization.draw(problem, width, "gaussian", generator)
        return Initialization(
            wide.output / math.sqrt(problem.n_features), wide.hidden, wide.off_span
        )

    def _loss_unit(self, problem: Problem, width: int) -> float:
        if self.loss == "mean-field":
            return float(positive_int(width, "width"))
        return speed(self.loss, problem.n_samples)
