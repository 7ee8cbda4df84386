"""`saddlehop sweep`: many runs, kept where nothing gets lost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SaddlehopError
from .show import say


def sweep_command(
    spec: Annotated[Path, typer.Argument(help="A TOML file that says what to run.")],
    out: Annotated[
        Path, typer.Option(help="Folder for the results; a stopped sweep goes on there.")
    ],
    workers: Annotated[
        int | None, typer.Option(help="Processes; as many as cores by default.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler instead, such as tcp://host:8786.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run trials that failed before again.")
    ] = False,
) -> None:
    """Run a grid of problems and starts with repeats, and keep a row for each trial."""
    from ..sweeps import sweep

    try:
        frame = sweep(spec, out, workers=workers, scheduler=scheduler, retry_failed=retry_failed)
    except KeyboardInterrupt:
        raise SaddlehopError(
            f"Stopped. What has run is in {str(out)!r}; the same command goes on from there."
        ) from None
    for name in frame.attrs["damaged"]:
        say(f"{name} was damaged; its trials have been run again.")
    failed = frame[frame["error"] != ""]
    if len(failed):
        say(f"{len(failed)} of {len(frame)} trials failed; the first: {failed['error'].iloc[0]}")
        say("The same command with `--retry-failed` runs them again.")
    if len(failed) == len(frame) > 0:
        raise SaddlehopError(
            "No trial succeeded; mend that, and run it again with `--retry-failed`, or into another "
            f"folder than {out}."
        )
    print(f"{len(frame)} trials in {out}; read them with saddlehop.read_sweep({str(out)!r}).")
