"""Results in files: NPZ with NumPy alone, netCDF or Zarr with xarray.

A file holds the arrays of a result, its problem and its start by name, and one document that says
what they are: version, kind, and a checksum of each array. Nothing in a file is ever run, and only
arrays that the document names are read.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .._support.files import write_whole
from .._support.optional import require
from .._support.validate import as_path
from .._version import __version__
from ..errors import DataFileError, InputError
from .codec import CLASSES, Decoder, Encoder

FORMAT = 1  # one more whenever older versions could not read what is written
SUFFIXES = (".npz", ".nc", ".zarr", ".zarr.zip")
_DOCUMENT = "saddlehop_document"


def save(path: str | Path, obj: Any) -> None:
    """Write a result to a file, with its problem and its start.

    Parameters
    ----------
    path : path-like
        What it ends in decides: `.npz` (needs NumPy only), `.nc` for netCDF, `.zarr` for a Zarr
        folder or `.zarr.zip` for Zarr in one file. An older file there is replaced; a folder only
        if it is one that `save` wrote.
    obj : Problem, GeneralProblem, Initialization, Network, Alignment, GeneralAlignment, ActiveSets, \
ExtremalVectors, JumpPath, GeneralJumpPath, BlockJumpPath, FlowPath, GeneralFlowPath, Comparison, \
Prediction, MinNormInterpolator, Recording, Saddle, SaddleCheck, Certificate or SecondOpinion
        A flow is written with what it recorded at its steps; loaded again, it takes the steps again
        the first time it is read in between.

    Raises
    ------
    InputError
        For other objects and endings.
    MissingExtraError
        If netCDF or Zarr is asked for and its packages are missing.
    """
    path = as_path(path, "path")
    suffix = _suffix(path, InputError)
    if type(obj).__name__ not in CLASSES or type(obj) is not CLASSES[type(obj).__name__]:
        raise InputError(
            f"`obj` is of type {type(obj).__name__}; pass one of {', '.join(CLASSES)}."
        )
    if not path.absolute().parent.is_dir():
        raise InputError(f"There is no folder {str(path.parent)!r} for {path.name!r}; make it.")
    if suffix != ".zarr" and path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; pass a file to write.")
    encoder = Encoder()
    root = encoder.encode(obj)
    document = {
        "format": FORMAT,
        "saddlehop": __version__,
        "kind": type(obj).__name__,
        "arrays": {name: _fingerprint(array) for name, array in encoder.arrays.items()},
        "root": root,
    }
    text = np.frombuffer(json.dumps(document).encode(), dtype=np.uint8)
    _WRITERS[suffix](path, {**encoder.arrays, _DOCUMENT: text}, encoder.dims)


def load(path: str | Path) -> Any:
    """Read back what `save` wrote.

    Parameters
    ----------
    path : path-like
        A file or Zarr folder of `save`.

    Returns
    -------
    object
        Of the class that was saved, equal in every number.

    Raises
    ------
    DataFileError
        For a file that is missing, damaged, cut short, from a newer version or of another kind.
    MissingExtraError
        If it is netCDF or Zarr and the packages that read it are missing.
    """
    path = as_path(path, "path")
    suffix = _suffix(path, DataFileError)
    if not path.exists():
        raise DataFileError(f"There is no file {str(path)!r}; pass one that `sh.save` wrote.")
    read = _READERS[suffix]
    document = _document(path, read(path, [_DOCUMENT]))
    try:
        names = list(document["arrays"])
        arrays = {
            name: _restored(array, document["arrays"][name])
            for name, array in read(path, names).items()
        }
        obj = Decoder(arrays).decode(document["root"])
    except DataFileError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError):
        raise _damaged(path) from None
    if type(obj).__name__ != document.get("kind"):
        raise _damaged(path)
    return obj


def _suffix(path: Path, error: type[InputError | DataFileError]) -> str:
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix) and path.name.lower() != suffix:
            return suffix
    raise error(f"{path.name!r} has no known ending; pass a path that ends in {_either(SUFFIXES)}.")


def _either(names: tuple[str, ...]) -> str:
    return ", ".join(names[:-1]) + f" or {names[-1]}"


def _fingerprint(array: Any) -> list[Any]:
    return [array.dtype.str, list(array.shape), zlib.crc32(array.tobytes())]


def _restored(array: Any, fingerprint: list[Any]) -> Any:
    """The array in the type it was saved in, or raise ValueError if it is not the one saved."""
    dtype, shape, checksum = fingerprint
    if np.dtype(dtype).kind not in "biuf":
        raise ValueError(dtype)
    array = np.ascontiguousarray(array).astype(dtype).reshape(array.shape)
    if list(array.shape) != shape or zlib.crc32(array.tobytes()) != checksum:
        raise ValueError("checksum")
    return array


def _document(path: Path, arrays: dict[str, Any]) -> dict[str, Any]:
    """Read the document and say whether this version can use it."""
    if _DOCUMENT not in arrays:
        raise DataFileError(
            f"{path.name!r} is not a file of saddlehop; pass one that `sh.save` wrote, or read data with "
            "`saddlehop.model.tables.read_samples`."
        )
    try:
        document = json.loads(bytes(arrays[_DOCUMENT].astype(np.uint8)))
        version = int(document["format"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _damaged(path) from None
    if version > FORMAT:
        raise DataFileError(
            f"{path.name!r} was written by saddlehop {document.get('saddlehop', '?')} in format "
            f"{version}, but this is saddlehop {__version__}, which reads up to format {FORMAT}; update "
            "saddlehop."
        )
    if document.get("kind") not in CLASSES:
        raise DataFileError(
            f"{path.name!r} holds a {document.get('kind')!r}, which this saddlehop {__version__} does not "
            "know; update saddlehop."
        )
    return dict(document)


def _damaged(path: Path, reason: object = "") -> DataFileError:
    detail = " ".join(str(reason).split()).rstrip(".")
    shown = f" ({detail})" if detail else ""
    return DataFileError(f"{path.name!r} is damaged or cut short{shown}; save the result again.")


def _write_npz(path: Path, arrays: dict[str, Any], dims: dict[str, tuple[str, ...]]) -> None:
    def write(name: str) -> None:
        with open(name, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    write_whole(path, write)


def _read_npz(path: Path, names: list[str]) -> dict[str, Any]:
    try:
        with path.open("rb") as file:  # `np.load` would leave a damaged file open
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                return {}
            return {name: archive[name] for name in names if name in archive.files}
    except ValueError as error:
        if "allow_pickle" in str(error) or "pickled" in str(error):
            raise DataFileError(
                f"{path.name!r} holds pickled objects, which could run code and are refused; pass a file "
                "that `sh.save` wrote."
            ) from None
        raise _damaged(path, error) from None
    except (OSError, EOFError, KeyError, TypeError, zlib.error, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from None
    except (NotImplementedError, MemoryError, OverflowError, SyntaxError) as error:
        raise _damaged(path, error) from None


def _dataset(arrays: dict[str, Any], dims: dict[str, tuple[str, ...]]) -> Any:
    """All arrays in one xarray Dataset, under named dims where sizes agree."""
    xarray = require("xarray", "Writing netCDF and Zarr files", "xarray")
    sizes: dict[str, int] = {}
    variables: dict[str, Any] = {}
    for name, array in arrays.items():
        own = tuple(f"{name}.{axis}" for axis in range(array.ndim))
        wanted = dims.get(name, own)
        fits = all(sizes.get(d, s) == s for d, s in zip(wanted, array.shape, strict=True))
        used = wanted if fits else own
        sizes |= dict(zip(used, array.shape, strict=True))
        stored = array.astype(np.uint8) if array.dtype == np.bool_ else array
        variables[name] = (used, stored, {}, {"_FillValue": None})
    attributes = {"saddlehop": __version__, "title": "a result of saddlehop, for saddlehop.load"}
    return xarray.Dataset(variables, attrs=attributes)


def _write_netcdf(path: Path, arrays: dict[str, Any], dims: dict[str, tuple[str, ...]]) -> None:
    require("netCDF4", "Writing netCDF files", "xarray")
    dataset = _dataset(arrays, dims)
    write_whole(path, lambda name: dataset.to_netcdf(name, format="NETCDF4", engine="netcdf4"))


def _write_zarr(path: Path, arrays: dict[str, Any], dims: dict[str, tuple[str, ...]]) -> None:
    path = path.resolve()
    if path.is_file() or (path.is_dir() and not (path / _DOCUMENT).is_dir()):
        raise InputError(
            f"{str(path)!r} is there already and was not written by `sh.save`; pass another path."
        )
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        new = _zarr_folder(Path(folder), arrays, dims)
        if path.is_dir():
            path.rename(Path(folder) / "old")
        new.rename(path)


def _write_zarr_zip(path: Path, arrays: dict[str, Any], dims: dict[str, tuple[str, ...]]) -> None:
    """Zip a folder: Zarr's own writer of zip files leaves entries of the same name in it."""
    with tempfile.TemporaryDirectory(dir=path.resolve().parent, prefix=f".{path.name}.") as folder:
        new = _zarr_folder(Path(folder), arrays, dims)

        def write(name: str) -> None:
            with zipfile.ZipFile(name, "w") as archive:
                for file in sorted(new.rglob("*")):
                    if file.is_file():
                        archive.write(file, file.relative_to(new))

        write_whole(path, write)


