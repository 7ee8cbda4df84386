"""A folder of results: the spec, and one Parquet file for each batch of trials.

    spec.json                       what was asked for and the versions that ran it
    trials-00000000-00000063.parquet    rows of the trials 0 … 63, but for failed ones to run again
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
from dataclasses import replace
from difflib import unified_diff
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

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

ORDER = "repeat by repeat"  # of the numbers of trials; folders without it count another way
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
            trials = _trials_in(file, first, last)
            if trials and last < done.size and not done[trials].any():
                done[trials] = True
            else:
                file.replace(file.with_suffix(".damaged"))
                damaged.append(file.name)
        edges = np.flatnonzero(np.diff(np.concatenate([[True], done, [True]]).astype(np.int8)))
        runs = [range(a, b) for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]
        return runs, damaged

    def write(self, table: Any) -> None:
        """Add the rows of consecutive trials."""
        trials = table.column("trial").to_pylist()
        self._write(table, f"trials-{trials[0]:08d}-{trials[-1]:08d}.parquet")

    def forget_failed(self) -> None:
        """Remove the rows of trials that failed."""
        for file, first, last in _files(self._folder):
            if not _trials_in(file, first, last):
                continue
            table = _parquet().read_table(file)
            succeeded = [not error for error in table.column("error").to_pylist()]
            with writing_to(self._folder):
                if not any(succeeded):
                    file.unlink()
                elif not all(succeeded):
                    self._write(table.filter(succeeded), file.name)

    def _write(self, table: Any, name: str) -> None:
        with writing_to(self._folder):
            write_whole(
                self._folder / name, lambda path: _parquet().write_table(table, path), to_disk=True
            )

    def _settle_spec(self) -> None:
        file = self._folder / "spec.json"
        versions = _versions()
        if file.exists():
            kept, versions = _spec_lines(file), _document(file)["versions"]
            self._require_order(file)
            if not self._goes_on(kept):
                self._refuse(kept)
            if kept == self._spec.to_json():
                return
        elif any(_files(self._folder)):
            raise InputError(
                f"{str(self._folder)!r} holds rows of trials but no `spec.json`; pass another folder."
            )
        document = {"spec": self._spec.to_json().splitlines(), "versions": versions}
        text = json.dumps({**document, "order": ORDER}, indent=2)
        write_whole(file, lambda path: Path(path).write_text(text, encoding="utf-8"), to_disk=True)

    def _require_order(self, file: Path) -> None:
        if _document(file).get("order") != ORDER:
            raise InputError(
                f"{str(self._folder)!r} was made by an older saddlehop, which numbered trials in another "
                "order, so it cannot go on; read it with `read_sweep`, and pass another folder."
            )

    def _goes_on(self, kept: str) -> bool:
        """Tell whether the sweep is the one that was kept, or that with more repeats."""
        earlier = int(_fields(kept)["repeats"])
        same = replace(self._spec, repeats=earlier).to_json() == kept
        return same and earlier <= self._spec.repeats

    def _refuse(self, kept: str) -> NoReturn:
        lines = unified_diff(kept.splitlines(), self._spec.to_json().splitlines(), n=0, lineterm="")
        difference = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
        raise InputError(
            f"{str(self._folder)!r} holds another sweep; pass another folder, or the spec it was made "
            f"with (only `repeats` may be raised). The difference: {'; '.join(difference)}."
        )


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
        `log10_init_scale`; of data that were given, `problem` in place of `labels` and `norms`), `error`
        (empty unless the trial failed; then the rest is missing), and what was computed.
        `frame.attrs["complete"]` says whether all trials have run.
    """
    folder = as_path(folder, "folder")
    file = folder / "spec.json"
    if not file.is_file():
        raise DataFileError(
            f"{str(folder)!r} holds no sweep; pass the folder that one was written to."
        )
    n_trials = _n_trials(_fields(_spec_lines(file)))
    tables = []
    for part, first, last in _files(folder):
        if not _trials_in(part, first, last):
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

    axes = [fields.get(name, ()) for name in (*GRID, "problem")]
    return int(fields["repeats"] * np.prod([max(len(axis), 1) for axis in axes]))


def _files(folder: Path) -> list[tuple[Path, int, int]]:
    """Files of rows with their first and last trial, in order."""
    found = []
    for file in folder.iterdir():
        match = NAME.fullmatch(file.name)
        if match:
            found.append((file, int(match[1]), int(match[2])))
    return sorted(found, key=lambda entry: entry[1:])


def _trials_in(file: Path, first: int, last: int) -> list[int]:
    """Return the trials that a file holds rows of; none if it is damaged."""
    import pyarrow as pa

    try:
        trials = _parquet().read_table(file).column("trial").to_pylist()
    except (pa.ArrowException, OSError, KeyError):
        return []
    return trials if set(trials) <= set(range(first, last + 1)) and _rises(trials) else []


def _rises(trials: list[int]) -> bool:
    return all(trial < after for trial, after in pairwise(trials))


def _fields(lines: str) -> dict[str, Any]:
    """Return what the lines of a spec say."""
    content: dict[str, Any] = json.loads("{" + lines.replace("\n", ", ") + "}")
    return content


def _spec_lines(file: Path) -> str:
    return "\n".join(_document(file)["spec"])


def _document(file: Path) -> dict[str, Any]:
    """Return what `spec.json` holds."""
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        _fields("\n".join(content["spec"]))["repeats"], content["versions"]
    except (ValueError, KeyError, TypeError):
        raise DataFileError(
            f"{str(file)!r} is damaged, so it cannot be told what was run; pass another folder."
        ) from None
    return content


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    packages = ("numpy", "scipy", "pandas", "pyarrow")
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
