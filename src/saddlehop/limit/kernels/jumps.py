"""Door to `jumps.c` and `weights.c`: the jump process on packed active sets, with exact sums."""

from __future__ import annotations

import math
from ctypes import Structure, byref, c_double, c_int64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address
from ._samples import List, Samples
from .squares import DIGITS

LIMBS = 3
_ROOM = 31  # jumps, at first

Words = NDArray[np.uint64]
Listed = NDArray[np.uint32]
Integers = NDArray[np.int64]


class _Sums(Structure):
    _fields_ = (
        ("limbs", c_void_p),
        ("n_neurons", c_int64),
        ("bits", c_int64),
        ("scale", c_int64),
    )

    @classmethod
    def of(cls, sums: Integers, bits: int, scale: int = 0) -> _Sums:
        return cls(address(sums, np.int64, LIMBS, sums.shape[1]), sums.shape[1], bits, scale)


class Neurons(Structure):
    """What the process knows of the neurons."""

    _fields_ = (
        ("exponents", c_void_p),
        ("speeds", c_void_p),
        ("arrivals", c_void_p),
        ("jump_of_neuron", c_void_p),
        ("width", c_int64),
    )

    @classmethod
    def of(
        cls, exponents: Array, speeds: Array, arrivals: Array, jump_of_neuron: Integers
    ) -> Neurons:
        """Take arrays, those of twofold numbers of shape (2, m)."""
        width = jump_of_neuron.size
        twofold = [address(row, np.float64, 2, width) for row in (exponents, speeds, arrivals)]
        neurons = cls(*twofold, address(jump_of_neuron, np.int64, width), width)
        neurons.arrays = (exponents, speeds, arrivals, jump_of_neuron)
        return neurons


class _Jump(Structure):
    _fields_ = (("wait", c_double), ("margin", c_double), ("escape_rate", c_double))


class _Process(Structure):
    _fields_ = (
        ("neurons", Neurons),
        ("sums", _Sums),
        ("group", c_void_p),
        ("still_open", c_void_p),
        ("fitted", c_void_p),
        ("n_open", c_int64),
        ("n_fitted", c_int64),
        ("n_jumps", c_int64),
        ("clock", c_double),
        ("tie_tol", c_double),
        ("times", c_void_p),
        ("margins", c_void_p),
        ("escape_rates", c_void_p),
        ("exponents", c_void_p),
        ("offsets", c_void_p),
        ("room", c_int64),
    )


_are_matching = Kernel("are_matching", c_int64, Samples, c_void_p)
_open_samples = Kernel("open_samples", c_int64, Samples, c_void_p, c_void_p)
_scale_of = Kernel("scale_of", c_int64, Samples, List)
_add_weights = Kernel("add_weights", None, Samples, List, c_int64, _Sums)
_are_small = Kernel("are_small", c_int64, _Sums)
_set_speeds = Kernel("set_speeds", None, _Sums, Neurons)
_next_jump = Kernel(
    "next_jump",
    *(None, c_int64, c_double, c_int64, c_double, Neurons, c_void_p, c_int64, _Jump),
)
_fit_and_weigh = Kernel(
    "fit_and_weigh",
    *(c_int64, Samples, c_void_p, List, c_void_p, c_void_p, _Sums, c_void_p, c_void_p),
)
_start_process = Kernel("start_process", None, Samples, _Process)
_go_on = Kernel("go_on", c_int64, Samples, _Process)


def jump_process(
    words: Words, y: Array, norms: Array, width: int, tie_tol: float
) -> tuple[Array, Array, Array, Array, Integers, Listed, Integers, Listed]:
    """Run to the end.

    Parameters
    ----------
    words : ndarray, shape (n, W)
        Active sets.
    y, norms : ndarray, shape (n,)
    width : int
        How many neurons.
    tie_tol : float

    Returns
    -------
    times, margins : ndarray, shape (J,)
    escape_rates : ndarray, shape (J+1,)
    exponents : ndarray, shape (J+1, m)
    jump_of_neuron : ndarray, shape (m,)
        −1 for never.
    fitted : ndarray
        Samples in the order in which they are fitted (within a jump in their own).
    offsets : ndarray, shape (J+1,)
        Of the jumps into `fitted`.
    unfit : ndarray
        Samples with a label that no neuron covers.
    """
    samples = Samples(words, y, norms)
    still_open = np.empty(y.size, dtype=np.uint32)
    n_open, n_unfit = _open(samples, still_open)
    unfit = still_open[y.size - n_unfit :][::-1].copy()
    fitted = np.empty(n_open, dtype=np.uint32)

    jump_of_neuron = np.full(width, -1)
    neurons = Neurons.of(*new_neurons(width), jump_of_neuron)
    sums = np.empty((LIMBS, 64 * words.shape[1]), dtype=np.int64)
    group = np.empty(words.shape[1], dtype=np.uint64)
    process = _Process(
        neurons=neurons,
        sums=_Sums.of(sums, limb_bits(y.size)),
        group=address(group, np.uint64),
        still_open=address(still_open, np.uint32),
        fitted=address(fitted, np.uint32),
        n_open=n_open,
        tie_tol=tie_tol,
    )
    most = min(width, n_open)
    course = _Course(min(most, _ROOM), width)
    course.give_to(process)
    _start_process(samples, process)
    while _go_on(samples, process):
        course = course.larger(min(2 * process.room, most))
        course.give_to(process)
    return (*course.of(process.n_jumps, jump_of_neuron, fitted), unfit)


