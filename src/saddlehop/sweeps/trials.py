"""One trial: draw the problem and the start from the trial's own seed, measure, make a row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from numbers import Number
from typing import Any

import numpy as np

from ..errors import InputError, SaddlehopError
from ..limit.active_sets import ActiveSets
from ..model.datasets import make_orthogonal
from ..model.general_problem import AnyProblem
from ..model.initialization import Initialization
from ..model.scale import parse_scale
from .batch import can_draw, measure_trials
from .functions import COMPUTE, Row, load_function
from .own_data import unpacked
from .own_functions import unpickled
from .spec import Setting, Spec

HEAD = (
    "trial",
    "seed",
    "repeat",
    "n_samples",
    "width",
    "labels",
    "norms",
    "law",
    "log10_init_scale",
    "error",
)
HEAD_OF_DATA = (*HEAD[:5], "problem", *HEAD[7:])


def run_trials(spec: Spec, trials: Iterable[int]) -> Any:
    """Run trials and return their rows as a pyarrow Table; one that fails has its error in its row."""
    import pyarrow as pa

    groups: dict[int, list[int]] = {}
    for trial in trials:
        groups.setdefault(spec.combination(trial), []).append(trial)
    tables, one_by_one = [], []
    for group in groups.values():
        if _run_at_once(spec, spec.setting(group[0])):
            tables.append(_table(_columns(spec, group)))
        else:
            one_by_one += group
    if one_by_one or not tables:
        rows = [run_trial(spec, trial) for trial in sorted(one_by_one)]
        names = dict.fromkeys(name for row in rows for name in row)
        tables.append(_table({name: [row.get(name) for row in rows] for name in names}))
    if len(tables) == 1:
        return tables[0]
    table = pa.concat_tables(tables, promote_options="default")
    return table.take(np.argsort(table["trial"].to_numpy())).combine_chunks()


def _table(columns: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    types = _types()
    return pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})


def _run_at_once(spec: Spec, setting: Setting) -> bool:
    return can_draw(spec, setting) and _are_reproduced(setting.labels, setting.norms)


def _columns(spec: Spec, trials: list[int]) -> dict[str, Any]:
    """Run trials of one setting at once; return the columns of their rows."""
    setting = spec.setting(trials[0])
    head = _head(spec, 0, setting, 0)
    columns: dict[str, Any] = {name: [value] * len(trials) for name, value in head.items()}
    columns["trial"] = np.array(trials, dtype=np.int64)
    columns["repeat"] = [spec.repeat(trial) for trial in trials]
    return columns | measure_trials(spec, setting, trials)


@cache
def _are_reproduced(labels: str, norms: str) -> bool:
    """Whether trials at once give the rows of trials one by one.

    They do unless this NumPy makes other numbers of random bits than those that the kernel follows.
    """
    grid = {"n_samples": [1, 7], "width": [1, 6], "labels": labels, "norms": norms, "repeats": 3}
    spec = Spec.parse({"compute": "jumps", "start": "sets", **grid})
    trials = range(spec.n_trials)
    return all(repr(run_trial(spec, trial)) == repr(_row_at_once(spec, trial)) for trial in trials)


def _row_at_once(spec: Spec, trial: int) -> Row:
    columns = _columns(spec, [trial])
    return {name: np.asarray(values).tolist()[0] for name, values in columns.items()}


def run_trial(spec: Spec, trial: int) -> Row:
    """Run one trial and return its row."""
    setting, seed = spec.setting(trial), spec.trial_seed(trial)
    row = _head(spec, trial, setting, seed)
    try:
        return row | _measured(spec, setting, np.random.default_rng(seed))
    except SaddlehopError as err:
        return row | {"error": str(err)}
    except Exception as err:
        return row | {"error": f"{type(err).__name__}: {err}"}


def lost_trial(spec: Spec, trial: int) -> Any:
    """Return the row of a trial whose process died, as a pyarrow Table."""
    row = _head(spec, trial, spec.setting(trial), spec.trial_seed(trial))
    row["error"] = "The process died in this trial, killed or out of memory."
    return _table({name: [value] for name, value in row.items()})


def _head(spec: Spec, trial: int, setting: Setting, seed: int) -> Row:
    scale = setting.init_scale
    drawn_as = (setting.labels, setting.norms)
    values = (
        trial,
        seed,
        spec.repeat(trial),
        setting.n_samples,
        setting.width,
        *((setting.problem,) if setting.problem else drawn_as),
        setting.law,
        math.nan if scale is None else parse_scale(scale) / math.log(10),
        "",
    )
    return dict(zip(HEAD_OF_DATA if setting.problem else HEAD, values, strict=True))


def _measured(spec: Spec, setting: Setting, rng: np.random.Generator) -> Row:
    problem: AnyProblem
    start: ActiveSets | Initialization
    if setting.problem:
        problem = unpacked(setting.data)
    else:
        problem = make_orthogonal(setting.n_samples, setting.labels, setting.norms, rng)
    if spec.start == "sets":
        start = ActiveSets.draw(problem, setting.width, rng)  # type: ignore[arg-type]
    else:
        start = Initialization.draw(problem, setting.width, setting.law, rng)
    own = spec.function
    function = unpickled(own) if own else load_function(spec.compute, spec.folder)
    if spec.compute == "flow":
        return function(problem, start, setting.init_scale, spec.rtol)
    if spec.compute in COMPUTE:
        return function(problem, start)
    return _checked(function(problem, start, rng))


def _checked(result: Any) -> Row:
    """Return what a user's function returned as the columns of a row."""
    if not isinstance(result, Mapping):
        raise InputError(
            f"The function returned a {type(result).__name__}; return a mapping of names to values."
        )
    row = {}
    for name, value in result.items():
        if not isinstance(name, str) or name in (*HEAD, "problem"):
            raise InputError(f"The function returned a value named {name!r}; choose another name.")
        plain = (
            value.item()
            if isinstance(value, (np.generic, np.ndarray)) and value.size == 1
            else value
        )
        if not isinstance(plain, (Number, str, bool)) or isinstance(plain, complex):
            raise InputError(
                f"The function returned a {type(value).__name__} for {name!r}; return a number, a "
                "boolean or a string."
            )
        row[name] = plain
    return row


def _types() -> dict[str, Any]:
    import pyarrow as pa

    whole = (
        "trial",
        "repeat",
        "n_samples",
        "width",
        "n_jumps",
        "n_active",
        "n_ties",
        "n_uncovered",
        "n_directions",
        "n_dead",
    )
    sizes = ("sq_norm", "least_sq_norm", "norm_ratio", "final_loss", "limit_sq_norm")
    losses = ("least_squares_loss", "limit_final_loss")
    words = ("problem", "labels", "norms", "law", "status", "limit_status", "error")
    real = (*sizes, *losses, "log10_init_scale", "first_clock", "last_clock")
    return {
        **dict.fromkeys(whole, pa.int64()),
        **dict.fromkeys(real, pa.float64()),
        **dict.fromkeys(words, pa.string()),
        **dict.fromkeys(("interpolates", "limit_interpolates"), pa.bool_()),
        "seed": pa.uint64(),
    }
