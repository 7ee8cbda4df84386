"""Data files: samples in rows, one column of labels. CSV, Parquet and NPZ."""

from __future__ import annotations

import csv
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array
from .._support.optional import require
from .._support.validate import as_path
from ..errors import DataFileError

if TYPE_CHECKING:
    import pandas as pd

_UNREADABLE = (  # what a damaged archive, or one of a kind that zipfile does not know, may raise
    ValueError,
    OSError,
    EOFError,
    KeyError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


def read_samples(path: str | Path, target: str = "y") -> tuple[Array, Array]:
    """Read inputs and labels from a file.

    Parameters
    ----------
    path : path-like
        A `.csv`, `.parquet` or `.npz` file. An NPZ file holds a matrix (named `X`, or the only
        one) and a vector of labels; pickled objects are refused.
    target : str
        Name of the label column or array; in a table also its position, counted from 0, or from
        the end if negative.

    Returns
    -------
    X : ndarray, shape (n, d)
    y : ndarray, shape (n,)

    Raises
    ------
    DataFileError
        If the file is missing or malformed, or has no such column or a column that is not numeric.
    """
    path = as_path(path, "path")
    if not path.is_file():
        raise DataFileError(f"There is no file {str(path)!r}; pass a CSV, Parquet or NPZ file.")
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _read_npz(path, target)
    if suffix not in readers:
        raise DataFileError(
            f"{path.name!r} ends in {suffix!r}; pass a file that ends in .csv, .parquet or .npz."
        )
    return _split(readers[suffix](path), target, path.name)


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        first, second = _first_lines(path)
        _require_commas(first, path.name)
        header = None if first and all(map(_is_number, first)) else 0
        table: pd.DataFrame = pd.read_csv(
            path, header=header, encoding="utf-8-sig", **_exact_floats(pd.__version__)
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, csv.Error) as err:
        reason = " ".join(str(err).split()).rstrip(".")
        raise DataFileError(
            f"{path.name!r} is not a readable CSV file ({reason}); save it as comma-separated UTF-8 text."
        ) from None

    if len(second) > len(first):  # pandas would take the first column for an index
        raise DataFileError(
            f"{path.name!r} has rows with more cells than its header; give every column a name."
        )
    if header == 0 and "" in map(str.strip, first):
        raise DataFileError(
            f"Column {[name.strip() for name in first].index('')} of {path.name!r} has no name, like row "
            "numbers that pandas writes; name it, or write the file without them (`index=False`)."
        )
    repeated = [name for name in first if header == 0 and first.count(name) > 1]
    if repeated:
        raise DataFileError(
            f"{path.name!r} names more than one column {repeated[0]!r}; give every column its own name."
        )
    return table


def _require_commas(header: list[str], name: str) -> None:
    """Raise where a header is one cell because cells are separated by something else."""
    for mark, spelled in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            raise DataFileError(
                f"{name!r} separates its cells by {spelled}; save it with commas between cells and "
                "points in numbers."
            )


def _exact_floats(version: str) -> dict[str, Any]:
    # Before 3.1 pandas lost the last bit of a number unless asked; since then it asks not to be.
    major, minor = version.split(".")[:2]
    return {"float_precision": "round_trip"} if (int(major), int(minor)) < (3, 1) else {}


def _first_lines(path: Path) -> tuple[list[str], list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        return next(rows, []), next(rows, [])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    pyarrow = require("pyarrow", "Reading Parquet files", "parquet")
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (pyarrow.ArrowInvalid, pyarrow.ArrowException, OSError) as err:
        reason = " ".join(str(err).split()).rstrip(".")
        raise DataFileError(
            f"{path.name!r} is not a readable Parquet file ({reason}); write it again."
        ) from None


def _split(table: pd.DataFrame, target: str, name: str) -> tuple[Array, Array]:
    """Take the label column out of a table and check that the rest is numeric."""
    column = _position(table, target, name)
    if len(table) == 0:
        raise DataFileError(f"{name!r} has no rows; pass a file with at least one sample.")
    if table.shape[1] < 2:
        raise DataFileError(f"{name!r} has only the target column; add columns of features.")
    values = np.column_stack([_numbers(table, i, name) for i in range(table.shape[1])])
    return np.delete(values, column, axis=1), values[:, column]


def _position(table: pd.DataFrame, target: str, name: str) -> int:
    names = [str(column) for column in table.columns]
    if target in names and not _is_headless(table):
        return names.index(target)
    try:
        return range(len(names))[int(target)]
    except (ValueError, IndexError):
        known = ", ".join(names if len(names) <= 8 else [*names[:4], "...", *names[-4:]])
        raise DataFileError(
            f"{name!r} has no target column {target!r}; pass one of {known} or a position from 0 "
            f"to {len(names) - 1} as `--target`."
        ) from None


def _is_headless(table: pd.DataFrame) -> bool:
    return all(isinstance(column, int) for column in table.columns)


def _numbers(table: pd.DataFrame, column: int, name: str) -> Array:
    """Return a column as floats, or say what is not a number."""
    import pandas as pd

    cells = table.iloc[:, column]
    if cells.dtype.kind in "mM":
        cells = cells.astype(str)
    try:
        values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    except OverflowError:
        values = np.array([np.inf] * len(cells))
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        found = repr(str(table.iloc[row, column])) if table.notna().iloc[row, column] else "nothing"
        raise DataFileError(
            f"Column {str(table.columns[column])!r} of {name!r} holds {found} in row {row}, "
            "counted from 0, which is not a finite number; make the column numeric, or remove it or that row."
        )
    return values


def _read_npz(path: Path, target: str) -> tuple[Array, Array]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except _UNREADABLE as err:
        reason = " ".join(str(err).split()).rstrip(".")
        raise DataFileError(
            f"{path.name!r} is not a readable NPZ file of plain arrays ({reason}); write it with "
            "`numpy.savez(path, X=X, y=y)`."
        ) from None
    if target not in arrays:
        raise DataFileError(
            f"{path.name!r} has no array {target!r}; pass one of {', '.join(arrays) or 'no arrays'} "
            "as `--target`."
        )
    matrices = [name for name in arrays if arrays[name].ndim == 2 and name != target]
    chosen = "X" if "X" in matrices else matrices[0] if len(matrices) == 1 else None
    if chosen is None:
        raise DataFileError(
            f"{path.name!r} holds {len(matrices)} matrices; save the inputs as one matrix named 'X'."
        )
    return arrays[chosen], arrays[target]
