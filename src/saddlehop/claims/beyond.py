"""What the claims beyond orthogonal rows share: problems, and how far apart two learned functions are.

Two networks end in different places if, over probes z drawn in the coordinates of the problem,

    ‖h₁(z) − h₂(z)‖ / max(‖h₁(z)‖, ‖h₂(z)‖) > `ELSEWHERE`.
"""

from __future__ import annotations

import numpy as np

from .._support.arrays import Array, norm
from ..errors import FlowError
from ..general.flow import GeneralFlowPath
from ..general.verbs import simulate_flow
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.network import Network
from .draws import generator
from .flows import LOG10

CHAPTER = "Beyond orthogonal rows"
KINDS = {"d = 20n": 20.0, "d = 5n": 5.0, "d = 2n": 2.0, "d = n": 1.0, "d = n/2": 0.5, "line": 0.0}
ELSEWHERE = 0.1  # below it are what dormant neurons add, and rests not quite reached
SAME_LOSS = 1e-3  # differences of losses below this share of the first do not count
PROBES = 200
MOST_STEPS = 20_000  # of a flow: a hundred times what is usual


def draw_problem(kind: str, n_samples: int, rng: np.random.Generator) -> GeneralProblem:
    """Draw normal features, or one uniform feature with a bias, of variance one; labels are normal."""
    ratio = KINDS[kind]
    if not ratio:
        X = np.sqrt(3) * rng.uniform(-1, 1, (n_samples, 1))
    else:
        d = max(round(ratio * n_samples), 1)
        X = rng.standard_normal((n_samples, d))
    return GeneralProblem(X, rng.standard_normal(n_samples), bias=not ratio)


def draw_trial(
    claim: int, kind: str, n_samples: int, width: int, draw: int
) -> tuple[GeneralProblem, Initialization]:
    """Draw a problem and a balanced start, both named by the whole numbers and the kind."""
    rng = generator(claim, list(KINDS).index(kind), n_samples, width, draw)
    problem = draw_problem(kind, n_samples, rng)
    return problem, Initialization.draw(problem, width, rng=rng)


def follow(
    problem: GeneralProblem, init: Initialization, exponent: float
) -> GeneralFlowPath | None:
    """Follow the flow at λ = 10^−exponent to its end; None if it takes too many steps."""
    try:
        return simulate_flow(problem, init, log_init_scale=-exponent * LOG10, max_steps=MOST_STEPS)
    except FlowError:
        return None


def distance(one: Network, other: Network) -> float:
    """Return how far apart two learned functions are, from 0 to 2."""
    probes = generator(11).standard_normal((PROBES, one.hidden.shape[1]))
    first, second = (_values(network, probes) for network in (one, other))
    larger = max(norm(first), norm(second))
    return norm(first - second) / larger if larger else 0.0


def _values(network: Network, probes: Array) -> Array:
    return np.asarray(np.maximum(probes @ network.hidden.T, 0) @ network.output)
