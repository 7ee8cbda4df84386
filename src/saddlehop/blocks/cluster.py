"""Work on a Dask cluster."""

from __future__ import annotations

import logging
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from types import TracebackType
from typing import Any

import numpy as np

from .._support.arrays import aligned
from .._support.optional import require
from ..errors import InputError, SaddlehopError
from ..limit.block_process import Block, Samples
from ..limit.thread_teams import Recipe

CONNECT_SECONDS = 10.0


@contextmanager
def connected(scheduler: Any) -> Iterator[Any]:
    """Yield a client of a scheduler, given by address or as a client that stays open."""
    distributed = require("distributed", "Working on a Dask cluster", "sweep")
    if isinstance(scheduler, distributed.Client):
        with _explained():
            yield scheduler
        return
    with _quiet():
        try:
            _knock(scheduler)
            client = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as err:
            raise InputError(
                f"`scheduler` is {scheduler!r}, where no Dask scheduler answers "
                f"({type(err).__name__}); start one, or pass its address, such as tcp://host:8786."
            ) from None
        try:
            with _explained():
                yield client
        finally:
            client.close()


def _knock(scheduler: Any) -> None:
    """Raise an error at once where nothing listens; `distributed` would try again for a while."""
    from distributed.comm.addressing import get_address_host_port, parse_address
    from distributed.comm.registry import get_backend

    if isinstance(scheduler, str):
        scheme, _ = parse_address(scheduler)
        get_backend(scheme)
        if scheme in ("tcp", "tls", "ws", "wss"):
            address = get_address_host_port(scheduler)
            with socket.create_connection(address, timeout=CONNECT_SECONDS) as door:
                if scheme == "tcp" and not door.recv(1):  # a scheduler speaks first
                    raise ConnectionError("hung up")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep `distributed` from logging tracebacks of what we say in a sentence."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    loggers = [logging.getLogger(name) for name in (*names, "asyncio", "tornado.application")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _explained() -> Iterator[None]:
    """Say in a sentence why the cluster has no result."""
    from distributed import CancelledError, KilledWorker, client
    from distributed.comm.core import CommClosedError

    closed = getattr(client, "ClosedClientError", CommClosedError)  # not in the oldest we take
    try:
        yield
    except KilledWorker as err:
        raise SaddlehopError(
            f"Workers of the cluster died again and again at one task ({err.task}), most likely for "
            "lack of memory; give them more, or make the blocks smaller."
        ) from None
    except (
        CancelledError,
        closed,
        CommClosedError,
        ConnectionError,
        TimeoutError,
    ) as err:
        raise SaddlehopError(
            f"The scheduler of the cluster is gone ({type(err).__name__}); start one, and do the same "
            "again: a sweep keeps what has run and goes on from there."
        ) from None


class WorkerTeam:
    """Blocks that lie on the workers; see `block_process.Team`.

    A state is a task that depends on the block and on the state before. So the scheduler knows how
    to make again, on another worker, whatever a worker takes with it when it dies. Functions
    must not change their arguments.
    """

    def __init__(self, client: Any, recipes: Sequence[Recipe]) -> None:
        self._client = client
        self._name = f"saddlehop-{uuid.uuid4().hex[:8]}"
        self._round = 0
        self._blocks = [
            client.submit(_load, recipe, key=f"{self._name}-block-{i}")
            for i, recipe in enumerate(recipes)
        ]
        self._states: list[Any] = [(np.empty(0, dtype=np.uint32), None)] * len(recipes)

    def each(self, function: Callable[..., tuple[Samples, Any]], *args: Any) -> list[Any]:
        """See `Team`."""
        self._round += 1
        name = f"{self._name}-{self._round}"
        self._states = [
            self._client.submit(_step, function, block, state, *args, key=f"{name}-state-{i}")
            for i, (block, state) in enumerate(zip(self._blocks, self._states, strict=True))
        ]
        replies = [
            self._client.submit(itemgetter(1), state, key=f"{name}-reply-{i}")
            for i, state in enumerate(self._states)
        ]
        return list(self._client.gather(replies))

    def __enter__(self) -> WorkerTeam:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._states, self._blocks = [], []  # which lets the workers forget them


def _load(recipe: Recipe) -> Block:
    return recipe.load()


def _step(
    function: Callable[..., tuple[Samples, Any]],
    block: Block,
    state: tuple[Samples, Any],
    *args: Any,
) -> tuple[Samples, Any]:
    return function(*aligned((block, state[0], *args)))