def _zarr_folder(parent: Path, arrays: dict[str, Any], dims: dict[str, tuple[str, ...]]) -> Path:
    require("zarr", "Writing Zarr files", "xarray")
    _dataset(arrays, dims).to_zarr(parent / "new", mode="w", consolidated=False)
    return parent / "new"


def _read_netcdf(path: Path, names: list[str]) -> dict[str, Any]:
    xarray = require("xarray", "Reading netCDF files", "xarray")
    require("netCDF4", "Reading netCDF files", "xarray")
    return _read_dataset(
        path, names, lambda: xarray.open_dataset(path, engine="netcdf4", decode_cf=False)
    )


def _read_zarr(path: Path, names: list[str]) -> dict[str, Any]:
    xarray = require("xarray", "Reading Zarr files", "xarray")
    storage = require("zarr.storage", "Reading Zarr files", "xarray")

    def open_() -> Any:
        store = storage.LocalStore(path, read_only=True)
        if path.is_file():
            store = storage.ZipStore(path, mode="r")
        return xarray.open_zarr(store, consolidated=False, decode_cf=False, chunks=None)

    return _read_dataset(path, names, open_)


def _read_dataset(path: Path, names: list[str], open_: Callable[[], Any]) -> dict[str, Any]:
    try:
        with open_() as dataset:
            return {name: dataset[name].to_numpy() for name in names if name in dataset.variables}
    except Exception as error:  # a damaged file can break the readers below in any way
        raise _damaged(path, error) from None


_WRITERS = {
    ".npz": _write_npz,
    ".nc": _write_netcdf,
    ".zarr": _write_zarr,
    ".zarr.zip": _write_zarr_zip,
}
_READERS = {
    ".npz": _read_npz,
    ".nc": _read_netcdf,
    ".zarr": _read_zarr,
    ".zarr.zip": _read_zarr,
}
