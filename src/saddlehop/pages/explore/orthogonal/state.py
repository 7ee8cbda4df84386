"""What the page shows, computed once for each setting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from ....flow.simulate import simulate_flow
from ....limit.jump_path import JumpPath
from ....limit.jumps import solve_jumps
from ....model.datasets import make_orthogonal
from ....model.initialization import Initialization
from ....model.orthogonalization import orthogonalize
from ....model.problem import Problem
from ....plot.curves import Curve, clock_end, sample
from ..given import read_upload, require_seed, require_size
from ..parts import FLOW_RTOL, LEVEL

MOST_SAMPLES, MOST_NEURONS = 2000, 500
LOG_10 = math.log(10)
_POINTS = 200


@dataclass(frozen=True)
class Choice:
    """What the controls say; a hashable key."""

    n_samples: int
    width: int
    labels: str
    norms: str
    law: str
    seed: int
    upload: str = ""
    """Content of a CSV file as the browser sends it; empty for drawn data."""


@lru_cache(maxsize=8)
def start(choice: Choice) -> tuple[Problem, Initialization]:
    """Return the data and the start of a choice."""
    require_size("n", choice.n_samples, MOST_SAMPLES)
    require_size("m", choice.width, MOST_NEURONS)
    require_seed(choice.seed)
    problem = (
        _uploaded(choice.upload)
        if choice.upload
        else make_orthogonal(choice.n_samples, choice.labels, choice.norms, choice.seed)
    )
    return problem, Initialization.draw(problem, choice.width, choice.law, choice.seed)


@lru_cache(maxsize=8)
def limit(choice: Choice) -> JumpPath:
    """Return the limit of a choice."""
    return solve_jumps(*start(choice))


@lru_cache(maxsize=64)
def flow_curve(choice: Choice, log10_scale: float) -> Curve:
    """Return the flow at a scale as it is drawn, to `FLOW_RTOL`."""
    jumps = limit(choice)
    end, log_scale = clock_end(jumps), log10_scale * LOG_10
    flow = simulate_flow(
        *start(choice), log_init_scale=log_scale, rtol=FLOW_RTOL, t_end=end * -log_scale
    )
    return sample(flow, end, LEVEL).thinned(_POINTS)


def python_lines(choice: Choice, log10_scale: float) -> str:
    """Return the lines that compute what is shown."""
    if choice.upload:
        data = (
            "from saddlehop.model.tables import read_samples\n\n"
            'X, y = read_samples("data.csv")\n'
            "problem = sh.Problem.from_data(sh.orthogonalize(X), y)\n"
        )
    else:
        data = (
            f"problem = sh.make_orthogonal({choice.n_samples}, {choice.labels!r}, "
            f"{choice.norms!r}, rng={choice.seed})\n"
        )
    return (
        "import saddlehop as sh\nfrom saddlehop import plot\n\n"
        f"{data}"
        f"init = sh.Initialization.draw(problem, {choice.width}, {choice.law!r}, "
        f"rng={choice.seed})\n"
        "jumps = sh.solve_jumps(problem, init)\n"
        f"flow = sh.simulate_flow(problem, init, log_init_scale={log10_scale * LOG_10!r}, "
        f"rtol={FLOW_RTOL!r})\n"
        "print(jumps.to_frame())\n"
        'plot.jump_figure(jumps, flow).savefig("jumps.png")\n'
    )


def _uploaded(content: str) -> Problem:
    """Read an uploaded CSV, its rows made orthogonal if they are not; the last column may be `y`."""
    X, y = read_upload(content, MOST_SAMPLES)
    return Problem.from_data(orthogonalize(X), y)
