"""The jump process on packed active sets, with exact sums.

State: exponents e_j, the list of open samples, and for each neuron the sum over its open samples
of the weights g_k = (p_k 2^−E)², p_k = |y_k| ‖x_k‖, so that the growth rate is
ρ_j = 2^E sqrt(Σ g_k) / n.

The weights are cut into three integers ("limbs") of `bits` bits each. Integer sums are exact, so
they do not depend on the order of the samples, equal sets have equal rates to the last bit, and
taking a fitted sample out again leaves no trace. When the largest open weight has become small,
E is lowered and the sums are made afresh.
"""

import math

import numpy as np
from numba import njit

_LIMBS = 3
_RESCALE_BITS = 8


@njit(cache=True)
def jump_process(words, strength, width, open_samples, tie_tol):
    """Run to the end.

    Parameters: words (n, W) uint64; strength (n,) p_k; open_samples (r,) int64, each in some S_j.

    Returns times, margins (J,), escape rates (J+1,), exponents (J+1, m), jump_of_neuron (m,)
    with −1 for never, the samples in the order in which they are fitted (r,), and
    offsets (J+1,) of the jumps into them. Samples within a jump keep their order.
    """
    n_samples = len(strength)
    bits = 62 - math.ceil(math.log2(n_samples + 1))
    still_open = open_samples.copy()
    fitted = np.empty_like(open_samples)
    n_open, n_fitted = len(still_open), 0

    most = min(width, n_open)
    times, margins = np.empty(most), np.empty(most)
    escapes, offsets = np.zeros(most + 1), np.zeros(most + 1, dtype=np.int64)
    history = np.empty((min(most + 1, 32), width))
    jump_of_neuron = np.full(width, -1)

    exponents = np.full(width, -1.0)
    speeds, arrivals = np.zeros(width), np.empty(width)
    group = np.zeros(words.shape[1], dtype=np.uint64)
    sums = np.zeros((_LIMBS, 64 * words.shape[1]), dtype=np.int64)
    scale = _scale(strength, still_open, n_open)
    _add(words, strength, still_open[:n_open], scale, bits, 1, sums)
    history[0] = exponents

    jump, clock = 0, 0.0
    while n_open > 0:
        _set_speeds(sums, bits, scale, speeds)
        escapes[jump] = _fastest(speeds, jump_of_neuron) / n_samples
        wait = _first_arrival(n_samples, exponents, speeds, jump_of_neuron, arrivals)
        clock += wait
        margins[jump] = _activate(
            jump, wait, tie_tol * clock, arrivals, exponents, jump_of_neuron, group
        )
        left = _fit(words, group, still_open, n_open, fitted, n_fitted)
        newly = n_open - left
        new_scale = _scale(strength, still_open, left)
        if new_scale < scale - _RESCALE_BITS or left < newly:
            scale = new_scale
            sums[:] = 0
            _add(words, strength, still_open[:left], scale, bits, 1, sums)
        else:
            _add(words, strength, fitted[n_fitted : n_fitted + newly], scale, bits, -1, sums)
        n_open, n_fitted = left, n_fitted + newly
        times[jump] = clock
        jump += 1
        offsets[jump] = n_fitted
        if jump == len(history):
            history = _grown(history)
        history[jump] = exponents

    return (
        times[:jump],
        margins[:jump],
        escapes[: jump + 1],
        history[: jump + 1].copy(),
        jump_of_neuron,
        fitted,
        offsets[: jump + 1],
    )


@njit(cache=True)
def _scale(strength, samples, count):
    """Exponent E with p_k < 2^E for all the samples."""
    largest = 0.0
    for i in range(count):
        largest = max(largest, strength[samples[i]])
    return math.frexp(largest)[1]


@njit(cache=True)
def _add(words, strength, samples, scale, bits, sign, sums):
    """Add `sign` times the weight of each sample to the sums of the neurons active on it."""
    one = np.uint64(1)
    for k in samples:
        p = math.ldexp(strength[k], -scale)
        rest = math.ldexp(p * p, bits)
        first = math.floor(rest)
        rest = math.ldexp(rest - first, bits)
        second = math.floor(rest)
        third = math.floor(math.ldexp(rest - second, bits))
        limb0, limb1, limb2 = (
            sign * np.int64(first),
            sign * np.int64(second),
            sign * np.int64(third),
        )
        for w in range(words.shape[1]):
            word = words[k, w]
            if word == 0:
                continue
            for b in range(64):
                mask = -np.int64((word >> np.uint64(b)) & one)
                sums[0, 64 * w + b] += limb0 & mask
                sums[1, 64 * w + b] += limb1 & mask
                sums[2, 64 * w + b] += limb2 & mask


@njit(cache=True)
def _set_speeds(sums, bits, scale, speeds):
    """Fill `speeds` with n ρ_j; n stays apart so that rational examples come out exact."""
    limb = math.ldexp(1.0, -bits)
    for j in range(speeds.size):
        total = (sums[0, j] + (sums[1, j] + sums[2, j] * limb) * limb) * limb
        speeds[j] = math.ldexp(math.sqrt(total), scale)


@njit(cache=True)
def _fastest(speeds, jump_of_neuron):
    fastest = 0.0
    for j in range(speeds.size):
        if jump_of_neuron[j] < 0:
            fastest = max(fastest, speeds[j])
    return fastest


@njit(cache=True)
def _first_arrival(n_samples, exponents, speeds, jump_of_neuron, arrivals):
    """Fill `arrivals` with the waits −e_j / ρ_j of the dormant neurons; return the least."""
    least = np.inf
    for j in range(speeds.size):
        dormant = jump_of_neuron[j] < 0 and speeds[j] > 0
        arrivals[j] = -exponents[j] * n_samples / speeds[j] if dormant else np.inf
        least = min(least, arrivals[j])
    return least


@njit(cache=True)
def _activate(jump, wait, slack, arrivals, exponents, jump_of_neuron, group):
    """Grow the dormant neurons, activate those that arrive, set their bits in `group`.

    Returns the wait for the runner-up: 0 in a tie, inf if there is none.
    """
    group[:] = 0
    arrived, runner_up = 0, np.inf
    for j in range(arrivals.size):
        if jump_of_neuron[j] >= 0:
            continue
        late = arrivals[j] - wait
        if late <= slack:
            arrived += 1
            exponents[j] = 0.0
            jump_of_neuron[j] = jump
            group[j >> 6] |= np.uint64(1) << np.uint64(j & 63)
        else:
            exponents[j] *= late / arrivals[j] if late < np.inf else 1.0
            runner_up = min(runner_up, late)
    return 0.0 if arrived > 1 else runner_up


@njit(cache=True)
def _fit(words, group, still_open, n_open, fitted, n_fitted):
    """Move the open samples on which the group is active to `fitted`; return how many stay open."""
    left = 0
    for i in range(n_open):
        k = still_open[i]
        hit = np.uint64(0)
        for w in range(group.size):
            hit |= words[k, w] & group[w]
        if hit != 0:
            fitted[n_fitted] = k
            n_fitted += 1
        else:
            still_open[left] = k
            left += 1
    return left


@njit(cache=True)
def _grown(history):
    longer = np.empty((2 * len(history), history.shape[1]))
    longer[: len(history)] = history
    return longer
