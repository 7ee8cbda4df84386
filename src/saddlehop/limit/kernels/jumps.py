"""Door to `jumps.c` and `weights.c`: the jump process on packed active sets, with exact sums."""

from __future__ import annotations

import math
from ctypes import Structure, c_double, c_int64, c_void_p
from typing import NamedTuple

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


class Sums(Structure):
    """Sums of weights, and in what units."""

    _fields_ = (
        ("limbs", c_void_p),
        ("n_neurons", c_int64),
        ("bits", c_int64),
        ("scale", c_int64),
    )

    @classmethod
    def of(cls, sums: Integers, bits: int, scale: int = 0) -> Sums:
        """Take an array of shape (LIMBS, 64 W)."""
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

    @classmethod
    def new(cls, width: int) -> Neurons:
        """Neurons at the start."""
        exponents, speeds, arrivals = np.zeros((3, 2, width))
        exponents[0] = -1.0
        return cls.of(exponents, speeds, arrivals, np.full(width, -1))


class _Jump(Structure):
    _fields_ = (("wait", c_double), ("margin", c_double), ("escape_rate", c_double))


class Opened(Structure):
    """What a first look at samples tells; sides are those of negative and of positive labels."""

    _fields_ = (
        ("n_open", c_int64 * 2),
        ("n_unfit", c_int64),
        ("n_of_sign", c_int64 * 2),
        ("scale", c_int64),
        ("is_matching", c_int64),
        ("has_unit_norms", c_int64),
    )


class Process(Structure):
    """A process, and room for what it does."""

    _fields_ = (
        ("neurons", Neurons),
        ("sums", Sums),
        ("of_sign", c_void_p),
        ("group", c_void_p),
        ("still_open", c_void_p),
        ("fitted", c_void_p),
        ("n_open", c_int64 * 2),
        ("n_samples", c_int64),
        ("n_fitted", c_int64),
        ("n_jumps", c_int64),
        ("n_before", c_int64),
        ("clock", c_double),
        ("tie_tol", c_double),
        ("times", c_void_p),
        ("margins", c_void_p),
        ("escape_rates", c_void_p),
        ("exponents", c_void_p),
        ("offsets", c_void_p),
        ("room", c_int64),
    )


_open_samples = Kernel("open_samples", None, Samples, c_void_p, c_void_p, Opened)
_scale_of = Kernel("scale_of", c_int64, Samples, List)
_weigh_sides = Kernel("weigh_sides", None, Samples, List, List, c_void_p, Sums)
_are_small = Kernel("are_small", c_int64, Sums)
_set_speeds = Kernel("set_speeds", None, Sums, Neurons)
_next_jump = Kernel(
    "next_jump",
    *(None, c_int64, c_double, c_int64, c_double, Neurons, c_void_p, c_int64, _Jump),
)
_fit_and_weigh = Kernel(
    "fit_and_weigh",
    *(c_int64, Samples, c_void_p, c_void_p, List, c_void_p, c_void_p, Sums, c_void_p, c_void_p),
)
_start_process = Kernel("start_process", None, Samples, Process)
_go_on = Kernel("go_on", c_int64, Samples, Process)


class Ran(NamedTuple):
    """What a process did."""

    times: Array
    """Shape (J,)."""
    margins: Array
    """Shape (J,)."""
    escape_rates: Array
    """Shape (J+1,)."""
    exponents: Array
    """Shape (J+1, m)."""
    offsets: Integers
    """Of the jumps into `fitted`, shape (J+1,)."""
    jump_of_neuron: Integers
    """−1 for never, shape (m,)."""
    fitted: Listed
    """Samples in the order in which they are fitted; within a jump in their own, of each sign."""
    unfit: Listed
    """Samples with a label that no neuron covers."""
    is_matching: bool
    """Whether neurons are active on labels of their sign only."""


class State(NamedTuple):
    """A process that is under way: what its jumps so far have left."""

    n_samples: int
    """Of the problem."""
    n_jumps: int
    """So far."""
    clock: float
    sums: Integers
    """Over the open samples, shape (LIMBS, 64 W)."""
    scale: int
    neurons: Neurons


