"""A folder of results: the spec, and one Parquet file for each batch of trials.

    spec.json                       what was asked for and the versions that ran it
    trials-00000000-00000063.parquet    rows of the trials 0 … 63
    lock                            held by the sweep that is writing

A file is written under another name, forced to disk and renamed, so a sweep that is killed leaves whole
files only; which trials are done is read off the files themselves. Files that are damaged all the same
are named, put aside and made again.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from difflib import unified_diff
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from .._support.files import write_whole
from .._support.optional import require
from .._support.validate import as_path
from .._version import __version__
from ..errors import DataFileError, InputError, SaddlehopError
from .spec import Spec

if TYPE_CHECKING:
    import pandas as pd

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = re.compile(r"trials-(\d{8,})-(\d{8,})\.parquet")


class Store:
    """The folder of a sweep, open for writing. Use as a context: it holds the lock."""

    def __init__(self, folder: Path, spec: Spec) -> None:
        _parquet()
        self._folder = folder
        self._spec = spec

    @contextmanager
    def open(self) -> Iterator[Store]:
        """Take the lock and check that the folder is of this spec."""
        with ExitStack() as stack:
            with writing_to(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(_locked(self._folder))
                for leftover in self._folder.glob(".[st]*.*"):  # of a sweep killed while writing
                    leftover.unlink()
                self._settle_spec()
            yield self

    def remaining(self) -> tuple[list[range], list[str]]:
        """Return the runs of trials that have no row, and the names of files put aside as damaged."""
        done = np.zeros(self._spec.n_trials, dtype=bool)
        damaged = []
        for file, first, last in _files(self._folder):
            if (
                last < done.size
                and _is_whole(file, first, last)
                and not done[first : last + 1].any()
            ):
                done[first : last + 1] = True
            else:
                file.replace(file.with_suffix(".damaged"))
                damaged.append(file.name)
        edges = np.flatnonzero(np.diff(np.concatenate([[True], done, [True]]).astype(np.int8)))
        runs = [range(a, b) for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]
        return runs, damaged

    def write(self, table: Any) -> None:
        """Add the rows of consecutive trials."""
        trials = table.column("trial").to_pylist()
        name = f"trials-{trials[0]:08d}-{trials[-1]:08d}.parquet"
        with writing_to(self._folder):
            write_whole(
                self._folder / name, lambda path: _parquet().write_table(table, path), to_disk=True
            )

    def _settle_spec(self) -> None:
        file = self._folder / "spec.json"
        asked = self._spec.to_json()
        if file.exists():
            kept = _spec_lines(file)
            if kept != asked:
                difference = [
                    line
                    for line in unified_diff(
                        kept.splitlines(), asked.splitlines(), n=0, lineterm=""
                    )
                    if not line.startswith(("---", "+++", "@@"))
                ]
                raise InputError(
                    f"{str(self._folder)!r} holds another sweep; pass another folder, or the spec it "
                    f"was made with. The difference: {'; '.join(difference)}."
                )
            return
        if any(_files(self._folder)):
            raise InputError(
                f"{str(self._folder)!r} holds rows of trials but no `spec.json`; pass another folder."
            )
        document = {"spec": asked.splitlines(), "versions": _versions()}
        text = json.dumps(document, indent=2)
        write_whole(file, lambda path: Path(path).write_text(text, encoding="utf-8"), to_disk=True)


def read_sweep(folder: str | Path) -> pd.DataFrame:
    """Read the results of a sweep.

    Parameters
    ----------
    folder : path-like
        What was passed as `out`.

    Returns
    -------
    pandas.DataFrame
        One row for each trial that has run, in order. Columns: `trial`, `seed` (of the generator
        that drew the trial), `repeat`, the settings (`n_samples`, `width`, `labels`, `norms`, `law`,
        `log10_init_scale`), `error` (empty unless the trial failed; then the rest is missing), and
        what was computed. `frame.attrs["complete"]` says whether all trials have run.
    """
    folder = as_path(folder, "folder")
    file = folder / "spec.json"
    if not file.is_file():
        raise DataFileError(
            f"{str(folder)!r} holds no sweep; pass the folder that one was written to."
        )
    n_trials = _n_trials(json.loads("{" + _spec_lines(file).replace("\n", ", ") + "}"))
    tables = []
    for part, first, last in _files(folder):
        if not _is_whole(part, first, last):
            raise DataFileError(
                f"{part.name!r} in {str(folder)!r} is damaged; run the sweep again, which makes it "
                "afresh."
            )
        tables.append(_parquet().read_table(part))
    frame = _joined(tables)
    frame.attrs["complete"] = len(frame) == n_trials
    return frame


def _joined(tables: list[Any]) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    from .trials import HEAD

    if not tables:
        return pd.DataFrame(columns=list(HEAD))
    frame = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    for name in ("interpolates", "limit_interpolates"):
        if name in frame and frame[name].dtype == object:  # missing where a trial failed
            frame[name] = frame[name].astype("boolean")
    frame = frame.sort_values("trial", ignore_index=True)
    order = [*(name for name in frame.columns if name != "error"), "error"]
    return pd.DataFrame(frame[order])


def _n_trials(fields: dict[str, Any]) -> int:
    from .spec import GRID

    return int(fields["repeats"] * np.prod([max(len(fields[name]), 1) for name in GRID]))


def _files(folder: Path) -> list[tuple[Path, int, int]]:
    """Files of rows with their first and last trial, in order."""
    found = []
    for file in folder.iterdir():
        match = NAME.fullmatch(file.name)
        if match:
            found.append((file, int(match[1]), int(match[2])))
    return sorted(found, key=lambda entry: entry[1:])


def _is_whole(file: Path, first: int, last: int) -> bool:
    """Tell whether a file can be read and holds just the rows its name says."""
    import pyarrow as pa

    try:
        trials = _parquet().read_table(file).column("trial").to_pylist()
    except (pa.ArrowException, OSError, KeyError):
        return False
    return bool(trials == list(range(first, last + 1)))


def _spec_lines(file: Path) -> str:
    try:
        return "\n".join(json.loads(file.read_text(encoding="utf-8"))["spec"])
    except (ValueError, KeyError, TypeError):
        raise DataFileError(
            f"{str(file)!r} is damaged, so it cannot be told what was run; pass another folder."
        ) from None


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    packages = ("numpy", "numba", "scipy", "pandas", "pyarrow")
    found = {name: version(name) for name in packages}
    return {"saddlehop": __version__, "python": platform.python_version(), **found}


def _parquet() -> ModuleType:
    require("pyarrow", "Keeping the results of a sweep", "sweep")
    from pyarrow import parquet

    return cast(ModuleType, parquet)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn errors of the file system into one sentence."""
    try:
        yield
    except OSError as err:
        raise SaddlehopError(
            f"Cannot write to {str(folder)!r}: {err.strerror or err}. What is there is whole; when "
            "this is mended, the same command goes on from there."
        ) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder; the system lets go of it when the process ends, however it ends."""
    with (folder / "lock").open("a+") as file:
        if not _lock(file):
            raise InputError(
                f"Another sweep is writing to {str(folder)!r}; wait for it, or pass another folder."
            )
        yield


def _lock(file: IO[str]) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
