"""What a block of samples does in a round of the jump process, and what it replies.

Each function takes the block and its open samples and returns those that stay open, and its reply. It
changes neither, so a lost state can be made again, unless it is told that it may change the lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .active_sets import WORD, Words
from .kernels import jumps as kernel
from .kernels import squares

_MOST_PATTERNS = 2**15  # before numbering them afresh: keeps sorting cheap

Samples = NDArray[np.uint32]
Open = tuple[Samples, Samples]  # samples with negative and with positive labels, each in order
NONE_OPEN: Open = (np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.uint32))
Digits = NDArray[np.int64]


class Block(NamedTuple):
    """Some of the samples."""

    words: Words
    """Which neurons are active on each, shape (k, W)."""
    y: Array
    """Labels, shape (k,)."""
    norms: Array | None = None
    """Input norms, shape (k,); none if all are 1."""

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        return sum(array.nbytes for array in self if array is not None)

    def of(self, samples: Any) -> Block:
        """Return the block of some of the samples."""
        norms = None if self.norms is None else self.norms[samples]
        return Block(self.words[samples], self.y[samples], norms)


class Terms(NamedTuple):
    """What all blocks are told."""

    of_sign: Words
    """Bits of the neurons of sign −1 and 1, shape (2, W)."""
    bits: int
    """Of a limb."""
    scale: int
    """Of the weights."""
    has_unit_norms: bool
    """Whether all norms are 1, so that they need not be read."""
    keep_samples: bool
    """Whether to reply with the samples of each jump, rather than with sums by pattern."""
    in_place: bool
    """Whether lists of open samples may be changed."""

    def read(self, block: Block) -> tuple[Words, Array, Array | None]:
        """Return what kernels read of a block."""
        return block.words, block.y, None if self.has_unit_norms else block.norms


class Opened(NamedTuple):
    """Reply of a block that lists its samples."""

    n_open: int
    scale: int
    n_of_sign: Digits
    """How many labels are negative and positive, shape (2,)."""
    n_unfit: int
    unfit: Samples | None
    of_labels: Digits
    of_targets: Digits
    """Of the negative and of the positive unfit, shape (2, DIGITS)."""
    is_matching: bool
    """Whether neurons are active on labels of their sign only."""
    has_unit_norms: bool


class Fitted(NamedTuple):
    """Reply of a block after a jump."""

    n_open: int
    sums: Digits
    of_labels: Digits
    of_targets: Digits
    newly: Samples | None
    of_patterns: dict[tuple[int, ...], Digits]


class Rest(NamedTuple):
    """Reply of a block that hands over its open samples."""

    samples: Samples | None
    """Their numbers in the block, in order, if asked for."""
    block: Block


def open_block(block: Block, _: Open, of_sign: Words, keep_samples: bool) -> tuple[Open, Opened]:
    """List the samples with a label that some neuron of its sign covers."""
    listed = np.empty((2, block.y.size), dtype=np.uint32)
    found = kernel.open_samples(*block, of_sign, listed)
    unfit = listed[0, block.y.size - found.n_unfit :][::-1].copy()
    of_labels, *of_targets = np.zeros((3, squares.DIGITS), dtype=np.int64)
    is_positive = block.y[unfit] > 0
    for digits, side in zip(of_targets, (unfit[~is_positive], unfit[is_positive]), strict=True):
        squares.add_squares(block.y, block.norms, side, of_labels, digits)
    reply = Opened(
        sum(found.n_open),
        found.scale,
        np.array(found.n_of_sign),
        unfit.size,
        unfit if keep_samples else None,
        of_labels,
        np.array(of_targets),
        bool(found.is_matching),
        bool(found.has_unit_norms),
    )
    return (listed[0, : found.n_open[0]], listed[1, : found.n_open[1]]), reply


def scale_block(block: Block, still_open: Open, terms: Terms) -> tuple[Open, int]:
    """Reply with the binary exponent of the largest p_k."""
    _, y, norms = terms.read(block)
    return still_open, max(kernel.scale_of(y, norms, side) for side in still_open)


def weigh_block(block: Block, still_open: Open, terms: Terms) -> tuple[Open, Digits]:
    """Reply with the sums of the weights of the open samples."""
    sums, read = _no_sums(block), terms.read(block)
    kernel.weigh_sides(*read, still_open, terms.of_sign, terms.scale, terms.bits, sums)
    return still_open, sums


def fit_block(
    block: Block, still_open: Open, terms: Terms, bit_group: Words, group: tuple[int, ...]
) -> tuple[Open, Fitted]:
    """Fit the open samples on which the neurons of a jump are active."""
    sums, of_squares = _no_sums(block), np.zeros((2, squares.DIGITS), dtype=np.int64)
    left, fitted = list(still_open), []
    for i, (side, neurons) in enumerate(zip(still_open, terms.of_sign, strict=True)):
        own_group = bit_group & neurons
        if not own_group.any():
            continue
        newly = np.empty_like(side)
        left_open = side if terms.in_place else np.empty_like(side)
        n_left = kernel.fit_and_weigh(
            *terms.read(block),
            neurons,
            own_group,
            side,
            terms.scale,
            terms.bits,
            left_open,
            newly,
            sums,
            of_squares,
        )
        left[i] = left_open[:n_left]
        fitted.append(newly[: side.size - n_left])
    newly = fitted[0] if len(fitted) == 1 else _sorted(fitted)
    reply = Fitted(
        left[0].size + left[1].size,
        sums,
        of_squares[0],
        of_squares[1],
        newly if terms.keep_samples else None,
        {} if terms.keep_samples or len(group) == 1 else by_pattern(block, newly, group),
    )
    return (left[0], left[1]), reply


def hand_over(block: Block, still_open: Open, terms: Terms) -> tuple[Open, Rest]:
    """Reply with the open samples."""
    samples = _sorted(still_open)
    rest = Block(*terms.read(block)).of(samples)
    return NONE_OPEN, Rest(samples if terms.keep_samples else None, rest)


def _sorted(sides: Sequence[Samples]) -> Samples:
    """Samples of two signs, each in order, in one."""
    return np.sort(np.concatenate(sides), kind="stable")  # which sees what is in order already


def _no_sums(block: Block) -> Digits:
    return np.zeros((kernel.LIMBS, 64 * block.words.shape[1]), dtype=np.int64)


def by_pattern(
    block: Block, samples: Samples, group: tuple[int, ...]
) -> dict[tuple[int, ...], Digits]:
    """Σ β² over the samples, by which neurons of a tie are active on them."""
    words, which = block.words[samples], np.zeros(samples.size, dtype=np.int64)
    for neuron in group:
        bit = (words[:, neuron // WORD] >> np.uint64(neuron % WORD)) & np.uint64(1)
        which = 2 * which + bit.astype(np.int64)
        if which.max(initial=0) >= _MOST_PATTERNS:
            which = np.unique(which, return_inverse=True)[1]
    counts = np.bincount(which)
    offsets = np.append(0, np.cumsum(counts[counts > 0]))
    order = np.argsort(which.astype(np.uint16), kind="stable")
    _, of_targets = squares.squares_by_group(block.y, block.norms, samples[order], offsets)
    return {
        tuple(
            neuron for neuron in group if int(words[first, neuron // WORD]) >> neuron % WORD & 1
        ): digits
        for first, digits in zip(order[offsets[:-1]], of_targets, strict=True)
    }
