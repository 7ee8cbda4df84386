"""Work on a Dask cluster."""

from __future__ import annotations

import logging
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from operator import itemgetter
from types import TracebackType
from typing import Any

import numpy as np

from .._support.arrays import aligned
from .._support.optional import require
from ..errors import InputError, SaddlehopError
from ..limit.block_work import NONE_OPEN, Block, Open
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

    A state is a task that depends on the blocks and on the state before. So the scheduler knows how
    to make again, on another worker, whatever a worker takes with it when it dies. Functions
    must not change their arguments. There is one share of the blocks for each thread of the cluster:
    a task costs the scheduler more time than most rounds cost a worker.
    """

    in_place = False
    few = 2**19

    def __init__(self, client: Any, recipes: Sequence[Recipe]) -> None:
        self._client = client
        self._name = f"saddlehop-{uuid.uuid4().hex[:8]}"
        self._round = 0
        shares = _shared_out(recipes, max(sum(client.nthreads().values()), 1))
        self._shares = [
            client.submit(_load, share, key=f"{self._name}-share-{i}")
            for i, share in enumerate(shares)
        ]
        self._states: list[Any] = [([NONE_OPEN] * len(share), None) for share in shares]

    def each(self, function: Callable[..., tuple[Open, Any]], *args: Any) -> list[Any]:
        """See `Team`."""
        self._round += 1
        name = f"{self._name}-{self._round}"
        places = range(len(self._shares))
        self._states = self._client.map(
            _step,
            self._shares,
            self._states,
            function=function,
            args=args,
            key=[f"{name}-state-{i}" for i in places],
        )
        replies = self._client.map(
            itemgetter(1), self._states, key=[f"{name}-reply-{i}" for i in places]
        )
        return [reply for of_share in self._client.gather(replies) for reply in of_share]

    def __enter__(self) -> WorkerTeam:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._states, self._shares = [], []  # which lets the workers forget them


def _shared_out(recipes: Sequence[Recipe], n_shares: int) -> list[Sequence[Recipe]]:
    """Cut recipes into shares of about equally many, in their order."""
    edges = np.linspace(0, len(recipes), min(n_shares, len(recipes)) + 1).astype(int)
    return [recipes[start:stop] for start, stop in pairwise(edges)]


def _load(recipes: Sequence[Recipe]) -> list[Block]:
    return [recipe.load() for recipe in recipes]


def _step(
    share: list[Block],
    state: tuple[list[Open], Any],
    function: Callable[..., tuple[Open, Any]],
    args: tuple[Any, ...],
) -> tuple[list[Open], list[Any]]:
    """The state of a share after a round, and the replies of its blocks."""
    done = [
        function(*aligned((block, still_open, *args)))
        for block, still_open in zip(share, state[0], strict=True)
    ]
    return [still_open for still_open, _ in done], [reply for _, reply in done]
