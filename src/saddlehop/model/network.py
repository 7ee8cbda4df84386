"""A two-layer ReLU network h(x) = Σ_j a_j max(w_j·x, 0), held in the coordinates of a problem.

Of a `Problem` these are sample coordinates: with u_jk = w_j·e_k the outputs on the samples are
h(x_k) = ‖x_k‖ Σ_j a_j max(u_jk, 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._support.arrays import Array
from .._support.brief import Brief
from .._support.validate import frozen_array, instance_of, require_length
from ..errors import InputError
from .general_problem import AnyProblem, GeneralProblem
from .problem import Problem


@dataclass(frozen=True, eq=False, repr=False)
class Network(Brief):
    """Weights of a two-layer ReLU network without biases.

    Parameters
    ----------
    output : array_like, shape (m,)
        Output weights a_j.
    hidden : array_like, shape (m, r)
        Hidden weights in the coordinates of the problem; u_jk = w_j·e_k of a `Problem`, r = n.
    """

    output: Array
    """Output weights a_j, shape (m,)."""
    hidden: Array
    """Hidden weights u_jk in the coordinates of the problem, shape (m, r)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "output", frozen_array(self.output, "output", 1))
        object.__setattr__(self, "hidden", frozen_array(self.hidden, "hidden", 2))
        require_length(self.hidden, "hidden", self.output.size, "`output`")

    @property
    def width(self) -> int:
        """Number of hidden neurons m."""
        return self.output.size

    @property
    def sq_norm(self) -> float:
        """Squared norm Σ_j a_j² + Σ_jk u_jk²; inf beyond floating-point numbers."""
        with np.errstate(over="ignore"):
            return float(np.sum(self.output**2) + np.sum(self.hidden**2))

    @property
    def contributions(self) -> Array:
        """What each neuron adds to each target of a `Problem`, a_j max(u_jk, 0), shape (m, n)."""
        with np.errstate(over="ignore"):
            return np.asarray(self.output[:, None] * np.maximum(self.hidden, 0))

    def outputs(self, problem: AnyProblem) -> Array:
        """Return h(x_k) on the samples of `problem`, shape (n,)."""
        self._require_samples(problem)
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = problem.outputs_of(self.output, self.hidden)
        if not np.isfinite(outputs).all():
            raise InputError(
                "The outputs of the network leave the range of floating-point numbers; rescale its "
                "weights or the inputs."
            )
        return outputs

    def loss(self, problem: AnyProblem) -> float:
        """Return the loss (1/2n) Σ_k (y_k − h(x_k))² on `problem`."""
        outputs = self.outputs(problem)
        with np.errstate(over="ignore"):
            return float(np.mean((problem.y - outputs) ** 2) / 2)

    def predict(self, X: Any, problem: AnyProblem) -> Array:
        """Return h(x) at any points.

        Parameters
        ----------
        X : array_like or scipy.sparse array, shape (p, d)
            Points of the input space of `problem`; in sample coordinates (d = n) if the
            problem has no `directions`. Parts outside the span of the samples are ignored.
        problem : Problem or GeneralProblem

        Returns
        -------
        ndarray, shape (p,)
        """
        self._require_samples(problem)
        return np.asarray(np.maximum(problem.project(X) @ self.hidden.T, 0) @ self.output)

    def _require_samples(self, problem: AnyProblem) -> None:
        instance_of(problem, "problem", Problem, GeneralProblem)
        if isinstance(problem, Problem):
            require_length(
                problem.y, "problem.y", self.hidden.shape[1], "the network's sample axis"
            )
        elif problem.rank != self.hidden.shape[1]:
            raise InputError(
                f"`problem` has rank {problem.rank} but the network's weights have "
                f"{self.hidden.shape[1]} coordinates; pass the problem the network is of."
            )
