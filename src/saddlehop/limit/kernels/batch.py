"""Door to `batch.c`: many small trials, each drawn from its seed and run."""

from __future__ import annotations

import ctypes
from ctypes import Structure, c_int64, c_uint32, c_void_p
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address
from .jumps import LIMBS, Integers, Neurons, Process, Sums, Words, limb_bits

LABELS = ("gaussian", "sign", "uniform")  # laws, in the order of the enums of `batch.c`
NORMS = ("unit", "lognormal", "uniform")
MOST_WORDS = 16


class _Draws(Structure):
    _fields_ = (
        ("n_samples", c_int64),
        ("width", c_int64),
        ("n_words", c_int64),
        ("labels", c_int64),
        ("norms_law", c_int64),
        ("seed", c_uint32 * 4),
        ("trials", c_void_p),
        ("n_trials", c_int64),
        ("normals", c_void_p),
        ("seeds", c_void_p),
        ("y", c_void_p),
        ("norms", c_void_p),
        ("keys", c_void_p),
        ("signs", c_void_p),
    )


class _Outcomes(Structure):
    _fields_ = tuple(
        (name, c_void_p)
        for name in (
            *("n_jumps", "n_ties", "n_unfit", "low", "high"),
            *("final_loss", "first_clock", "last_clock", "largest", "scaled", "words"),
        )
    )


_draw_trials = Kernel("draw_trials", None, _Draws)
_run_trials = Kernel("run_trials", None, _Draws, Process, _Outcomes)


class Drawn(NamedTuple):
    """Trials of one setting, drawn."""

    width: int
    """Number of neurons m."""
    seeds: Words
    """Of the trials, shape (T,)."""
    y: Array
    """Labels, shape (T, n)."""
    norms: Array | None
    """Input norms, shape (T, n); of the law "lognormal" twice their logarithms. None if all are 1."""
    keys: Words
    """Of the bits of the active sets, shape (T, 2)."""
    signs: NDArray[np.int8]
    """Of the neurons, shape (T, m)."""


class Outcomes(NamedTuple):
    """What comes of trials, shape (T,) each."""

    n_jumps: Integers
    n_ties: Integers
    n_unfit: Integers
    low: Array
    """Least and most that the squared norm at the end can be."""
    high: Array
    final_loss: Array
    first_clock: Array
    last_clock: Array
    largest: Array
    """Largest |β_k| of either sign, shape (T, 2)."""
    scaled: Array
    """|β_k| over it, 0 at those of the other sign, shape (T, 2, n)."""


@cache
def normals() -> int | None:
    """Address of the function that fills an array with NumPy's normal numbers; None if it hides it."""
    from numpy.random import _generator

    try:
        function = ctypes.CDLL(_generator.__file__).random_standard_normal_fill
    except (AttributeError, OSError):
        return None
    return ctypes.cast(function, c_void_p).value


def draw_trials(
    n_samples: int, width: int, labels: str, norms: str, seed: int, trials: Integers
) -> Drawn:
    """Draw trials.

    Parameters
    ----------
    n_samples, width : int
    labels, norms : str
        Laws, of `LABELS` and `NORMS`.
    seed : int
        Of the sweep, below 2^128.
    trials : ndarray, shape (T,)
        Numbers of the trials.

    Returns
    -------
    Drawn
    """
    n_trials = trials.size
    drawn = Drawn(
        width,
        np.empty(n_trials, dtype=np.uint64),
        np.empty((n_trials, n_samples)),
        None if norms == "unit" else np.empty((n_trials, n_samples)),
        np.empty((n_trials, 2), dtype=np.uint64),
        np.empty((n_trials, width), dtype=np.int8),
    )
    draws = _draws(drawn)
    draws.labels, draws.norms_law = LABELS.index(labels), NORMS.index(norms)
    draws.seed = (c_uint32 * 4)(*(seed >> 32 * i & 0xFFFFFFFF for i in range(4)))
    draws.trials = address(trials, np.int64)
    draws.normals = normals()
    _draw_trials(draws)
    return drawn


def run_trials(drawn: Drawn, tie_tol: float) -> Outcomes:
    """Run the jump processes of trials that are drawn; their norms are the norms now."""
    n_trials, n = drawn.y.shape
    draws, width = _draws(drawn), drawn.width
    n_jumps, n_ties, n_unfit = np.empty((3, n_trials), dtype=np.int64)
    low, high, final_loss, first_clock, last_clock = np.empty((5, n_trials))
    made = Outcomes(
        *(n_jumps, n_ties, n_unfit, low, high, final_loss, first_clock, last_clock),
        largest=np.empty((n_trials, 2)),
        scaled=np.empty((n_trials, 2, n)),
    )
    words = np.empty((n, draws.n_words), dtype=np.uint64)
    outcomes = _Outcomes(*map(_place, made), address(words, np.uint64))

    sums = np.empty((LIMBS, 64 * draws.n_words), dtype=np.int64)
    group = np.empty((2, draws.n_words), dtype=np.uint64)
    still_open, fitted = np.empty((2, n), dtype=np.uint32), np.empty(n, dtype=np.uint32)
    neurons, room = Neurons.new(width), min(width, n)  # held here: the process keeps no arrays
    times, margins, escape_rates = np.empty((3, room + 1))
    offsets = np.zeros(room + 1, dtype=np.int64)
    process = Process(
        neurons=neurons,
        sums=Sums.of(sums, limb_bits(n)),
        group=address(group, np.uint64),
        still_open=address(still_open, np.uint32),
        fitted=address(fitted, np.uint32),
        n_samples=n,
        tie_tol=tie_tol,
        times=address(times, np.float64),
        margins=address(margins, np.float64),
        escape_rates=address(escape_rates, np.float64),
        offsets=address(offsets, np.int64),
        room=room,
    )
    _run_trials(draws, process, outcomes)
    return made


def _draws(drawn: Drawn) -> _Draws:
    (n_trials, n), width = drawn.y.shape, drawn.width
    return _Draws(
        n_samples=n,
        width=width,
        n_words=-(-width // 64),
        n_trials=n_trials,
        seeds=address(drawn.seeds, np.uint64, n_trials),
        y=address(drawn.y, np.float64),
        norms=None if drawn.norms is None else address(drawn.norms, np.float64, n_trials, n),
        keys=address(drawn.keys, np.uint64, n_trials, 2),
        signs=address(drawn.signs, np.int8, n_trials, width),
    )


def _place(array: NDArray[Any]) -> int:
    return address(array, array.dtype)
