"""Run the trials of a sweep that have not run yet, in batches of some seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._support.progress import trial_bar
from .._support.validate import as_path, positive_int
from ..errors import InputError
from ..limit.active_sets import n_threads
from .crews import ClusterCrew, Crew, OwnCrew, ProcessCrew
from .spec import Setting, Spec
from .store import Store, read_sweep

if TYPE_CHECKING:
    import pandas as pd

BATCH_SECONDS = 2.0
FIRST_RATE = 2e6  # units of work per second, until it is known
TRIAL_WORK = 1e4  # of a trial whatever its size
DATA_WORK = 100  # times as much, on data that are given


def sweep(
    spec: Spec | Mapping[str, Any] | str | Path,
    out: str | Path,
    *,
    workers: int | None = None,
    scheduler: Any = None,
    retry_failed: bool = False,
) -> pd.DataFrame:
    """Run every combination of settings, and keep one row for each trial.

    Parameters
    ----------
    spec : Spec, mapping or path-like
        What to run: a TOML file, or a mapping with the same keys. `compute` ("jumps", "flow",
        "coverage", or "module:function"), `n_samples` and `width` are needed; `labels`, `norms`,
        `law`, `init_scale` may be given, each a value or a list; `repeats`, `seed`, `start`
        ("sets" or "weights") and `rtol` take one value. In place of `n_samples`, `labels` and `norms`,
        `problem` takes data files or names of shipped data, looked for beside the TOML file, whose rows
        are taken as they are; `target` names their label column, `bias` appends a feature 1. A function
        of your own is called with the problem, the start and a Generator and returns a mapping of names
        to values. In a mapping it may be the function itself, which workers are sent if they cannot
        import it.
    out : path-like
        A folder, made if it is not there. If the sweep has been stopped before, however, it goes on
        from what the folder holds; more `repeats` than there add trials.
    workers : int, optional
        Processes on this machine; as many as cores by default. 1 runs in this process.
    scheduler : str or distributed.Client, optional
        A Dask scheduler, instead.
    retry_failed : bool, optional
        Run trials that failed before again. Their rows are forgotten at the start.

    Returns
    -------
    pandas.DataFrame
        As `read_sweep` gives it.

    Raises
    ------
    SaddlehopError
        For a spec that is not right, a folder that holds another sweep or is being written to, or
        one that cannot be written to. What has run by then is kept.

    Notes
    -----
    The numbers of a trial depend on the spec only, not on who runs it, on interruptions, or on whether
    `repeats` was raised. The folder knows a function of a module by its name, and one that was sent
    by what it does: change that, and take another folder.
    """
    spec = _as_spec(spec)
    crew = _crew(workers, scheduler)
    with Store(as_path(out, "out"), spec).open() as store:
        if retry_failed:
            store.forget_failed()
        runs, damaged = store.remaining()
        n_left = sum(map(len, runs))
        if n_left:
            rate = _Rate()
            with trial_bar(spec.n_trials, spec.n_trials - n_left) as advance:
                for done in crew.run(spec, _batches(spec, runs, rate)):
                    store.write(done.table)
                    rate.learn(_work(spec, done.trials), done.seconds)
                    advance(len(done.trials))
        frame = read_sweep(out)
    frame.attrs["damaged"] = damaged
    return frame


def _as_spec(spec: Any) -> Spec:
    if isinstance(spec, Spec):
        return spec
    if isinstance(spec, Mapping):
        return Spec.parse(spec)
    if isinstance(spec, (str, Path)):
        return Spec.read(spec)
    raise InputError(
        f"`spec` is of type {type(spec).__name__}; pass a TOML file or a mapping of its keys."
    )


def _crew(workers: int | None, scheduler: Any) -> Crew:
    if scheduler is not None:
        if workers is not None:
            raise InputError("`workers` and `scheduler` are both given; pass one of them.")
        return ClusterCrew(scheduler)
    n_workers = n_threads() if workers is None else positive_int(workers, "workers")
    return OwnCrew() if n_workers == 1 else ProcessCrew(n_workers)


class _Rate:
    """Work done per second of one worker."""

    def __init__(self) -> None:
        self.value = FIRST_RATE

    def learn(self, work: float, seconds: float) -> None:
        if seconds > 0:
            self.value += 0.5 * (work / seconds - self.value)


def _works(spec: Spec) -> list[float]:
    """Work of a trial of each combination of settings."""
    return [_work_of(spec.setting(trial)) for trial in range(spec.n_combinations)]


def _work_of(setting: Setting) -> float:
    work = TRIAL_WORK + setting.n_samples * setting.width
    return DATA_WORK * work if setting.problem else work


def _work(spec: Spec, trials: range) -> float:
    works = _works(spec)
    cycles, n_left = divmod(len(trials), len(works))
    left = (works[spec.combination(trials.start + i)] for i in range(n_left))
    return cycles * sum(works) + sum(left)


def _batches(spec: Spec, runs: list[range], rate: _Rate) -> Iterator[range]:
    """Cut the runs of trials into batches that take about `BATCH_SECONDS` each."""
    works = _works(spec)
    for run in runs:
        start = run.start
        while start < run.stop:
            cycles = int(BATCH_SECONDS * rate.value // sum(works))
            work, stop = cycles * sum(works), min(start + cycles * len(works), run.stop)
            while stop < run.stop and (stop == start or work < BATCH_SECONDS * rate.value):
                work += works[spec.combination(stop)]
                stop += 1
            yield range(start, stop)
            start = stop
