"""What an orbit inside one jump is made of, and what is found on it; see `heteroclinic.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .._support.arrays import Array


class Curve(Protocol):
    """The residual fractions and sizes over τ."""

    def fractions(self, tau: Array) -> Array:
        """Return the residual fraction of each class at each τ, shape (T, K)."""

    def log_output(self, tau: Array) -> Array:
        """Return log|a_g| at each τ, shape (T, G)."""


@dataclass(frozen=True, eq=False)
class Group:
    """The neurons that leave a saddle together, in units of τ = t and weights as they are."""

    rates: Array
    """Growth rates ρ_g, shape (G,)."""
    head_starts: Array
    """κ_g: log a_g at τ = 0 if growth went on, shape (G,)."""
    pulls: Array
    """p_c = q_c / n of each class, shape (K,)."""
    masses: Array
    """M_gc = Σ_{k∈c} β_k² where neuron g is active on class c, else 0, shape (G, K)."""


@dataclass(frozen=True, eq=False)
class Passengers:
    """Dormant neurons that feel the jump."""

    rates: Array
    """Growth rates ρ_j before, shape (D,)."""
    rests: Array
    """Growth rates R_j after, from samples that stay open, shape (D,)."""
    masses: Array
    """M_jc = Σ_{k∈c∩S_j} β_k², shape (D, K)."""


@dataclass(frozen=True, eq=False)
class Orbit:
    """What happens during a jump, in its own time τ."""

    output: Array
    """Sizes |a_g| reached, shape (G,)."""
    weights: Array
    """w_gc reached, so that u_gk = w_gc |β_k|, shape (G, K)."""
    half_times: Array
    """τ at which a_g² passes half of what it reaches, shape (G,); nan if it reaches zero."""
    shifts: Array
    """Δ_j of the passengers, shape (D,)."""
    curve: Curve
    """The residual fractions and sizes over τ."""
