"""The interval of a proportion that was measured as k of n.

By Wilson, z standard errors to either side: (k + z²/2 ± z √(k (n − k)/n + z²/4)) / (n + z²).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._support.arrays import Array

Z = 1.959963984540054  # 97.5% of a normal lies below


def wilson(successes: Any, trials: Any) -> tuple[Array, Array]:
    """Return the ends of the 95% Wilson intervals of proportions.

    References
    ----------
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal
    of the American Statistical Association 22 (1927).
    """
    hits, total = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    share = hits / total
    middle = (share + Z**2 / (2 * total)) / (1 + Z**2 / total)
    half = Z / (1 + Z**2 / total) * np.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2))
    low = np.where(hits == 0, 0.0, np.maximum(middle - half, 0.0))
    return low, np.where(hits == total, 1.0, np.minimum(middle + half, 1.0))
