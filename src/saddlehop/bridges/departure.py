"""What a training run did that no gradient flow does, and when.

Along the flow c_j = a_j² − ‖w_j‖² stays what it was, also on walls, so a neuron with |a_j| ≥ ‖w_j‖ keeps
the sign of a_j. A step of size η changes c_j by η² ((w_j·D_j)² − a_j² ‖D_j‖²): little, but where a neuron
shrinks like e^{−ρt} its relative size

    (c_j(t) − c_j(0)) / max(a_j², ‖w_j‖²)      (`imbalance`)

grows like e^{2ρt}, and at −1 a_j passes through 0: from there on the run is another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, frozen
from .._support.brief import Brief

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5  # neurons named in a sentence


@dataclass(frozen=True, eq=False, repr=False)
class Departure(Brief):
    """Where a training run left the gradient flow; `print` it for a sentence.

    Times are t, in the convention of our loss, and those of the first snapshot that shows it.
    """

    t: float
    """When the run left the flow: the first of `sign_flips` and `imbalance_since`; nan: nothing shows
    that it did, which does not prove that it did not."""
    sign_flips: Array
    """When a_j had changed its sign though |a_j| ≥ ‖w_j‖ at the start, shape (m,); nan: never."""
    imbalance: Array
    """Change of a_j² − ‖w_j‖² since the start, relative to max(a_j², ‖w_j‖²), where it is largest,
    shape (m,)."""
    imbalance_since: Array
    """When that change first exceeded `tol`, shape (m,); nan: never."""
    zigzags: NDArray[np.int64]
    """In how many of the bursts w_j·x_k changed sign and changed back, shape (m, n)."""
    zigzag_since: Array
    """End of the first burst in which neuron j did so on any wall, shape (m,); nan: never seen."""
    bursts: int
    """Number of bursts of consecutive steps that were watched; 0: nothing is known of zig-zags."""
    tol: float
    """Relative change of a_j² − ‖w_j‖² up to which the run counts as one along the flow."""

    @property
    def left(self) -> bool:
        """Whether the run left the flow."""
        return bool(np.isfinite(self.t))

    @property
    def message(self) -> str:
        """What was found, in a few sentences."""
        return " ".join(filter(None, (self._balance(), self._signs(), self._walls())))

    def __str__(self) -> str:
        return self.message

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with one row per neuron.

        Columns: `sign_flip`, `imbalance`, `imbalance_since`, `zigzag_since`, and `zigzag_walls`, the
        number of walls it zig-zags on.
        """
        import pandas as pd

        columns = {
            "sign_flip": self.sign_flips,
            "imbalance": self.imbalance,
            "imbalance_since": self.imbalance_since,
            "zigzag_since": self.zigzag_since,
            "zigzag_walls": np.count_nonzero(self.zigzags, axis=1),
        }
        return pd.DataFrame(columns, index=pd.RangeIndex(self.imbalance.size, name="neuron"))

    def _balance(self) -> str:
        if self.left and np.isnan(self.imbalance_since).all():
            return f"This run left the flow at t = {self.t:.6g}."
        if self.left:
            who = _named(self.imbalance_since)
            return (
                f"This run left the flow at t = {self.t:.6g}: a² − ‖w‖² of {who} changed by more than "
                f"{self.tol:g} of the larger square, and a gradient flow keeps it."
            )
        return (
            "Nothing shows that this run left the flow: a² − ‖w‖² of every neuron kept within "
            f"{np.abs(self.imbalance).max(initial=0):.2g} of the larger square."
        )

    def _signs(self) -> str:
        if np.isnan(self.sign_flips).all():
            return ""
        return (
            f"Output weights changed sign, first at t = {np.nanmin(self.sign_flips):.6g}, which none with "
            f"|a| ≥ ‖w‖ at the start does: {_named(self.sign_flips)}."
        )

    def _walls(self) -> str:
        if self.bursts == 0:
            return "Walls were not watched, so zig-zags on them are not known."
        if np.isnan(self.zigzag_since).all():
            return ""
        return (
            f"Steps to and fro across walls, in place of sliding: {_named(self.zigzag_since)}, first "
            f"seen at t = {np.nanmin(self.zigzag_since):.6g}."
        )


def relative_imbalance(output: Array, hidden_norms: Array) -> Array:
    """Return the change of a_j² − ‖w_j‖² since the first time, relative to the larger square.

    Parameters
    ----------
    output : ndarray, shape (T, m)
        a_j.
    hidden_norms : ndarray, shape (T, m)
        ‖w_j‖, the parts outside the span of the samples included.

    Returns
    -------
    ndarray, shape (T, m)
    """
    larger = np.maximum(np.abs(output), hidden_norms)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        now = np.nan_to_num((output / larger) ** 2 - (hidden_norms / larger) ** 2)
        moved = now - now[0] * (larger[0] / larger) ** 2
    return np.asarray(np.where(np.isnan(moved), 0, moved))


def sign_flips(t: Array, output: Array, hidden_norms: Array, rtol: float) -> Array:
    """Return when a_j first has another sign than at the start, where |a_j| ≥ ‖w_j‖ there."""
    kept = np.abs(output[0]) >= hidden_norms[0] * (1 - rtol)
    return _first(t, kept & (np.sign(output) != np.sign(output[0])))


def departure(
    t: Array,
    flips: Array,
    imbalance: Array,
    tol: float,
    zigzags: tuple[NDArray[np.int64], Array, int],
) -> Departure:
    """Put together what is known of a run at its times `t`."""
    since = _first(t, np.abs(imbalance) > tol)
    counts, zigzag_since, bursts = zigzags
    largest = np.argmax(np.abs(imbalance), axis=0)
    return Departure(
        t=float(np.fmin.reduce(np.concatenate([flips, since]), initial=np.nan)),
        sign_flips=frozen(flips),
        imbalance=frozen(imbalance[largest, np.arange(largest.size)]),
        imbalance_since=frozen(since),
        zigzags=counts,
        zigzag_since=zigzag_since,
        bursts=bursts,
        tol=tol,
    )


def _first(t: Array, happened: NDArray[np.bool_]) -> Array:
    """First time of each column in which it happened, nan where it never does."""
    return np.where(happened.any(axis=0), t[np.argmax(happened, axis=0)], np.nan)


def _named(times: Array) -> str:
    """Neurons that have a time, in words, the earliest first."""
    order = np.argsort(times)[: np.count_nonzero(np.isfinite(times))]
    names = ", ".join(map(str, order[:_SHOWN]))
    more = f" and {order.size - _SHOWN} more" if order.size > _SHOWN else ""
    return f"neuron{'s' if order.size > 1 else ''} {names}{more}"
