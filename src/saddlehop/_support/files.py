"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError

PICTURES = (".png", ".pdf", ".svg")


def write_whole(
    path: Path, write: Callable[[str], object], to_disk: bool = False, suffix: str = ""
) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in its place.

    If `to_disk`, only once its content has reached the disk, which takes some milliseconds. Links
    are followed; what is not a regular file (a pipe, a device) is written straight. The temporary
    name ends in `suffix`, for writers that go by it.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        write(str(path))
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=suffix)
    os.close(handle)
    try:
        write(temporary)
        if to_disk:
            _flush(temporary)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _flush(path: str) -> None:
    with Path(path).open("rb+") as file:
        os.fsync(file.fileno())


def require_writable(data: Path, plot: Path | None, csv: Path | None) -> None:
    """Raise before any work is done if an output cannot be written or is the input."""
    if plot and plot.suffix.lower() not in PICTURES:
        raise InputError(f"`--plot` is {plot.name!r}; pass a file that ends in .png, .pdf or .svg.")
    for path in (plot, csv):
        if path and path.resolve() == data.resolve():
            raise InputError(f"{path.name!r} is the data file itself; pass another file to write.")
        if path and path.is_file() and path.resolve().parent == data.resolve():
            raise InputError(f"{path.name!r} lies in the data folder; pass another file to write.")
        if path and path.is_dir():
            raise InputError(f"{str(path)!r} is a folder; pass a file to write.")
        if path and not path.parent.is_dir():
            raise InputError(f"There is no folder {str(path.parent)!r} for {path.name!r}; make it.")
