"""What a second opinion consists of: numbers found two ways, and what kind of point the end is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .._support.brief import Brief
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Agreement:
    """One number found two ways."""

    quantity: str
    """What was compared."""
    method: str
    """The other way to it."""
    difference: float
    """Largest difference; nan if it could not be compared."""
    tolerance: float
    """The largest that rounding, the step or λ explain."""
    note: str = ""
    """Why it could not be compared, or what is left out."""

    @property
    def agrees(self) -> bool:
        """Whether the two agree; true for what could not be compared, which has a note."""
        return bool(np.isnan(self.difference)) or self.difference <= self.tolerance


@dataclass(frozen=True, eq=False, repr=False)
class End(Brief):
    """What kind of point a process on data as they are ends in.

    A neuron with a = w = 0 leaves in direction v with sign s at rate s G(v), G(v) = (1/n) Σ_k r_k (v·x_k)₊,
    if that is positive; so the end is a minimum only as far as no living neuron is there to do so.

    References
    ----------
    Z. Wu, B. Simsek, F. Ged, arXiv 2402.05626: directional stationarity, escape neurons.
    """

    is_local_minimum: bool
    """Whether the loss has a local minimum there, given which neurons are `dead` or held at rest: no
    directional derivative in the weights of an active neuron is negative, and no other neuron can escape."""
    dead: NDArray[np.bool_]
    """Neurons that cannot move: no sample is active and no wall holds them, shape (m,)."""
    fresh_rate: float
    """Rate at which a fresh neuron, as small as it may be, would leave the end, per unit of t; 0: none would.
    With more than two coordinates the fastest that drawn starts find."""
    fresh_sign: int
    """Sign of its output weight; 0 if none would leave."""
    fresh_direction: Array
    """Unit vector v along which it would, in the problem's coordinates, shape (r,); 0 if none would."""


@dataclass(frozen=True, eq=False, repr=False)
class SecondOpinion(Brief):
    """What other ways to the numbers say."""

    jumps: JumpPath | GeneralJumpPath
    """The jumps that were examined."""
    agreements: tuple[Agreement, ...]
    """One for each quantity and method."""
    end: End | None = None
    """What kind of point the process ends in, on data as they are."""

    @property
    def agrees(self) -> bool:
        """Whether everything agrees."""
        return all(one.agrees for one in self.agreements)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with one row per agreement."""
        import pandas as pd

        names = ("quantity", "method", "difference", "tolerance", "agrees", "note")
        return pd.DataFrame(
            [[getattr(one, name) for name in names] for one in self.agreements],
            columns=list(names),
        )


def most(differences: Any) -> float:
    """Return the largest size, 0 of nothing, nan if one is nan."""
    return float(np.max(np.abs(differences), initial=0.0))
