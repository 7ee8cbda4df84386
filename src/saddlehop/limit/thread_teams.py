"""Blocks of samples in this process, worked on by threads: all held, or only what fits in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple, Protocol

import numpy as np

from .active_sets import n_threads
from .block_work import NONE_OPEN, Block, Open


class ThreadTeam:
    """Blocks that are held; see `block_process.Team`."""

    in_place = True
    few = 2**15

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._threads = ThreadPoolExecutor(n_threads())
        self._blocks = blocks
        self._open = [NONE_OPEN] * len(blocks)

    def each(self, function: Callable[..., tuple[Open, Any]], *args: Any) -> list[Any]:
        """See `block_process.Team`."""
        pairs = zip(self._blocks, self._open, strict=True)
        done = list(self._threads.map(lambda pair: function(*pair, *args), pairs))
        self._open = [still_open for still_open, _ in done]
        return [reply for _, reply in done]


class Recipe(Protocol):
    """How to make a block: small, picklable, and the same block each time."""

    @property
    def n_samples(self) -> int:
        """Number of samples in the block."""

    def load(self) -> Block:
        """Make the block."""


class _State(NamedTuple):
    recipe: Recipe
    held: Block | None
    still_open: Open


class FrugalTeam:
    """Blocks by recipe, held as far as there is room; see `block_process.Team`.

    A block that is not held is made afresh in each round. Once less than a quarter of its samples
    are open a block shrinks to these.

    Parameters
    ----------
    recipes : sequence of Recipe
    room : float, optional
        Bytes to hold blocks in; half of the free memory by default.
    """

    in_place = True
    few = 2**15

    def __init__(self, recipes: Sequence[Recipe], room: float | None = None) -> None:
        self._threads = ThreadPoolExecutor(n_threads())
        self._room = _free_bytes() / 2 if room is None else room
        self._lock = Lock()
        self._states = [_State(recipe, None, NONE_OPEN) for recipe in recipes]

    def each(self, function: Callable[..., tuple[Open, Any]], *args: Any) -> list[Any]:
        """See `block_process.Team`."""

        def work(state: _State) -> tuple[_State, Any]:
            block = state.held or state.recipe.load()
            still_open, reply = function(block, state.still_open, *args)
            return self._kept(state, block, still_open), reply

        done = list(self._threads.map(work, self._states))
        self._states = [state for state, _ in done]
        return [reply for _, reply in done]

    def _kept(self, state: _State, block: Block, still_open: Open) -> _State:
        """What to keep of a block: all of it, its open samples if these are few, or its recipe."""
        small, renumbered = block, still_open
        n_negative, n_open = len(still_open[0]), sum(map(len, still_open))
        if 4 * n_open < len(block.y):
            small = block.of(np.concatenate(still_open))
            numbers = np.arange(n_open, dtype=np.uint32)
            renumbered = numbers[:n_negative], numbers[n_negative:]
        with self._lock:
            room = self._room + (state.held.n_bytes if state.held else 0)
            if small.n_bytes > room:
                return _State(state.recipe, None, still_open)
            self._room = room - small.n_bytes
        return _State(state.recipe, small, renumbered)


def _free_bytes() -> float:
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not known on this system
        return 2.0**33
