"""What may be asked for on a page: numbers within bounds, and files of data; and what to say of the rest."""

from __future__ import annotations

import base64
import binascii
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..._support.arrays import Array
from ...errors import DataFileError, InputError, SaddlehopError
from ...model.tables import read_samples


def require_size(name: str, value: Any, most: int) -> None:
    """Raise unless `value` is a whole number from 1 to `most`."""
    if not isinstance(value, int) or not 1 <= value <= most:
        raise InputError(f"{name} is {value}; pass a whole number from 1 to {most}.")


def require_seed(seed: Any) -> None:
    """Raise unless `seed` is a whole number of at least 0."""
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"The seed is {seed}; pass a whole number of at least 0.")


def read_upload(content: str, most: int) -> tuple[Array, Array]:
    """Read a CSV file as the browser sends it: at most `most` samples, labels in the column y."""
    try:
        data = base64.b64decode(content.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise DataFileError("The upload is not a file; choose a CSV file.") from None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "upload.csv"
        file.write_bytes(data)
        X, y = read_samples(file, "y")
    if len(X) > most:
        raise InputError(f"The file has {len(X)} rows; the page takes at most {most}.")
    return X, y


def attempt(make: Callable[[], Any]) -> tuple[Any, str]:
    """Return what `make` gives and no message, or nothing new and what went wrong."""
    from dash import no_update

    try:
        return make(), ""
    except Exception as err:
        return no_update, sentence(err)


def sentence(err: Exception) -> str:
    """Return what the page says of an error; what is no one's input goes to the log as well."""
    if isinstance(err, SaddlehopError):
        return str(err)
    if isinstance(err, MemoryError):
        return "This does not fit in memory."
    logging.getLogger("saddlehop").exception("A page could not be drawn")
    return f"This could not be computed ({type(err).__name__}: {err}); change something, or reload the page."