def jump_process(
    words: Words,
    y: Array,
    norms: Array | None,
    width: int,
    of_sign: Words,
    tie_tol: float,
    state: State | None = None,
) -> Ran:
    """Run to the end.

    Parameters
    ----------
    words : ndarray, shape (n, W)
        Active sets; bits of neurons of the other sign than the label do not count.
    y, norms : ndarray, shape (n,)
        `norms` may be None if all are 1, here and in the functions below.
    width : int
        How many neurons.
    of_sign : ndarray, shape (2, W)
        Bits of the neurons of sign −1 and 1.
    tie_tol : float
    state : State, optional
        To go on from; then the samples are those that are open, and `neurons` of the state changes.

    Returns
    -------
    Ran
        Of the jumps from `state` on.
    """
    samples = Samples(words, y, norms)
    still_open = np.empty((2, y.size), dtype=np.uint32)
    opened = _open(samples, of_sign, still_open)
    unfit = still_open[0, y.size - opened.n_unfit :][::-1].copy()
    fitted = np.empty(sum(opened.n_open), dtype=np.uint32)
    under_way = state or _start(y.size, width, words.shape[1], opened.scale)
    group = np.empty((2, words.shape[1]), dtype=np.uint64)
    process = Process(
        neurons=under_way.neurons,
        sums=Sums.of(under_way.sums, limb_bits(under_way.n_samples), under_way.scale),
        of_sign=address(of_sign, np.uint64, 2, words.shape[1]),
        group=address(group, np.uint64),
        still_open=address(still_open, np.uint32),
        fitted=address(fitted, np.uint32),
        n_open=opened.n_open,
        n_samples=under_way.n_samples,
        n_before=under_way.n_jumps,
        clock=under_way.clock,
        tie_tol=tie_tol,
    )
    most = min(width, fitted.size)
    course = _Course(min(most, _ROOM), width)
    course.give_to(process)
    if state is None:
        _start_process(samples, process)
    while _go_on(samples, process):
        course = course.larger(min(2 * process.room, most))
        course.give_to(process)
    jump_of_neuron = under_way.neurons.arrays[-1]
    done = course.of(process.n_jumps)
    return Ran(*done, jump_of_neuron, fitted, unfit, bool(opened.is_matching))


def _start(n_samples: int, width: int, n_words: int, scale: int) -> State:
    sums = np.empty((LIMBS, 64 * n_words), dtype=np.int64)
    return State(n_samples, 0, 0.0, sums, scale, Neurons.new(width))


class _Course:
    """Room for what happens in some jumps."""

    def __init__(self, room: int, width: int) -> None:
        self.times, self.margins = np.empty((2, room))
        self.escape_rates = np.zeros(room + 1)
        self.offsets = np.zeros(room + 1, dtype=np.int64)
        self.exponents = np.empty((room + 1, width))

    def give_to(self, process: Process) -> None:
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

    def of(self, n_jumps: int) -> tuple[Array, Array, Array, Array, Integers]:
        return (
            self.times[:n_jumps],
            self.margins[:n_jumps],
            self.escape_rates[: n_jumps + 1],
            self.exponents[: n_jumps + 1].copy(),
            self.offsets[: n_jumps + 1],
        )


def limb_bits(n_samples: int) -> int:
    """Bits of a limb, such that the sum of one limb over all samples fits in 63 bits."""
    return 62 - math.ceil(math.log2(n_samples + 1))


def open_samples(
    words: Words, y: Array, norms: Array | None, of_sign: Words, listed: Listed
) -> Opened:
    """List the open samples of each sign in the rows of `listed`, shape (2, n).

    Those with a label that no neuron covers are listed from the end of the first row.
    """
    return _open(Samples(words, y, norms), of_sign, listed)


def _open(samples: Samples, of_sign: Words, listed: Listed) -> Opened:
    opened = Opened()
    _open_samples(
        samples,
        address(of_sign, np.uint64, 2, samples.n_words),
        address(listed, np.uint32, 2, samples.n),
        opened,
    )
    return opened


def scale_of(y: Array, norms: Array | None, samples: Listed) -> int:
    """Exponent E with p_k < 2^E for all the samples; very low for none."""
    return int(_scale_of(Samples(None, y, norms), List(samples)))


def weigh_sides(
    words: Words,
    y: Array,
    norms: Array | None,
    sides: tuple[Listed, Listed],
    of_sign: Words,
    scale: int,
    bits: int,
    sums: Integers,
) -> None:
    """Add the weights of samples of sign −1 and 1 to the sums of the neurons active on them.

    Of those whose bits are in `of_sign`, shape (2, W).
    """
    _weigh_sides(
        Samples(words, y, norms),
        *map(List, sides),
        address(of_sign, np.uint64, 2, words.shape[1]),
        Sums.of(sums, bits, scale),
    )


def are_small(sums: Integers, bits: int) -> bool:
    """Tell whether all sums have shrunk so far that a lower scale is due."""
    return bool(_are_small(Sums.of(sums, bits)))


def set_speeds(sums: Integers, bits: int, scale: int, neurons: Neurons) -> None:
    """Fill `speeds` with n ρ_j."""
    _set_speeds(Sums.of(sums, bits, scale), neurons)


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
    norms: Array | None,
    of_sign: Words,
    group: Words,
    still_open: Listed,
    scale: int,
    bits: int,
    left_open: Listed,
    fitted: Listed,
    sums: Integers,
    squares: Integers,
) -> int:
    """Split the open samples of a sign by whether the group, of neurons of that sign, is active on them.

    Adds the weights of the newly fitted to the `sums` of the neurons whose bits are in `of_sign`,
    shape (W,), and Σ y² and Σ β² to the rows of `squares`. Returns how many stay open.
    """
    return int(
        _fit_and_weigh(
            Samples(words, y, norms),
            address(of_sign, np.uint64, words.shape[1]),
            address(group, np.uint64, words.shape[1]),
            List(still_open),
            address(left_open, np.uint32, still_open.size),
            address(fitted, np.uint32, still_open.size),
            Sums.of(sums, bits, scale),
            address(squares[0], np.int64, DIGITS),
            address(squares[1], np.int64, DIGITS),
        )
    )
