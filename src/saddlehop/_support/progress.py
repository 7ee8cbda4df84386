"""A progress bar on stderr for runs that take long, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(label: str, total: float) -> Iterator[Callable[[float], None]]:
    """Yield a function that takes how far the run is, up to `total`."""
    if (
        not sys.stderr.isatty()
    ):  # a bar that is only disabled ends with an empty line in some versions
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=min(done, total))


@contextmanager
def trial_bar(total: int, done: int) -> Iterator[Callable[[int], None]]:
    """Show trials done, their rate and the time left; yield a function that takes how many more ran."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, completed=done, rate="")
        start, ran = time.monotonic(), 0

        def advance(count: int) -> None:
            nonlocal ran
            ran += count
            rate = ran / max(time.monotonic() - start, 1e-9)
            bar.update(task, advance=count, rate=f"{rate:.3g} trials/s,")

        yield advance
