"""Small data sets of the literature, by name, with what was published about training on them.

Losses are L = (1/2n) Σ r², half the mean squared error that most publications print.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._support.arrays import Array, frozen
from .._support.brief import Brief
from .._support.validate import one_of
from .general_problem import GeneralProblem


@dataclass(frozen=True, eq=False, repr=False)
class Setting(Brief):
    """A data set of the literature."""

    name: str
    """The name it is loaded by."""
    X: Array
    """Inputs as published, shape (n, d)."""
    y: Array
    """Labels, shape (n,)."""
    bias: bool
    """Whether the published network has biases: a feature 1 is to be appended."""
    law: str
    """The law of the start, as published."""
    published: str
    """What was published, or found here, about training on it."""
    reference: str
    """Where."""

    @cached_property
    def problem(self) -> GeneralProblem:
        """The data as a problem."""
        return GeneralProblem(self.X, self.y, bias=self.bias)


def load_setting(name: str) -> Setting:
    """Load a data set of the literature.

    Parameters
    ----------
    name : {"three-points", "five-points", "xor", "five-slide", "condensation", "slow-plateau"}

    Returns
    -------
    Setting

    Examples
    --------
    >>> import saddlehop as sh
    >>> setting = sh.load_setting("xor")
    >>> setting.problem.n_samples
    4
    """
    return SETTINGS[one_of(name, "name", tuple(SETTINGS))]()


def _on_a_line(x: list[float]) -> Array:
    return frozen(np.array(x)[:, None])


def _three_points() -> Setting:
    return Setting(
        "three-points",
        _on_a_line([-0.75, -0.5, 0.125]),
        frozen(np.array([1.1, 0.1, 0.8])),
        bias=True,
        law="both layers of order λ/√m, λ = 1e-3; balanced, dominated or all normal; m = 200 000",
        published=(
            "Does not interpolate: ends at the least-squares line, L = 0.0875213675, ‖θ‖² = 1.293050, one "
            "direction with a > 0; every neuron with a < 0 dies."
        ),
        reference=(
            "E. Boursier and N. Flammarion, Early alignment in two-layer networks training is a "
            "two-edged sword, JMLR 26(183), 2025, arXiv 2401.10791, section 5"
        ),
    )


def _five_points() -> Setting:
    return Setting(
        "five-points",
        _on_a_line([-1, -0.6, -0.1, 0.3, 0.7]),
        frozen(np.array([0.28, -0.1, 0.03, 0.23, -0.22])),
        bias=True,
        law="both layers normal with standard deviation 8e-6, m = 50",
        published=(
            "Ends in a local minimum at L = 0.0139429811, the least-squares line, after a saddle at "
            "L = 0.0150926 whose neurons are held on the wall of the last point."
        ),
        reference="Z. Wu, B. Simsek and F. Ged, ICLR 2025, arXiv 2402.05626, figures 3 and 10",
    )


def _xor() -> Setting:
    return Setting(
        "xor",
        frozen(np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])),
        frozen(np.array([1.0, -1.0, -1.0, 1.0])),
        bias=False,
        law="any small start",
        published=(
            "Every neuron slides on two walls, towards one of four directions of one rate, √2/4; ends at "
            "L = 0 with ‖θ‖² = 4√2."
        ),
        reference="The four corners with labels x₁x₂; found here.",
    )


def _five_slide() -> Setting:
    return Setting(
        "five-slide",
        _on_a_line([-1.5, -1, 0, 0.25, 2]),
        frozen(np.array([0.7, -0.3, -0.3, 0.4, 0.2])),
        bias=True,
        law="balanced, λ = 1e-6",
        published=(
            "The flow interpolates; gradient descent stops at L = 0.0318 at learning rates 1e-2, 1e-3 and "
            "1e-4, because a neuron that slides and decays loses its sign."
        ),
        reference=(
            "The example with inputs that are not orthogonal of the code that goes with E. Boursier, "
            "L. Pillaud-Vivien and N. Flammarion, NeurIPS 2022, arXiv 2206.00939; where training ends was "
            "found here."
        ),
    )


def _condensation() -> Setting:
    x = np.linspace(-1, 1, 41)
    relu = np.maximum
    y = -relu(x, 0) + relu(2 * (x + 0.3), 0) - relu(1.5 * (x - 0.4), 0) + relu(0.5 * (x - 0.8), 0)
    return Setting(
        "condensation",
        frozen(x[:, None]),
        frozen(y),
        bias=True,
        law="all weights normal with standard deviation 1e-4, m = 100",
        published=(
            "The number of directions grows in time. The number of points is not given; on these 41 "
            "gradient descent shows plateaus at L = 0.187, 0.0137, 0.0027 and ends at 0.00044."
        ),
        reference="T. Luo, Z.-Q. J. Xu, Z. Ma and Y. Zhang, on condensation at small initialization",
    )


def _slow_plateau() -> Setting:
    root = np.sqrt(11)
    X = np.array([[11, 0, 0], [11, -root, 1], [11, root, 1]])
    return Setting(
        "slow-plateau",
        frozen(X),
        frozen(X @ np.array([0.8, 0, 0.6])),
        bias=False,
        law="any small start",
        published=(
            "Creeps past L = 0.033, which is no saddle, along the smallest eigenvalue of its least-squares "
            "problem; ends at L = 0 with ‖θ‖² = 2."
        ),
        reference="Found here.",
    )


SETTINGS: dict[str, Callable[[], Setting]] = {
    "three-points": _three_points,
    "five-points": _five_points,
    "xor": _xor,
    "five-slide": _five_slide,
    "condensation": _condensation,
    "slow-plateau": _slow_plateau,
}