class _Course:
    """Room for what happens in some jumps."""

    def __init__(self, room: int, width: int) -> None:
        self.times, self.margins = np.empty((2, room))
        self.escape_rates = np.zeros(room + 1)
        self.offsets = np.zeros(room + 1, dtype=np.int64)
        self.exponents = np.empty((room + 1, width))

    def give_to(self, process: _Process) -> None:
        process.room = self.times.size
        process.times = address(self.times, np.float64)
        process.margins = address(self.margins, np.float64)
        process.escape_rates = address(self.escape_rates, np.float64)
        process.offsets = address(self.offsets, np.int64)
        process.exponents = address(self.exponents, np.float64)

    def larger(self, room: int) -> _Course:
        longer = _Course(room, self.exponents.shape[1])
        for name, array in vars(self).items():
            getattr(longer, name)[: len(array)] = array
        return longer

    def of(self, n_jumps: int, jump_of_neuron: Integers, fitted: Listed) -> tuple[Any, ...]:
        return (
            self.times[:n_jumps],
            self.margins[:n_jumps],
            self.escape_rates[: n_jumps + 1],
            self.exponents[: n_jumps + 1].copy(),
            jump_of_neuron,
            fitted,
            self.offsets[: n_jumps + 1],
        )


def limb_bits(n_samples: int) -> int:
    """Bits of a limb, such that the sum of one limb over all samples fits in 63 bits."""
    return 62 - math.ceil(math.log2(n_samples + 1))


def are_matching(words: Words, y: Array, of_sign: Words) -> bool:
    """Tell whether neurons are active on labels of their sign only; `of_sign` (3, W)."""
    return bool(
        _are_matching(Samples(words, y, None), address(of_sign, np.uint64, 3, words.shape[1]))
    )


def open_samples(words: Words, y: Array, listed: Listed) -> tuple[int, int]:
    """List the samples with a label: covered by a neuron from the start of `listed`, others from its end.

    Returns how many there are of each.
    """
    return _open(Samples(words, y, None), listed)


def _open(samples: Samples, listed: Listed) -> tuple[int, int]:
    n_unfit = c_int64()
    n_open = _open_samples(samples, address(listed, np.uint32, samples.n), byref(n_unfit))
    return n_open, n_unfit.value


def scale_of(y: Array, norms: Array, samples: Listed) -> int:
    """Exponent E with p_k < 2^E for all the samples; very low for none."""
    return int(_scale_of(Samples(None, y, norms), List(samples)))


def add_weights(
    words: Words,
    y: Array,
    norms: Array,
    samples: Listed,
    scale: int,
    bits: int,
    sign: int,
    sums: Integers,
) -> None:
    """Add `sign` times the weight of each sample to the sums of the neurons active on it."""
    _add_weights(Samples(words, y, norms), List(samples), sign, _Sums.of(sums, bits, scale))


def are_small(sums: Integers, bits: int) -> bool:
    """Tell whether all sums have shrunk so far that a lower scale is due."""
    return bool(_are_small(_Sums.of(sums, bits)))


def new_neurons(width: int) -> tuple[Array, Array, Array]:
    """Exponents at the start, and room for speeds and arrivals: twofold numbers, shape (2, m) each."""
    exponents, speeds, arrivals = np.zeros((3, 2, width))
    exponents[0] = -1.0
    return exponents, speeds, arrivals


def set_speeds(sums: Integers, bits: int, scale: int, neurons: Neurons) -> None:
    """Fill `speeds` with n ρ_j."""
    _set_speeds(_Sums.of(sums, bits, scale), neurons)


def next_jump(
    jump: int, clock: float, n_samples: int, tie_tol: float, neurons: Neurons, group: Words
) -> tuple[float, float, float]:
    """Wait for the first dormant neurons to arrive and activate them: set their bits in `group`.

    Returns the wait, the wait of the runner-up after it, and the fastest growth rate before.
    """
    made = _Jump()
    _next_jump(
        jump, clock, n_samples, tie_tol, neurons, address(group, np.uint64), group.size, made
    )
    return made.wait, made.margin, made.escape_rate


def fit_and_weigh(
    words: Words,
    y: Array,
    norms: Array,
    group: Words,
    still_open: Listed,
    scale: int,
    bits: int,
    left_open: Listed,
    fitted: Listed,
    sums: Integers,
    squares: Integers,
) -> int:
    """Split the open samples by whether the group is active on them.

    Adds the weights of the newly fitted to `sums`, and Σ y² and Σ β² to the rows of `squares`.
    Returns how many stay open.
    """
    return int(
        _fit_and_weigh(
            Samples(words, y, norms),
            address(group, np.uint64, words.shape[1]),
            List(still_open),
            address(left_open, np.uint32, still_open.size),
            address(fitted, np.uint32, still_open.size),
            _Sums.of(sums, bits, scale),
            address(squares[0], np.int64, DIGITS),
            address(squares[1], np.int64, DIGITS),
        )
    )
