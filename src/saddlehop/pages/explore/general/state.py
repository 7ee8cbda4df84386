"""What the page on data as they are shows, computed once for each setting.

A limit is sketched first, with few steps on each orbit, so that figures follow a dragged point; then it
is computed whole, and the flow after it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ....errors import FlowError, InputError
from ....general.flow import GeneralFlowPath
from ....general.jumps_path import GeneralJumpPath
from ....general.verbs import simulate_flow, solve_jumps
from ....model.general_problem import GeneralProblem
from ....model.initialization import Initialization
from ....model.settings import load_setting
from ....plot.curves import Curve, sample, view_end
from ..given import read_upload, require_seed, require_size
from ..parts import FLOW_RTOL, LEVEL

MOST_POINTS, MOST_NEURONS = 200, 100
SKETCH_STEPS, LIMIT_STEPS, FLOW_STEPS = 80, 2000, 2000
PLACES = 100  # of the slider that moves along the clock
LOG_10 = math.log(10)
_POINTS = 300  # of a curve that is drawn

Data = dict[str, Any]
"""What the browser holds: `rows`, labels `y`, `bias`, the `view` they are shown in, `moving`."""


@dataclass(frozen=True)
class Choice:
    """What the controls say; a hashable key."""

    rows: tuple[tuple[float, ...], ...]
    labels: tuple[float, ...]
    bias: bool
    width: int
    law: str
    seed: int


def choice_of(data: Data, width: Any, law: str, seed: Any) -> Choice:
    """Return the choice of data and controls."""
    require_size("m", width, MOST_NEURONS)
    require_seed(seed)
    rows = tuple(tuple(map(float, row)) for row in data["rows"])
    return Choice(rows, tuple(map(float, data["y"])), bool(data["bias"]), width, law, seed)


@lru_cache(maxsize=16)
def start(choice: Choice) -> tuple[GeneralProblem, Initialization]:
    """Return the data and the start of a choice."""
    problem = GeneralProblem(np.array(choice.rows), np.array(choice.labels), bias=choice.bias)
    return problem, Initialization.draw(problem, choice.width, choice.law, choice.seed)


@lru_cache(maxsize=16)
def sketch(choice: Choice) -> GeneralJumpPath:
    """Return the limit of a choice, its last orbit perhaps not followed to its end."""
    return solve_jumps(*start(choice), max_steps=SKETCH_STEPS)


@lru_cache(maxsize=16)
def limit(choice: Choice) -> GeneralJumpPath:
    """Return the limit of a choice."""
    first = sketch(choice)
    return first if first.success else solve_jumps(*start(choice), max_steps=LIMIT_STEPS)


@dataclass(frozen=True, eq=False)
class Shown:
    """A flow as far as it is shown."""

    path: GeneralFlowPath
    """The flow."""
    curve: Curve
    """The flow as it is drawn."""
    message: str
    """What went wrong, if anything did."""


@lru_cache(maxsize=64)
def flow(choice: Choice, log10_scale: float) -> Shown:
    """Return the flow at a scale up to the end of the picture, to `FLOW_RTOL`."""
    end, log_scale, message = view_end(limit(choice)), log10_scale * LOG_10, ""
    try:
        path = simulate_flow(
            *start(choice),
            log_init_scale=log_scale,
            rtol=FLOW_RTOL,
            t_end=end * -log_scale,
            max_steps=FLOW_STEPS,
        )
    except FlowError as err:
        path = err.path
        message = f"The flow is shown up to clock {path.clock[-1]:.5g}, for which it took {FLOW_STEPS} steps."
    return Shown(path, sample(path, end, LEVEL).thinned(_POINTS), message)


def clock_at(jumps: GeneralJumpPath, shown: Shown | None, place: float) -> float:
    """Return the clock at a place of the slider: along the flow's curves, so that jumps take their time."""
    way = np.array([0.0, view_end(jumps)]) if shown is None else shown.curve.thinned(PLACES).clock
    return float(np.interp(place / PLACES, np.linspace(0, 1, way.size), way))


def published(name: str) -> tuple[Data, str]:
    """Return a setting of the literature and what was published about it."""
    setting = load_setting(name)
    note = f"{setting.name}: {setting.published} {setting.reference.rstrip('.')}. Start: {setting.law}."
    return new_data(setting.X.tolist(), setting.y.tolist(), setting.bias), note


def uploaded(content: str) -> Data:
    """Return the data of an uploaded CSV with a column y; a feature 1 is appended."""
    X, y = read_upload(content, MOST_POINTS)
    return new_data(X.tolist(), y.tolist(), True)


def typed(text: str, bias: bool) -> Data:
    """Return the data of typed lines: on each the numbers of one sample, its label last."""
    lines = [line for line in text.replace(";", "\n").splitlines() if line.strip()]
    samples = [_numbers(line) for line in lines]
    if not samples or {len(sample) for sample in samples} - {len(samples[0])}:
        raise InputError(
            "The lines do not hold equally many numbers; type one sample on each line, its label last."
        )
    if len(samples) > MOST_POINTS:
        raise InputError(f"These are {len(samples)} points; the page takes at most {MOST_POINTS}.")
    return new_data([sample[:-1] for sample in samples], [sample[-1] for sample in samples], bias)


def _numbers(line: str) -> list[float]:
    try:
        sample = [float(cell) for cell in line.replace(",", " ").split()]
    except ValueError:
        sample = []
    if len(sample) < 2 or not all(map(math.isfinite, sample)):
        raise InputError(f"The line {line.strip()!r} is not x and y; type numbers such as 0.5, -1.")
    return sample


def new_data(rows: list[list[float]], y: list[float], bias: bool) -> Data:
    """Return data as the browser holds them."""
    return {"rows": rows, "y": y, "bias": bias, "moving": False, "view": None}


def python_lines(choice: Choice, log10_scale: float) -> str:
    """Return the lines that compute what is shown."""
    return (
        "import saddlehop as sh\nfrom saddlehop import plot\n\n"
        f"X = {[list(row) for row in choice.rows]!r}\n"
        f"y = {list(choice.labels)!r}\n"
        f"problem = sh.GeneralProblem(X, y, bias={choice.bias!r})\n"
        f"init = sh.Initialization.draw(problem, {choice.width}, {choice.law!r}, rng={choice.seed})\n"
        "jumps = sh.solve_jumps(problem, init)\n"
        f"end = {-log10_scale * LOG_10!r} * plot.clock_end(jumps)\n"
        f"flow = sh.simulate_flow(problem, init, log_init_scale={log10_scale * LOG_10!r}, "
        f"rtol={FLOW_RTOL!r}, t_end=end)\n"
        "print(jumps.to_frame())\n"
        'plot.jump_figure(jumps, flow).savefig("jumps.png")\n'
    )
