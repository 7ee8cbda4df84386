"""The start: weights λ·(a_j, w_j) with (a_j, w_j) of order one, in the coordinates of the problem.

A start is *balanced* if |a_j| = ‖w_j‖ and *dominated* if |a_j| ≥ ‖w_j‖ for every neuron; then
no output weight ever changes sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._support.arrays import Array
from .._support.brief import Brief
from .._support.memory import require_memory
from .._support.validate import (
    as_generator,
    frozen_array,
    instance_of,
    one_of,
    positive_int,
    require_length,
)
from ..errors import InputError
from .general_problem import AnyProblem, GeneralProblem
from .network import Network
from .problem import Problem, row_norms

LAWS = ("balanced", "dominated", "gaussian")
FAIR_COINS = (
    "balanced",
    "dominated",
)  # isotropic, |a_j| ≥ ‖w_j‖: each bit of a sample is a fair coin


@dataclass(frozen=True, eq=False, repr=False)
class Initialization(Brief):
    """Weights at unit scale; the flow starts at λ times these.

    Parameters
    ----------
    output : array_like, shape (m,)
        Output weights a_j.
    hidden : array_like, shape (m, r)
        Hidden weights in the coordinates of the problem: r = n sample coordinates u_jk = w_j·e_k of
        a `Problem`, r = rank span coordinates of a `GeneralProblem`.
    off_span : array_like, shape (m,), optional
        Norms of the parts of w_j outside the span of the samples; these parts never move.
        Zeros by default.
    """

    output: Array
    """Output weights a_j at unit scale, shape (m,)."""
    hidden: Array
    """Hidden weights u_jk at unit scale, shape (m, r)."""
    off_span: Array = None  # type: ignore[assignment]
    """Norms of the parts of w_j outside the span of the samples, shape (m,)."""

    def __post_init__(self) -> None:
        output = frozen_array(self.output, "output", 1)
        if output.size == 0:
            raise InputError("`output` is empty; pass at least one neuron.")
        hidden = frozen_array(self.hidden, "hidden", 2)
        require_length(hidden, "hidden", output.size, "`output`")
        off_span = np.zeros(output.size) if self.off_span is None else self.off_span
        off_span = frozen_array(off_span, "off_span", 1)
        require_length(off_span, "off_span", output.size, "`output`")
        if (off_span < 0).any():
            raise InputError(
                "`off_span` has a negative entry; pass norms, which are zero or positive."
            )
        for name, array in (("output", output), ("hidden", hidden), ("off_span", off_span)):
            object.__setattr__(self, name, array)

    @property
    def width(self) -> int:
        """Number of hidden neurons m."""
        return self.output.size

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates of a hidden weight."""
        return int(self.hidden.shape[1])

    @property
    def n_samples(self) -> int:
        """Number of samples n of a `Problem`: one coordinate each."""
        return self.n_coordinates

    @property
    def hidden_norms(self) -> Array:
        """Norms ‖w_j‖ of the hidden weights, shape (m,)."""
        return np.asarray(np.hypot(row_norms(self.hidden), self.off_span))

    @property
    def network(self) -> Network:
        """The same weights as a Network, their parts outside the span of the samples left out."""
        return Network(self.output, self.hidden)

    @classmethod
    def draw(
        cls, problem: AnyProblem, width: int, law: str = "balanced", rng: Any = None
    ) -> Initialization:
        """Draw an isotropic start: w_j normal with variance 1/d per coordinate.

        Parameters
        ----------
        problem : Problem or GeneralProblem
        width : int
            Number of neurons m.
        law : {"balanced", "dominated", "gaussian"}
            The law of a_j given w_j: ±‖w_j‖; ±sqrt(‖w_j‖² + g²) with g standard normal; or
            standard normal. Signs are fair coins.
        rng : None, int or numpy Generator

        Returns
        -------
        Initialization
        """
        instance_of(problem, "problem", Problem, GeneralProblem)
        width = positive_int(width, "width")
        law = one_of(law, "law", LAWS)
        generator = as_generator(rng)
        inside, n_features = problem.n_coordinates, problem.n_features
        require_memory(2 * width * inside, f"`width` is {width}: {width} × {inside} weights")
        hidden = generator.standard_normal((width, inside))
        hidden /= np.sqrt(n_features)
        off_span = (
            np.sqrt(generator.chisquare(n_features - inside, width) / n_features)
            if n_features > inside
            else np.zeros(width)
        )
        output = _draw_output(hidden, off_span, law, generator)
        hidden.flags.writeable = False
        return cls(output, hidden, off_span)

    @classmethod
    def from_weights(cls, output: Any, W: Any, problem: AnyProblem) -> Initialization:
        """Read a start off weights in input space.

        Parameters
        ----------
        output : array_like, shape (m,)
            Output weights a_j.
        W : array_like, shape (m, d)
            Hidden weights w_j, that of an appended feature included; in sample coordinates (d = n)
            if the problem has no `directions`.
        problem : Problem or GeneralProblem

        Returns
        -------
        Initialization
        """
        instance_of(problem, "problem", Problem, GeneralProblem)
        weights = frozen_array(W, "W", 2)
        return cls(output, *problem.split_weights(weights))


def _draw_output(hidden: Array, off_span: Array, law: str, generator: np.random.Generator) -> Array:
    width = len(hidden)
    if law == "gaussian":
        return generator.standard_normal(width)
    signs = generator.choice([-1.0, 1.0], size=width)
    sq_norms = np.einsum("jk,jk->j", hidden, hidden) + off_span**2
    if law == "dominated":
        sq_norms += generator.standard_normal(width) ** 2
    return np.asarray(signs * np.sqrt(sq_norms))
