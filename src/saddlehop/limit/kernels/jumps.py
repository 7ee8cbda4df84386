"""The jump process on packed active sets, with exact sums.

State: exponents e_j, the list of open samples, and for each neuron the sum over its open samples
of the weights g_k = (p_k 2^−E)², p_k = |y_k| ‖x_k‖, so that the growth rate is
ρ_j = 2^E sqrt(Σ g_k) / n.

The weights are cut into three integers ("limbs") of `bits` bits each. Integer sums are exact, so
they do not depend on the order of the samples or on how they are cut into blocks, equal sets have
equal rates to the last bit, and taking a fitted sample out again leaves no trace. When the largest
sums have become small, E is lowered and the sums are made afresh.

`jump_process` is the whole loop on samples held in one piece. `block_process.py` runs the same loop
over many blocks with the same functions: those named without underscore.
"""

import math

import numpy as np
from numba import njit

from . import twofold
from .squares import add_squares

LIMBS = 3
_RESCALE_BITS = 16  # of the largest sum, so at least 8 of every open p_k
_LEAST_SUM = 2.0**-122  # below it few digits are left, and a neuron does not move while others do
_PORTION = 4096  # samples
_MANY = 4096  # samples from which on sums by bytes are faster than sums by bits


@njit(cache=True)
def jump_process(words, y, norms, width, tie_tol):
    """Run to the end.

    Parameters: words (n, W) uint64; y, norms (n,); width m.

    Returns times, margins (J,), escape rates (J+1,), exponents (J+1, m), jump_of_neuron (m,)
    with −1 for never, the samples in the order in which they are fitted (within a jump in their
    own), offsets (J+1,) of the jumps into them, and the samples with a label that no neuron covers.
    """
    n_samples = len(y)
    bits = limb_bits(n_samples)
    still_open = np.empty(n_samples, dtype=np.uint32)
    n_open, n_unfit = open_samples(words, y, still_open)
    unfit = still_open[n_samples - n_unfit :][::-1].copy()
    n_fitted = 0
    fitted = np.empty(n_open, dtype=np.uint32)

    times, margins, escapes, offsets, history = _room(min(width, n_open), width)
    jump_of_neuron = np.full(width, -1)

    exponents, speeds, arrivals = new_neurons(width)
    group = np.zeros(words.shape[1], dtype=np.uint64)
    sums = np.zeros((LIMBS, 64 * words.shape[1]), dtype=np.int64)
    scale = _weigh_afresh(words, y, norms, still_open[:n_open], bits, sums)
    history[0] = exponents[0]

    jump, clock = 0, 0.0
    while n_open > 0:
        set_speeds(sums, bits, scale, speeds)
        wait, margin, escape = next_jump(
            jump, clock, n_samples, tie_tol, speeds, exponents, arrivals, jump_of_neuron, group
        )
        clock += wait
        times[jump], margins[jump], escapes[jump] = clock, margin, escape
        left = fit(words, group, still_open[:n_open], still_open, fitted[n_fitted:])
        just = fitted[n_fitted : n_fitted + n_open - left]
        n_open, n_fitted = left, n_fitted + len(just)
        add_weights(words, y, norms, just, scale, bits, -1, sums)
        if n_open > 0 and are_small(sums, bits):
            scale = _weigh_afresh(words, y, norms, still_open[:n_open], bits, sums)
        jump += 1
        offsets[jump] = n_fitted
        history = _grown(history, jump)
        history[jump] = exponents[0]

    times, margins, offsets = times[:jump], margins[:jump], offsets[: jump + 1]
    escapes, history = escapes[: jump + 1], history[: jump + 1].copy()
    return times, margins, escapes, history, jump_of_neuron, fitted, offsets, unfit


@njit(cache=True)
def _room(most, width):
    """Room for times and margins of at most `most` jumps, escape rates, offsets and exponents."""
    escapes, offsets = np.zeros(most + 1), np.zeros(most + 1, dtype=np.int64)
    history = np.empty((min(most + 1, 32), width))
    return np.empty(most), np.empty(most), escapes, offsets, history


@njit(cache=True)
def _weigh_afresh(words, y, norms, still_open, bits, sums):
    """Fill the sums with the weights of the open samples; return their scale."""
    scale = scale_of(y, norms, still_open)
    sums[:] = 0
    add_weights(words, y, norms, still_open, scale, bits, 1, sums)
    return scale


@njit(cache=True)
def limb_bits(n_samples):
    """Bits of a limb, such that the sum of one limb over all samples fits in 63 bits."""
    return 62 - math.ceil(math.log2(n_samples + 1))


@njit(cache=True, nogil=True)
def are_matching(words, y, of_sign):
    """Tell whether neurons are active on labels of their sign only."""
    wrong = np.uint64(0)
    for k in range(len(y)):
        row = 1 + (y[k] > 0) - (y[k] < 0)
        for w in range(words.shape[1]):
            wrong |= words[k, w] & ~of_sign[row, w]
    return wrong == 0


