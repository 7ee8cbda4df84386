"""The jump process over samples that lie in blocks: in threads here, or on other machines.

Each jump is one round: every block splits its open samples by whether the neurons that activate are
active on them, and replies with sums over those now fitted,

    Σ p_k² over S_j (p_k = |y_k| ‖x_k‖), for every neuron j        Σ y_k²        Σ β_k²

All are sums of integers (`kernels/jumps.c`, `kernels/squares.c`), so how the samples are cut
into blocks, and where these are, changes no bit of the result. When few samples are open they are
brought together, and the process goes on with them in one piece.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .active_sets import Words, n_threads, words_of_sign
from .block_work import (
    Block,
    Digits,
    Fitted,
    Open,
    Opened,
    Rest,
    Samples,
    Terms,
    by_pattern,
    fit_block,
    hand_over,
    open_block,
    scale_block,
    weigh_block,
)
from .kernels import jumps as kernel
from .kernels import squares


class Team(Protocol):
    """Blocks, each with its open samples, and a way to work on all of them."""

    in_place: bool
    """Whether functions may change the lists of open samples, for none is needed again."""
    few: int
    """Open samples that are brought together: the rest of the process takes less time than some rounds."""

    def each(self, function: Callable[..., tuple[Open, Any]], *args: Any) -> list[Any]:
        """Call `function(block, still_open, *args)` on each block; return its replies in order.

        `function` returns the samples that stay open, which replace `still_open`, and its reply.
        """


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
    """Σ β² over the samples of each jump, by the neurons of the jump that are active on them; none
    if its samples are asked for."""
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
    is_matching: bool = True
    """Whether neurons are active on labels of their sign only."""


def run(
    team: Team,
    n_samples: int,
    signs: NDArray[np.int8],
    tie_tol: float,
    starts: Sequence[int] | None = None,
) -> Course:
    """Run the process to its end: the loop of `kernels/jumps.c`.

    If `starts` gives the first sample of each block, the samples of each jump are listed.
    """
    of_sign = words_of_sign(signs)[::2].copy()
    keep_samples = starts is not None
    opened: list[Opened] = team.each(open_block, of_sign, keep_samples)
    terms = Terms(
        of_sign,
        bits=kernel.limb_bits(n_samples),
        scale=max(reply.scale for reply in opened),
        has_unit_norms=all(reply.has_unit_norms for reply in opened),
        keep_samples=keep_samples,
        in_place=team.in_place,
    )
    course = _course(opened, starts)
    n_open = sum(reply.n_open for reply in opened)
    sums = _total(team.each(weigh_block, terms))
    state = kernel.State(n_samples, 0, 0.0, sums, terms.scale, kernel.Neurons.new(signs.size))
    course.exponents.append(state.neurons.arrays[0][0].copy())
    listed: deque[list[Samples | None]] = deque()
    while n_open > team.few:
        replies, state = _round(team, terms, state, tie_tol, course)
        left = sum(reply.n_open for reply in replies)
        course.n_fitted.append(n_open - left)
        listed.append([reply.newly for reply in replies])
        n_open = left
        if n_open > 0 and kernel.are_small(state.sums, terms.bits):
            terms = terms._replace(scale=max(team.each(scale_block, terms)))
            sums = _total(team.each(weigh_block, terms))
            state = state._replace(sums=sums, scale=terms.scale)
    rests: list[Rest] = team.each(hand_over, terms) if n_open > 0 else []
    if starts is not None:
        course.samples = _all_joined(listed, starts)
    if rests:
        _finish(course, rests, state, of_sign, tie_tol, starts)
    course.escape_rates.append(0.0)
    course.of_labels.append(_total(reply.of_labels for reply in opened))
    return course


def _round(
    team: Team, terms: Terms, state: kernel.State, tie_tol: float, course: Course
) -> tuple[list[Fitted], kernel.State]:
    """Make a jump; return the replies of the blocks and the state after it."""
    neurons, jump = state.neurons, state.n_jumps
    exponents, *_, jump_of_neuron = neurons.arrays
    bit_group = np.zeros(terms.of_sign.shape[1], dtype=np.uint64)
    kernel.set_speeds(state.sums, terms.bits, terms.scale, neurons)
    wait, margin, escape = kernel.next_jump(
        jump, state.clock, state.n_samples, tie_tol, neurons, bit_group
    )
    group = tuple(np.flatnonzero(jump_of_neuron == jump).tolist())
    replies: list[Fitted] = team.each(fit_block, terms, bit_group, group)
    course.times.append(state.clock + wait)
    course.margins.append(margin)
    course.escape_rates.append(escape)
    course.exponents.append(exponents[0].copy())
    course.groups.append(group)
    course.of_labels.append(_total(reply.of_labels for reply in replies))
    course.of_targets.append(_of_targets(group, replies))
    sums = state.sums - _total(reply.sums for reply in replies)
    return replies, state._replace(n_jumps=jump + 1, clock=state.clock + wait, sums=sums)


def _course(opened: list[Opened], starts: Sequence[int] | None) -> Course:
    """What is known before the first jump."""
    return Course(
        n_unfit=sum(reply.n_unfit for reply in opened),
        unfit=None if starts is None else _joined([reply.unfit for reply in opened], starts),
        n_of_sign=_total(reply.n_of_sign for reply in opened),
        unfit_of_targets=_total(reply.of_targets for reply in opened),
        is_matching=all(reply.is_matching for reply in opened),
    )


def _finish(
    course: Course,
    rests: list[Rest],
    state: kernel.State,
    of_sign: Words,
    tie_tol: float,
    starts: Sequence[int] | None,
) -> None:
    """Go on with the open samples in one piece."""
    words, y, norms = zip(*(rest.block for rest in rests), strict=True)
    has_norms = norms[0] is not None
    block = Block(
        np.concatenate(words), np.concatenate(y), np.concatenate(norms) if has_norms else None
    )
    width = state.neurons.width
    ran = kernel.jump_process(*block, width, of_sign, tie_tol, state)
    of_labels, of_targets = squares.squares_by_group(block.y, block.norms, ran.fitted, ran.offsets)
    groups = groups_by_jump(ran.jump_of_neuron, state.n_jumps + ran.times.size)[state.n_jumps :]
    samples = [ran.fitted[start:stop] for start, stop in pairwise(ran.offsets)]
    course.times.extend(ran.times.tolist())
    course.margins.extend(ran.margins.tolist())
    course.escape_rates.extend(ran.escape_rates[:-1].tolist())
    course.exponents.extend(ran.exponents[1:])
    course.groups.extend(groups)
    course.n_fitted.extend(np.diff(ran.offsets).tolist())
    course.of_labels.extend(of_labels)
    if starts is not None:
        numbers = _joined([rest.samples for rest in rests], starts)
        course.samples.extend(numbers[listed] for listed in in_order(groups, samples))
        return
    for group, fitted, digits in zip(groups, samples, of_targets, strict=True):
        tied = len(group) > 1
        course.of_targets.append(by_pattern(block, fitted, group) if tied else {group: digits})


def _of_targets(group: tuple[int, ...], replies: list[Fitted]) -> dict[tuple[int, ...], Digits]:
    """Σ β² of a jump, in a tie by pattern if the blocks have replied with that."""
    if not any(reply.of_patterns for reply in replies):
        return {group: _total(reply.of_targets for reply in replies)}
    of_patterns: dict[tuple[int, ...], Digits] = {}
    for reply in replies:
        for pattern, digits in reply.of_patterns.items():
            before = of_patterns.get(pattern)
            of_patterns[pattern] = digits if before is None else before + digits
    return of_patterns


def _all_joined(
    listed: deque[list[Samples | None]], starts: Sequence[int]
) -> list[NDArray[np.int64]]:
    """Join the samples of each jump, in threads; `listed` is emptied, so that no piece is kept longer."""
    rows = (listed.popleft() for _ in range(len(listed)))
    with ThreadPoolExecutor(n_threads()) as threads:
        return list(threads.map(lambda pieces: _joined(pieces, starts), rows))


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


def groups_by_jump(jump_of_neuron: NDArray[np.int64], n_jumps: int) -> tuple[tuple[int, ...], ...]:
    """Return the neurons of each jump."""
    groups: list[list[int]] = [[] for _ in range(n_jumps)]
    for neuron, jump in enumerate(jump_of_neuron.tolist()):
        if jump >= 0:
            groups[jump].append(neuron)
    return tuple(map(tuple, groups))


def in_order(
    groups: Sequence[tuple[int, ...]], samples: Sequence[NDArray[Any]]
) -> tuple[NDArray[Any], ...]:
    """Return the samples of each jump in order; those of a tie come sign by sign."""
    return tuple(
        np.sort(fitted) if len(group) > 1 else fitted
        for group, fitted in zip(groups, samples, strict=True)
    )
