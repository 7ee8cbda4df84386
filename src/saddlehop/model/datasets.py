"""Problems to try things on: synthetic ones in sample coordinates, and handwritten digits."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np

from .._support.arrays import Array, frozen
from .._support.memory import require_memory
from .._support.validate import as_generator, flag, one_of, positive_int
from ..errors import InputError
from .orthogonalization import orthogonalize
from .problem import Problem

LABELS = ("gaussian", "sign", "uniform")
NORMS = ("unit", "lognormal", "uniform")
_N_ORTHOGONAL, _N_IMAGES = 50, 1797


def make_orthogonal(
    n_samples: int, labels: str = "gaussian", norms: str = "unit", rng: Any = None
) -> Problem:
    """Draw a problem with orthogonal inputs.

    Parameters
    ----------
    n_samples : int
        Number of samples n.
    labels : {"gaussian", "sign", "uniform"}
        Standard normal; ±1; or uniform on [1, 2] with a random sign.
    norms : {"unit", "lognormal", "uniform"}
        All one; exp(g/2) with g standard normal; or uniform on [1, 2].
    rng : None, int or numpy Generator

    Returns
    -------
    Problem
        Without `directions`: inputs are known up to a rotation.
    """
    n = positive_int(n_samples, "n_samples")
    require_memory(8 * n, f"A problem of {n} samples")
    labels = one_of(labels, "labels", LABELS)
    norms = one_of(norms, "norms", NORMS)
    generator = as_generator(rng)
    return Problem(
        frozen(_draw_labels(n, labels, generator)), frozen(_draw_norms(n, norms, generator))
    )


def load_digits(n_samples: int = 48, *, orthogonal: bool = True) -> tuple[Array, Array]:
    """Load 8×8 images of handwritten digits, made orthogonal, with centred digits as labels.

    Parameters
    ----------
    n_samples : int
        How many of the images that ship with the package: at most 50 to be made orthogonal, at most
        1 797, the whole test set, as they are. The first five of each digit come first.
    orthogonal : bool
        Whether to put the images through `orthogonalize`; False gives the pixels, 0 to 16.

    Returns
    -------
    X : ndarray, shape (n_samples, 64)
        Images, row by row.
    y : ndarray, shape (n_samples,)
        The digit minus the mean of all the digits loaded.

    References
    ----------
    E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998, doi:10.24432/C50P49, CC BY 4.0.
    """
    n, made_orthogonal = positive_int(n_samples, "n_samples"), flag(orthogonal, "orthogonal")
    n_shipped = _N_ORTHOGONAL if made_orthogonal else _N_IMAGES
    if n > n_shipped:
        more = f", or up to {_N_IMAGES} with `orthogonal=False`" * made_orthogonal
        raise InputError(
            f"`n_samples` is {n} but {n_shipped} images ship with the package; pass at most "
            f"{n_shipped}{more}."
        )
    digit, pixels = _read_images(n)
    return orthogonalize(pixels) if made_orthogonal else pixels, digit - digit.mean()


def _read_images(n: int) -> tuple[Array, Array]:
    """Digits (n,) and pixels (n, 64): five of each digit, then the rest of the test set in order."""
    data = files(__package__) / "data"
    with (data / "digits.csv").open() as lines:
        table = np.loadtxt(lines, delimiter=",", skiprows=1)
    if n > len(table):
        with (data / "digits_rest.npz").open("rb") as binary, np.load(binary) as rest:
            table = np.vstack([table, np.column_stack([rest["digits"], rest["pixels"]])])
    return table[:n, 0], table[:n, 1:]


def _draw_labels(n: int, labels: str, generator: np.random.Generator) -> Array:
    if labels == "gaussian":
        return generator.standard_normal(n)
    signs = generator.choice([-1.0, 1.0], size=n)
    return signs if labels == "sign" else signs * generator.uniform(1, 2, n)


def _draw_norms(n: int, norms: str, generator: np.random.Generator) -> Array:
    if norms == "unit":
        return np.ones(n)
    if norms == "lognormal":
        return np.exp(generator.standard_normal(n) / 2)
    return generator.uniform(1, 2, n)
