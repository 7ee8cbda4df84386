"""Trials of `compute = "jumps"` many at a time, drawn and run by one kernel: the rows of `trials.run_trial`.

The least squared norm, 2 (‖β₊‖ + ‖β₋‖), and logarithms of norms are left to NumPy, whose last bits
depend on the processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..limit.active_sets import n_words
from ..limit.jump_course import TIE_TOL
from ..limit.jumps import MANY_WORDS
from ..limit.kernels import batch as kernel
from .spec import Setting, Spec

AT_ONCE = 2**16  # samples of the trials that the kernel runs in one go, few enough for the cache


def can_draw(spec: Spec, setting: Setting) -> bool:
    """Tell whether the kernel draws what trials of a setting need."""
    words = n_words(setting.width)
    is_small = words <= kernel.MOST_WORDS and setting.n_samples * words < MANY_WORDS
    is_known = setting.labels in kernel.LABELS and setting.norms in kernel.NORMS
    needs_normals = setting.labels == "gaussian" or setting.norms == "lognormal"
    return (
        (spec.compute, spec.start) == ("jumps", "sets")
        and is_small
        and is_known
        and not (needs_normals and kernel.normals() is None)
    )


def measure_trials(spec: Spec, setting: Setting, trials: list[int]) -> dict[str, NDArray[Any]]:
    """Run trials of a setting; return their seeds and the columns of `functions.measure_jumps`."""
    size = max(1, AT_ONCE // setting.n_samples)
    numbers = np.array(trials, dtype=np.int64)
    parts = [_measured(spec, setting, numbers[i : i + size]) for i in range(0, len(trials), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _measured(spec: Spec, setting: Setting, trials: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    laws = setting.labels, setting.norms
    drawn = kernel.draw_trials(setting.n_samples, setting.width, *laws, spec.seed, trials)
    if drawn.norms is not None and setting.norms == "lognormal":
        drawn = drawn._replace(norms=np.exp(drawn.norms / 2))
    found = kernel.run_trials(drawn, TIE_TOL)
    least = _least_sq_norms(found.largest, found.scaled)
    reached = np.where(found.low == found.high, found.low, np.nan)
    return {
        "seed": drawn.seeds,
        "interpolates": found.n_unfit == 0,
        "n_jumps": found.n_jumps,
        "n_ties": found.n_ties,
        "sq_norm": reached,
        "least_sq_norm": least,
        "norm_ratio": np.divide(reached, least, out=np.full(least.shape, np.nan), where=least > 0),
        "final_loss": found.final_loss,
        "first_clock": found.first_clock,
        "last_clock": found.last_clock,
    }


def _least_sq_norms(largest: Array, scaled: Array) -> Array:
    """As `yardsticks.min_norm.least_sq_norm`, whose `np.linalg.norm` is the root of a dot product."""
    rows = scaled.reshape(-1, scaled.shape[-1])
    squares = np.array([row.dot(row) for row in rows]).reshape(largest.shape)
    norms = largest * np.sqrt(squares)
    return np.asarray(2 * (norms[:, 1] + norms[:, 0]))
