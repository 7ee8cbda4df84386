"""Which neuron can learn which sample: m bits per sample.

Bit j of sample k is set iff k ∈ S_j, the samples that neuron j is active on once aligned.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .._support.brief import Brief, brief
from .._support.memory import require_memory
from .._support.validate import as_floats, as_generator, int_at_least, positive_int, require_length
from ..errors import InputError
from ..model.general_problem import orthogonal_problem
from ..model.problem import Problem

WORD = 64
Words = NDArray[np.uint64]
_CHUNK = 2**18  # words drawn at a time by one thread


@dataclass(frozen=True, eq=False, repr=False)
class ActiveSets(Brief):
    """Active sets S_j and signs of a layer of aligned neurons, packed in bits.

    Use `from_bool` to build one by hand.
    """

    words: Words
    """Bits, shape (n, ceil(m / 64)): bit j % 64 of word j // 64 of row k says whether k ∈ S_j."""
    signs: NDArray[np.int8]
    """Sign of each output weight, shape (m,); 0 for a neuron that comes to rest at zero."""

    def __post_init__(self) -> None:
        if not _are_sets(self.words, self.signs):
            raise InputError(
                f"`words` is {brief(self.words)} and `signs` is {brief(self.signs)}; pass C-ordered "
                "uint64 of shape (n, ceil(m / 64)) without bits beyond the m neurons and int8 of "
                "shape (m,) of -1, 0 and 1, or booleans to `ActiveSets.from_bool`."
            )

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
        neuron_signs = as_floats(signs, "signs")
        if neuron_signs.ndim != 1:
            raise InputError(
                f"`signs` has shape {neuron_signs.shape}; pass one sign for each neuron."
            )
        require_length(neuron_signs, "signs", bits.shape[0], "`active`")
        if not np.isin(neuron_signs, (-1, 0, 1)).all():
            raise InputError("`signs` has an entry other than -1, 0 and 1; pass signs.")
        return cls(pack(bits.astype(bool).T), neuron_signs.astype(np.int8))

    @classmethod
    def draw(cls, problem: Problem, width: int, rng: Any = None) -> ActiveSets:
        """Draw the sets that alignment makes of a random layer, without drawing its weights.

        For an isotropic start with |a_j| ≥ ‖w_j‖ (laws "balanced" and "dominated") the sign of
        each neuron is a fair coin, and so is whether it is active on a sample of its sign.

        Parameters
        ----------
        problem : Problem
        width : int
            Number of neurons m.
        rng : None, int or numpy Generator

        Returns
        -------
        ActiveSets
            m bits per sample. Those of sample k depend on `rng`, `width` and k only.
        """
        width = positive_int(width, "width")
        instead = "draw a start with `sh.Initialization.draw(problem, width)`"
        n = orthogonal_problem(problem, "sets are drawn", instead).n_samples
        require_memory(n * n_words(width), f"`width` is {width}: {width} × {n} bits")
        coins = Coins.draw(width, as_generator(rng))
        return cls(coins.words(problem.y), coins.signs)

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
        if int_at_least(neuron, "neuron", 0) >= self.width:
            raise InputError(f"`neuron` is {neuron} but there are {self.width}; count from 0.")
        word = self.words[samples, neuron // WORD]
        return np.asarray((word >> np.uint64(neuron % WORD)) & np.uint64(1), dtype=bool)


@dataclass(frozen=True, eq=False)
class Coins:
    """A layer of random neurons from which the bits of any samples can be drawn again anywhere."""

    key: Words
    """Key of the counter-based generator, shape (2,); the counter is the place of the word."""
    signs: NDArray[np.int8]
    """Sign of each output weight, shape (m,)."""

    @classmethod
    def draw(cls, width: int, generator: np.random.Generator) -> Coins:
        """Toss for the signs, and choose a key."""
        require_memory(4 * width, f"`width` is {width}: the signs of that many neurons")
        key = generator.integers(0, 2**64, size=2, dtype=np.uint64)
        signs = 2 * generator.integers(0, 2, size=width, dtype=np.int8) - 1
        return cls(key, signs.astype(np.int8))

    def words(self, y: Array, first: int = 0) -> Words:
        """Return the bits of the samples first, first + 1, … with labels `y`, shape (len(y), W)."""
        of_sign = words_of_sign(self.signs)
        words = np.empty((len(y), n_words(self.signs.size)), dtype=np.uint64)
        rows = max(1, _CHUNK // words.shape[1])

        def fill(start: int) -> None:
            part = words[start : start + rows]
            part[:] = self._toss(first + start, part.shape)
            part &= of_sign[label_signs(y[start : start + rows])]

        starts = range(0, len(y), rows)
        if len(starts) == 1:
            fill(0)
        elif starts:
            with ThreadPoolExecutor(n_threads()) as pool:
                list(pool.map(fill, starts))
        return words

    def _toss(self, first: int, shape: tuple[int, ...]) -> Words:
        place = first * shape[1]
        stream = np.random.Philox(key=self.key)
        stream.advance(place // 4)  # a count of the generator makes four words
        stream.random_raw(place % 4, output=False)
        # unlike `random_raw`, of which this is the same stream, `integers` lets other threads run
        return np.random.Generator(stream).integers(0, 2**64, size=shape, dtype=np.uint64)


def _are_sets(words: Any, signs: Any) -> bool:
    """Whether these are what kernels can follow: they write where a bit says, unchecked."""
    return (
        isinstance(words, np.ndarray)
        and isinstance(signs, np.ndarray)
        and (words.dtype, words.ndim, signs.dtype, signs.ndim) == (np.uint64, 2, np.int8, 1)
        and words.flags.c_contiguous
        and words.shape[1] == n_words(signs.size)
        and bool(((signs >= -1) & (signs <= 1)).all())
        and not _has_stray_bits(words, signs.size)
    )


def _has_stray_bits(words: Words, width: int) -> bool:
    used = width % WORD
    return used > 0 and int(np.bitwise_or.reduce(words[:, -1])) >> used > 0


def words_of_sign(signs: NDArray[np.int8]) -> Words:
    """Return the bits of all neurons of sign −1, 0 (none) and 1, shape (3, W)."""
    bit = np.uint64(1) << (np.arange(signs.size, dtype=np.uint64) % WORD)
    word = np.arange(signs.size) // WORD
    of_sign = np.zeros((3, n_words(signs.size)), dtype=np.uint64)
    np.bitwise_or.at(of_sign, (signs + 1, word), bit)
    of_sign[1] = 0
    return of_sign


def label_signs(y: Array) -> NDArray[np.int8]:
    """Row of `words_of_sign` for each label."""
    return (y > 0).astype(np.int8) - (y < 0) + np.int8(1)


def n_threads() -> int:
    """Threads to run compiled loops in."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def n_words(width: int) -> int:
    """Words of 64 bits that hold `width` bits."""
    return -(-width // WORD)


def pack(bits: NDArray[np.bool_]) -> Words:
    """Pack booleans of shape (n, m) into words."""
    n_samples, width = bits.shape
    octets = np.zeros((n_samples, n_words(width) * WORD // 8), dtype=np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    octets[:, : packed.shape[1]] = packed
    return octets.view("<u8").astype(np.uint64)
