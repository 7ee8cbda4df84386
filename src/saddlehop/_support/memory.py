"""Work that cannot fit in memory is refused before anything is allocated."""

from __future__ import annotations

import os

from ..errors import InputError


def require_memory(n_floats: int, what: str) -> None:
    """Raise unless `n_floats` float64 numbers, of which `what` says what they are, fit.

    The bound is the memory of the machine: what others hold of it may be given back.
    """
    needed, there = min(8 * n_floats, 10**300), machine_memory()
    if needed > there:
        raise InputError(
            f"{what} would take {needed / 2**30:.3g} GiB, more than the {there / 2**30:.3g} GiB of this "
            "machine; pass fewer neurons, samples or features."
        )


def machine_memory() -> int:
    """Bytes of memory of the machine; 1 TiB where that is not known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**40
