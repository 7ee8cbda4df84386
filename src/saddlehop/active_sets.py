"""Which neuron can learn which sample: m bits per sample.

Bit j of sample k is set iff k ∈ S_j, the samples that neuron j is active on once aligned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._validate import require_length
from .errors import InputError

WORD = 64


@dataclass(frozen=True, eq=False)
class ActiveSets:
    """Active sets S_j and signs of a layer of aligned neurons, packed in bits.

    Use `from_bool` to build one by hand.
    """

    words: NDArray[np.uint64]
    """Bits, shape (n, ceil(m / 64)): bit j % 64 of word j // 64 of row k says whether k ∈ S_j."""
    signs: NDArray[np.int8]
    """Sign of each output weight, shape (m,); 0 for a neuron that comes to rest at zero."""

    @classmethod
    def from_bool(cls, active: Any, signs: Any) -> ActiveSets:
        """Pack a boolean array.

        Parameters
        ----------
        active : array_like of bool, shape (m, n)
            Whether k ∈ S_j.
        signs : array_like, shape (m,)
            −1, 0 or 1 for each neuron.

        Returns
        -------
        ActiveSets
        """
        try:
            bits = np.asarray(active)
        except ValueError:
            raise InputError("`active` has rows of different length; pass a full array.") from None
        if bits.ndim != 2 or not np.isin(bits, (0, 1)).all():
            raise InputError(
                f"`active` has shape {bits.shape} and type {bits.dtype}; pass a boolean array of "
                "shape (neurons, samples)."
            )
        neuron_signs = np.asarray(signs)
        if neuron_signs.ndim != 1:
            raise InputError(
                f"`signs` has shape {neuron_signs.shape}; pass one sign for each neuron."
            )
        require_length(neuron_signs, "signs", bits.shape[0], "`active`")
        if not np.isin(neuron_signs, (-1, 0, 1)).all():
            raise InputError("`signs` has an entry other than -1, 0 and 1; pass signs.")
        return cls(_pack(bits.astype(bool).T), neuron_signs.astype(np.int8))

    @property
    def width(self) -> int:
        """Number of neurons m."""
        return self.signs.size

    @property
    def n_samples(self) -> int:
        """Number of samples n."""
        return len(self.words)

    def to_bool(self) -> NDArray[np.bool_]:
        """Return the sets as booleans, shape (m, n)."""
        octets = np.ascontiguousarray(self.words).astype("<u8", copy=False).view(np.uint8)
        bits = np.unpackbits(octets, axis=1, count=self.width, bitorder="little")
        return np.ascontiguousarray(bits.T).astype(bool)

    def of(
        self, neuron: int, samples: NDArray[np.int64] | slice = slice(None)
    ) -> NDArray[np.bool_]:
        """Return whether `neuron` is active on each of `samples`."""
        word = self.words[samples, neuron // WORD]
        return np.asarray((word >> np.uint64(neuron % WORD)) & np.uint64(1), dtype=bool)


def n_words(width: int) -> int:
    """Words of 64 bits that hold `width` bits."""
    return -(-width // WORD)


def _pack(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    n_samples, width = bits.shape
    octets = np.zeros((n_samples, n_words(width) * WORD // 8), dtype=np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    octets[:, : packed.shape[1]] = packed
    return octets.view("<u8").astype(np.uint64)