@njit(cache=True, nogil=True)
def open_samples(words, y, listed):
    """List the samples with a label: covered by a neuron from the start of `listed`, others from its end.

    Returns how many there are of each.
    """
    n_open = n_unfit = 0
    for k in range(len(y)):
        covered = np.uint64(0)
        for w in range(words.shape[1]):
            covered |= words[k, w]
        if y[k] == 0:
            continue
        if covered != 0:
            listed[n_open] = k
            n_open += 1
        else:
            n_unfit += 1
            listed[len(y) - n_unfit] = k
    return n_open, n_unfit


@njit(cache=True, nogil=True)
def scale_of(y, norms, samples):
    """Exponent E with p_k < 2^E for all the samples; very low for none."""
    largest = 0.0
    for k in samples:
        largest = max(largest, abs(y[k] * norms[k]))
    return math.frexp(largest)[1] if largest > 0 else -10000


@njit(cache=True, nogil=True)
def add_weights(words, y, norms, samples, scale, bits, sign, sums):
    """Add `sign` times the weight of each sample to the sums of the neurons active on it."""
    if len(samples) < _MANY:
        _add_by_bit(words, y, norms, samples, scale, bits, sign, sums)
        return
    tables = np.zeros((words.shape[1], 8, 256, LIMBS), dtype=np.int64)
    tabulate(words, y, norms, samples, scale, bits, tables)
    add_tables(tables, sign, sums)


@njit(cache=True, nogil=True)
def _add_by_bit(words, y, norms, samples, scale, bits, sign, sums):
    one, up = np.uint64(1), math.ldexp(1.0, bits)
    down, further = _powers(-scale)
    for k in samples:
        first, second, third = _limbs(y[k] * norms[k] * down * further, up)
        first, second, third = sign * first, sign * second, sign * third
        for w in range(words.shape[1]):
            word = words[k, w]
            if word == 0:
                continue
            for b in range(64):
                mask = -np.int64((word >> np.uint64(b)) & one)
                sums[0, 64 * w + b] += first & mask
                sums[1, 64 * w + b] += second & mask
            if third != 0:
                for b in range(64):
                    mask = -np.int64((word >> np.uint64(b)) & one)
                    sums[2, 64 * w + b] += third & mask


@njit(cache=True, nogil=True)
def tabulate(words, y, norms, samples, scale, bits, tables):
    """Sum the weights by the value of each of the 8 bytes of each word."""
    for w in range(words.shape[1]):
        _tabulate_word(words[:, w], y, norms, samples, scale, bits, tables[w])


@njit(cache=True, nogil=True)
def _tabulate_word(word, y, norms, samples, scale, bits, table):
    up = math.ldexp(1.0, bits)
    down, further = _powers(-scale)
    for k in samples:
        first, second, third = _limbs(y[k] * norms[k] * down * further, up)
        for c in range(8):
            value = (word[k] >> np.uint64(8 * c)) & np.uint64(255)
            table[c, value, 0] += first
            table[c, value, 1] += second
        if third != 0:
            for c in range(8):
                table[c, (word[k] >> np.uint64(8 * c)) & np.uint64(255), 2] += third


@njit(cache=True, nogil=True)
def add_tables(tables, sign, sums):
    """Add `sign` times the sums by bytes to those by bits."""
    for w in range(len(tables)):
        for c in range(8):
            for value in range(256):
                for b in range(8):
                    if (value >> b) & 1:
                        for limb in range(LIMBS):
                            sums[limb, 64 * w + 8 * c + b] += sign * tables[w, c, value, limb]


@njit(cache=True, nogil=True)
def _powers(exponent):
    """Two factors with product 2^exponent, each within the range of floats.

    Exponents beyond ±2000 come with no samples and no use.
    """
    exponent = max(min(exponent, 2000), -2000)
    half = exponent // 2
    return math.ldexp(1.0, half), math.ldexp(1.0, exponent - half)


@njit(cache=True, nogil=True)
def _limbs(p, up):
    """Cut p² into three integers, in units 1/up, 1/up² and 1/up³."""
    rest = p * p * up
    first = math.floor(rest)
    rest = (rest - first) * up
    second = math.floor(rest)
    third = math.floor((rest - second) * up)
    return np.int64(first), np.int64(second), np.int64(third)


@njit(cache=True)
def are_small(sums, bits):
    """Tell whether all sums have shrunk so far that a lower scale is due."""
    return sums[0].max() < np.int64(1) << np.int64(bits - _RESCALE_BITS)


@njit(cache=True)
def new_neurons(width):
    """Exponents at the start, and room for speeds and arrivals: twofold numbers, shape (2, m) each.

    A float would lose, at each jump, the digits in which the arrivals of neurons agree.
    """
    exponents = np.zeros((2, width))
    exponents[0] = -1.0
    return exponents, np.zeros((2, width)), np.zeros((2, width))


@njit(cache=True)
def set_speeds(sums, bits, scale, speeds):
    """Fill `speeds` with n ρ_j; n stays apart so that rational examples come out exact."""
    for j in range(speeds.shape[1]):
        speeds[:, j] = speed_of(sums, bits, scale, j)


