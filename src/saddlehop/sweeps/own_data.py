"""Data of a sweep: read when the spec is, sent to workers with it, known to a folder by a digest.

So the numbers of a trial depend on the spec only, and a folder is not continued with other data under the
same name:

    digest = SHA-256 of inputs, labels and whether a feature 1 is appended
"""

from __future__ import annotations

import hashlib
import pickle
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..model.data_sources import SHIPPED, find_samples
from ..model.general_problem import AnyProblem, problem_of


def packed(name: str, folder: str, target: str, bias: bool) -> tuple[bytes, str]:
    """Return the data of a name or file, to be sent, and their digest."""
    is_file = name not in SHIPPED
    samples = find_samples(Path(folder) / name, target) if is_file else find_samples(name)
    X, y, with_bias = np.asarray(samples.X), np.asarray(samples.y), bias or samples.bias
    parts = (repr((X.shape, with_bias)).encode(), X.tobytes(), y.tobytes())
    return pickle.dumps((X, y, with_bias)), hashlib.sha256(b"".join(parts)).hexdigest()[:12]


@lru_cache(maxsize=8)
def unpacked(content: bytes) -> AnyProblem:
    """Return the problem that `packed` made, one and the same for all trials of a process."""
    return problem_of(*pickle.loads(content))
