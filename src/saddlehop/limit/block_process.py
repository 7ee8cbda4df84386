"""The jump process over samples that lie in blocks: in threads here, or on other machines.

Each jump is one round: every block splits its open samples by whether the neurons that activate are
active on them, and replies with sums over those now fitted,

    Σ p_k² over S_j (p_k = |y_k| ‖x_k‖), for every neuron j        Σ y_k²        Σ β_k²

All are sums of integers (`kernels/jumps.c`, `kernels/squares.c`), so how the samples are cut
into blocks, and where these are, changes no bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .active_sets import WORD, Words
from .kernels import jumps as kernel
from .kernels import squares

_MOST_PATTERNS = 2**15  # before numbering them afresh: keeps sorting cheap

Samples = NDArray[np.uint32]
Digits = NDArray[np.int64]


class Block(NamedTuple):
    """Some of the samples."""

    words: Words
    """Which neurons are active on each, shape (k, W), already limited to their sign."""
    y: Array
    """Labels, shape (k,)."""
    norms: Array
    """Input norms, shape (k,)."""

    @property
    def n_bytes(self) -> int:
        """Memory it takes."""
        return self.words.nbytes + self.y.nbytes + self.norms.nbytes

    def of(self, samples: Any) -> Block:
        """Return the block of some of the samples."""
        return Block(self.words[samples], self.y[samples], self.norms[samples])


class Team(Protocol):
    """Blocks, each with its list of open samples, and a way to work on all of them."""

    def each(self, function: Callable[..., tuple[Samples, Any]], *args: Any) -> list[Any]:
        """Call `function(block, still_open, *args)` on each block; return its replies in order.

        `function` returns the samples that stay open, which replace `still_open`, and its reply.
        """


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


class Fitted(NamedTuple):
    """Reply of a block after a jump."""

    n_open: int
    sums: Digits
    of_labels: Digits
    of_targets: Digits
    newly: Samples | None
    of_patterns: dict[tuple[int, ...], Digits]


@dataclass
class Course:
    """What the process does, jump by jump."""

    times: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    escape_rates: list[float] = field(default_factory=list)
    exponents: list[Array] = field(default_factory=list)
    groups: list[tuple[int, ...]] = field(default_factory=list)
    of_labels: list[Digits] = field(default_factory=list)
    """Σ y² over the samples of each jump; that of those never fitted comes last."""
    of_targets: list[dict[tuple[int, ...], Digits]] = field(default_factory=list)
    """Σ β² over the samples of each jump, by the neurons of the jump that are active on them."""
    n_fitted: list[int] = field(default_factory=list)
    samples: list[NDArray[np.int64]] = field(default_factory=list)
    """Samples of each jump, if asked for."""
    n_unfit: int = 0
    """How many samples with a label no neuron covers."""
    unfit: NDArray[np.int64] | None = None
    """These, if asked for."""
    n_of_sign: Digits = field(default_factory=lambda: np.zeros(2, dtype=np.int64))
    """How many labels are negative and positive."""
    unfit_of_targets: Digits = field(default_factory=lambda: np.zeros((2, 0), dtype=np.int64))
    """Σ β² over the negative and the positive samples that are never fitted."""


def run(
    team: Team, n_samples: int, width: int, tie_tol: float, starts: Sequence[int] | None = None
) -> Course:
    """Run the process to its end: the loop of `kernels/jumps.c`.

    If `starts` gives the first sample of each block, the samples of each jump are listed.
    """
    bits = kernel.limb_bits(n_samples)
    opened: list[Opened] = team.each(open_block, starts is not None)
    n_open, scale = sum(reply.n_open for reply in opened), max(reply.scale for reply in opened)
    sums = _total(team.each(weigh_block, scale, bits))
    exponents, speeds, arrivals = kernel.new_neurons(width)
    jump_of_neuron = np.full(width, -1)
    neurons = kernel.Neurons.of(exponents, speeds, arrivals, jump_of_neuron)
    bit_group = np.zeros(sums.shape[1] // 64, dtype=np.uint64)
    course, clock = Course(exponents=[exponents[0].copy()]), 0.0
    while n_open > 0:
        jump = len(course.times)
        kernel.set_speeds(sums, bits, scale, neurons)
        wait, margin, escape = kernel.next_jump(jump, clock, n_samples, tie_tol, neurons, bit_group)
        clock += wait
        group = tuple(np.flatnonzero(jump_of_neuron == jump).tolist())
        replies: list[Fitted] = team.each(
            fit_block, bit_group.copy(), group, scale, bits, starts is not None
        )
        left = sum(reply.n_open for reply in replies)
        sums = sums - _total(reply.sums for reply in replies)
        if starts is not None:
            course.samples.append(_joined([reply.newly for reply in replies], starts))
        _record(course, clock, margin, escape, exponents, group, n_open - left, replies)
        n_open = left
        if n_open > 0 and kernel.are_small(sums, bits):
            scale = max(team.each(scale_block))
            sums = _total(team.each(weigh_block, scale, bits))
    course.escape_rates.append(0.0)
    course.of_labels.append(_total(reply.of_labels for reply in opened))
    course.n_unfit = sum(reply.n_unfit for reply in opened)
    if starts is not None:
        course.unfit = _joined([reply.unfit for reply in opened], starts)
    course.n_of_sign = _total(reply.n_of_sign for reply in opened)
    course.unfit_of_targets = _total(reply.of_targets for reply in opened)
    return course


def _record(
    course: Course,
    clock: float,
    margin: float,
    escape: float,
    exponents: Array,
    group: tuple[int, ...],
    n_fitted: int,
    replies: list[Fitted],
) -> None:
    course.times.append(clock)
    course.margins.append(margin)
    course.escape_rates.append(escape)
    course.exponents.append(exponents[0].copy())
    course.groups.append(group)
    course.n_fitted.append(n_fitted)
    course.of_labels.append(_total(reply.of_labels for reply in replies))
    of_patterns = {group: _total(reply.of_targets for reply in replies)}
    if len(group) > 1:
        of_patterns = {}
        for reply in replies:
            for pattern, digits in reply.of_patterns.items():
                before = of_patterns.get(pattern)
                of_patterns[pattern] = digits if before is None else before + digits
    course.of_targets.append(of_patterns)


def _joined(pieces: Sequence[Samples | None], starts: Sequence[int]) -> NDArray[np.int64]:
    """Samples numbered in their blocks, numbered over all."""
    listed = [
        (piece, start) for piece, start in zip(pieces, starts, strict=True) if piece is not None
    ]
    samples = np.empty(sum(len(piece) for piece, _ in listed), dtype=np.int64)
    end = 0
    for piece, start in listed:
        begin, end = end, end + len(piece)
        np.add(piece, start, out=samples[begin:end])
    return samples


def _total(sums: Iterable[Digits]) -> Digits:
    total: Digits = np.sum(list(sums), axis=0)
    return total


def open_block(block: Block, _: Samples, keep_samples: bool) -> tuple[Samples, Opened]:
    """List the samples with a label that some neuron covers."""
    still_open = np.empty(len(block.y), dtype=np.uint32)
    n_open, n_unfit = kernel.open_samples(block.words, block.y, still_open)
    unfit = still_open[len(still_open) - n_unfit :][::-1].copy()
    still_open = still_open[:n_open]
    of_labels, *of_targets = np.zeros((3, squares.DIGITS), dtype=np.int64)
    n_of_sign = np.zeros(2, dtype=np.int64)
    for i, has_sign in enumerate((block.y < 0, block.y > 0)):
        n_of_sign[i] = np.count_nonzero(has_sign)
        squares.add_squares(block.y, block.norms, unfit[has_sign[unfit]], of_labels, of_targets[i])
    scale = kernel.scale_of(block.y, block.norms, still_open)
    reply = Opened(
        n_open,
        scale,
        n_of_sign,
        n_unfit,
        unfit if keep_samples else None,
        of_labels,
        np.array(of_targets),
    )
    return still_open, reply


def scale_block(block: Block, still_open: Samples) -> tuple[Samples, int]:
    """Reply with the binary exponent of the largest p_k."""
    return still_open, kernel.scale_of(block.y, block.norms, still_open)


def weigh_block(block: Block, still_open: Samples, scale: int, bits: int) -> tuple[Samples, Digits]:
    """Reply with the sums of the weights of the open samples."""
    sums = _no_sums(block)
    kernel.add_weights(*block, still_open, scale, bits, 1, sums)
    return still_open, sums


def fit_block(
    block: Block,
    still_open: Samples,
    bit_group: Words,
    group: tuple[int, ...],
    scale: int,
    bits: int,
    keep_samples: bool,
) -> tuple[Samples, Fitted]:
    """Fit the open samples on which the neurons of a jump are active."""
    fitted, left_open = np.empty((2, len(still_open)), dtype=np.uint32)
    sums, of_squares = _no_sums(block), np.zeros((2, squares.DIGITS), dtype=np.int64)
    left = kernel.fit_and_weigh(
        *block, bit_group, still_open, scale, bits, left_open, fitted, sums, of_squares
    )
    newly = fitted[: len(still_open) - left].copy()
    reply = Fitted(
        left,
        sums,
        of_squares[0],
        of_squares[1],
        newly if keep_samples else None,
        _by_pattern(block, newly, group) if len(group) > 1 else {},
    )
    return left_open[:left].copy(), reply


def _no_sums(block: Block) -> Digits:
    return np.zeros((kernel.LIMBS, 64 * block.words.shape[1]), dtype=np.int64)


def _by_pattern(
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