@njit(cache=True)
def speed_of(sums, bits, scale, j):
    """Return n ρ_j as an array of two; 0 if it is about 1e-18 of the largest or less."""
    speed = np.zeros(2)
    high, low, unit = 0.0, 0.0, 1.0
    for limb in range(LIMBS):
        unit = math.ldexp(unit, -bits)
        top = (sums[limb, j] >> 31) << 31  # floats have no room for 63 bits
        high, low = twofold.add(high, low, float(top) * unit, float(sums[limb, j] - top) * unit)
    if high > _LEAST_SUM:
        high, low = twofold.square_root(high, low)
        speed[0], speed[1] = math.ldexp(high, scale), math.ldexp(low, scale)
    return speed


@njit(cache=True)
def next_jump(jump, clock, n_samples, tie_tol, speeds, exponents, arrivals, jump_of_neuron, group):
    """Wait for the first dormant neurons to arrive and activate them: set their bits in `group`.

    Returns the wait, the wait of the runner-up after it, and the fastest growth rate before.
    """
    fastest = _fastest(speeds, jump_of_neuron) / n_samples
    wait, wait_low = _first_arrival(n_samples, exponents, speeds, jump_of_neuron, arrivals)
    slack = tie_tol * (clock + wait)
    group[:] = 0
    arrived, runner_up = 0, np.inf
    for j in range(jump_of_neuron.size):
        if jump_of_neuron[j] >= 0 or arrivals[0, j] == np.inf:
            continue
        late, late_low = twofold.add(arrivals[0, j], arrivals[1, j], -wait, -wait_low)
        if late <= slack:
            arrived += 1
            exponents[:, j] = 0.0
            jump_of_neuron[j] = jump
            group[j >> 6] |= np.uint64(1) << np.uint64(j & 63)
        else:
            grown, grown_low = twofold.multiply(late, late_low, speeds[0, j], speeds[1, j])
            grown, grown_low = twofold.divide(grown, grown_low, float(n_samples), 0.0)
            exponents[0, j], exponents[1, j] = -grown, -grown_low
            runner_up = min(runner_up, late)
    return wait, 0.0 if arrived > 1 else runner_up, fastest


@njit(cache=True)
def _fastest(speeds, jump_of_neuron):
    fastest = 0.0
    for j in range(jump_of_neuron.size):
        if jump_of_neuron[j] < 0:
            fastest = max(fastest, speeds[0, j])
    return fastest


@njit(cache=True)
def _first_arrival(n_samples, exponents, speeds, jump_of_neuron, arrivals):
    """Fill `arrivals` with the waits −e_j / ρ_j of the dormant neurons; return the least."""
    least, least_low = np.inf, 0.0
    for j in range(jump_of_neuron.size):
        arrivals[:, j] = np.inf, 0.0
        if jump_of_neuron[j] >= 0 or speeds[0, j] == 0:
            continue
        way, way_low = twofold.multiply(-exponents[0, j], -exponents[1, j], float(n_samples), 0.0)
        wait, wait_low = twofold.divide(way, way_low, speeds[0, j], speeds[1, j])
        arrivals[0, j], arrivals[1, j] = wait, wait_low
        if wait < least or (wait == least and wait_low < least_low):
            least, least_low = wait, wait_low
    return least, least_low


@njit(cache=True, nogil=True)
def fit(words, group, still_open, left_open, fitted):
    """Split the open samples by whether the group is active on them; return how many stay open.

    Writes them in order to `left_open`, which may be `still_open` itself, and `fitted`.
    """
    left = newly = 0
    for k in still_open:
        hit = np.uint64(0)
        for w in range(group.size):
            hit |= words[k, w] & group[w]
        fitted[newly] = left_open[left] = k  # whether it is a hit cannot be foreseen: no branch
        newly += hit != 0
        left += hit == 0
    return left


@njit(cache=True, nogil=True)
def fit_and_weigh(
    words, y, norms, group, still_open, scale, bits, left_open, fitted, sums, squares
):
    """Do for many samples, in portions that stay in the cache, what `fit` and its caller do.

    Adds the weights of the newly fitted to `sums`, and Σ y² and Σ β² to the rows of `squares`.
    Returns how many stay open.
    """
    tables = np.zeros((words.shape[1], 8, 256, LIMBS), dtype=np.int64)
    left = newly = 0
    for start in range(0, len(still_open), _PORTION):
        portion = still_open[start : start + _PORTION]
        stay = fit(words, group, portion, left_open[left:], fitted[newly:])
        just = fitted[newly : newly + len(portion) - stay]
        add_squares(y, norms, just, squares[0], squares[1])
        tabulate(words, y, norms, just, scale, bits, tables)
        left, newly = left + stay, newly + len(just)
    add_tables(tables, 1, sums)
    return left


@njit(cache=True)
def _grown(history, jump):
    """The history with room for row `jump`."""
    if jump < len(history):
        return history
    longer = np.empty((2 * len(history), history.shape[1]))
    longer[: len(history)] = history
    return longer
