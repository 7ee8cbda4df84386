"""Who runs the batches of a sweep: this process, processes on this machine, or a Dask cluster.

A crew takes batches from an iterator only as it gets to them, and yields each with its rows.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any, NamedTuple, Protocol

from ..blocks.cluster import connected
from ..errors import SaddlehopError
from .spec import Spec
from .trials import lost_trial, run_trials

AHEAD = 2  # batches for each worker, so that none waits


class Done(NamedTuple):
    """A batch that has run."""

    trials: range
    """The trials of the batch."""
    table: Any
    """Their rows, a pyarrow Table."""
    seconds: float
    """Time it took its worker."""


class Crew(Protocol):
    """Whoever runs batches."""

    def run(self, spec: Spec, batches: Iterator[range]) -> Iterator[Done]:
        """Yield each batch when it has run, in any order."""


class OwnCrew:
    """The process that asks."""

    def run(self, spec: Spec, batches: Iterator[range]) -> Iterator[Done]:
        """See `Crew`."""
        return (_timed(spec, batch) for batch in batches)


class ProcessCrew:
    """Processes on this machine.

    If one dies, the batches that were under way run again, a trial at a time; a trial in which a
    process dies once more is lost.
    """

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers

    def run(self, spec: Spec, batches: Iterator[range]) -> Iterator[Done]:
        """See `Crew`."""
        waiting = batches
        while True:
            broken: list[range] = []
            yield from self._run_until_broken(spec, waiting, broken)
            if not broken:
                return
            for batch in broken:
                for trial in batch:
                    yield self._run_alone(spec, trial)

    def _run_until_broken(
        self, spec: Spec, batches: Iterator[range], broken: list[range]
    ) -> Iterator[Done]:
        pool = _pool(self._n_workers)
        under_way: dict[Future[Done], range] = {}
        try:
            while True:
                while len(under_way) < AHEAD * self._n_workers:
                    batch = next(batches, None)
                    if batch is None:
                        break
                    try:
                        under_way[pool.submit(_timed, spec, batch)] = batch
                    except BrokenProcessPool:
                        broken.append(batch)
                        break
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    batch = under_way.pop(future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        broken.append(batch)
                    else:
                        yield future.result()
                if broken:
                    broken.extend(under_way.values())
                    return
        finally:
            _stop(pool)

    def _run_alone(self, spec: Spec, trial: int) -> Done:
        pool = _pool(1)
        try:
            return pool.submit(_timed, spec, range(trial, trial + 1)).result()
        except BrokenProcessPool:
            return Done(range(trial, trial + 1), lost_trial(spec, trial), 0.0)
        finally:
            _stop(pool)


class ClusterCrew:
    """The workers of a Dask cluster, which runs the batches of a worker that dies on another."""

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler

    def run(self, spec: Spec, batches: Iterator[range]) -> Iterator[Done]:
        """See `Crew`."""
        with connected(self._scheduler) as client:
            from distributed import as_completed

            n_threads = max(sum(client.nthreads().values()), 1)
            under_way = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
            for _ in range(AHEAD * n_threads):
                _submit(client, spec, batches, under_way)
            for future in under_way:
                done = future.result()
                future.release()
                _submit(client, spec, batches, under_way)
                yield done


def _submit(client: Any, spec: Spec, batches: Iterator[range], under_way: Any) -> None:
    batch = next(batches, None)
    if batch is not None:
        under_way.add(client.submit(_timed, spec, batch, pure=False))


def _timed(spec: Spec, trials: range) -> Done:
    start = time.perf_counter()
    table = run_trials(spec, trials)
    return Done(trials, table, time.perf_counter() - start)


def _pool(n_workers: int) -> ProcessPoolExecutor:
    """Start processes, or say why they do not."""
    context = multiprocessing.get_context("spawn")  # threads and forks do not mix
    pool = ProcessPoolExecutor(n_workers, mp_context=context, initializer=_end_with_parent)
    try:
        pool.submit(int).result()
    except BrokenProcessPool:
        raise SaddlehopError(
            "The processes of the sweep cannot start; in a script, call `sweep` under "
            '`if __name__ == "__main__":`, or pass `workers=1`.'
        ) from None
    return pool


def _stop(pool: ProcessPoolExecutor) -> None:
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()  # what is under way has no reader any more


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, even if that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait_for([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
