"""Seeds, widths, labels and starts that several claims share."""

from __future__ import annotations

import math

import numpy as np

from ..model.initialization import Initialization
from ..model.problem import Problem


def generator(*numbers: int) -> np.random.Generator:
    """Return the generator of one draw, named by whole numbers."""
    return np.random.default_rng([2605, *numbers])


def usual_width(n_samples: int) -> int:
    """Width ⌊log(n / .05) / log(4/3)⌋ + 1, at which a random layer interpolates in 95 of 100."""
    return math.floor(math.log(n_samples / 0.05) / math.log(4 / 3)) + 1


def half_and_half(n_samples: int) -> Problem:
    """Return labels ±1, half of each sign, on inputs of norm one."""
    labels = np.ones(n_samples)
    labels[n_samples // 2 :] = -1.0
    return Problem(labels)


def covering_start(
    problem: Problem, width: int, rng: np.random.Generator, law: str = "balanced"
) -> Initialization:
    """Draw starts until one covers every sample, so that the limit interpolates."""
    for _ in range(1000):
        init = Initialization.draw(problem, width, law, rng=rng)
        pull = np.where(init.hidden > 0, np.outer(init.output, problem.y), 0.0)
        if ((pull.max(axis=0) > 0) | (problem.y == 0)).all():
            return init
    raise RuntimeError(f"No layer of {width} neurons covered {problem.n_samples} samples.")
