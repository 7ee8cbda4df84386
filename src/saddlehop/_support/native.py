"""The compiled kernels: a C library, loaded when one of its functions is first called.

The door of a room (`kernels/__init__.py`) declares each C function once, and calls it with the
addresses of arrays that it has looked at:

    _fit = Kernel("fit", c_int64, Samples, c_void_p)
    _fit(samples, address(group, np.uint64))

There is a library for each level of instructions, with the same bits; `SADDLEHOP_LEVEL` chooses
one. In a checkout the library is built anew when a C file has changed; an installed package has
it built, and nothing is looked up. While C runs other threads of Python do too.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import SaddlehopError

_PACKAGE = Path(__file__).parents[1]
_LIBRARIES = _PACKAGE / "_support" / "libraries"


class Kernel:
    """A function of the library.

    Parameters
    ----------
    name : str
        Name in C.
    result : ctypes type or None
        What it returns.
    *arguments : ctypes types
        What it takes; a Structure stands for a pointer to one.
    """

    def __init__(self, name: str, result: Any, *arguments: Any) -> None:
        self._name, self._result, self._arguments = name, result, arguments
        self._function: Any = None

    def __call__(self, *arguments: Any) -> Any:
        if self._function is None:
            self._function = self._found()
        return self._function(*arguments)

    def _found(self) -> Any:
        function = getattr(_library(), self._name)
        function.restype = self._result
        function.argtypes = [_passed_as(argument) for argument in self._arguments]
        return function


def _passed_as(argument: Any) -> Any:
    return ctypes.POINTER(argument) if issubclass(argument, ctypes.Structure) else argument


def address(array: NDArray[Any], dtype: DTypeLike, *shape: int) -> int:
    """Return where the entries of an array are.

    Parameters
    ----------
    array : ndarray
        Must outlive the call it is passed to.
    dtype : dtype
        What C takes the entries for.
    *shape : int
        The shape it relies on, if given.

    Raises
    ------
    TypeError
        If the array is not of that type or shape, or its entries lie apart or at odd addresses.
    """
    fits, flags = array.dtype == dtype and (not shape or array.shape == shape), array.flags
    if not (fits and flags.c_contiguous and flags.aligned and isinstance(array, np.ndarray)):
        raise TypeError(
            f"A kernel got an {'' if flags.aligned else 'unaligned '}array of {array.dtype}, shape "
            f"{array.shape}, strides {array.strides}; pass a contiguous one of "
            f"{np.dtype(dtype)}{f', shape {shape}' if shape else ''}."
        )
    return _data_of(array)


def _data_of_any(array: NDArray[Any]) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def _data_by_layout(array: NDArray[Any]) -> int:
    """The same, ten times faster: the first field of an array of NumPy, part of its binary interface."""
    return ctypes.c_void_p.from_address(id(array) + object.__basicsize__).value or 0


def _is_laid_out_as_in_c() -> bool:
    probe = np.empty(1)
    is_cpython = sys.implementation.name == "cpython"
    return is_cpython and _data_by_layout(probe) == _data_of_any(probe)


_data_of = _data_by_layout if _is_laid_out_as_in_c() else _data_of_any


def level() -> str:
    """Return the level in use: "baseline" or "avx2", or what SADDLEHOP_LEVEL names."""
    forced = os.environ.get("SADDLEHOP_LEVEL")
    if forced:
        return forced
    return "avx2" if _loaded("baseline").has_avx2() else "baseline"


@cache
def _library() -> ctypes.CDLL:
    return _loaded(level())


@cache
def _loaded(level: str) -> ctypes.CDLL:
    return ctypes.CDLL(str(_path(level)))


def _path(level: str) -> Path:
    """Return the library of a level; in a checkout the one of the present sources."""
    builder = _builder()
    if builder is None:
        found = next(_LIBRARIES.glob(f"saddlehop-{level}-*"), None)
    else:
        found = _up_to_date(builder, level)
    if found is None:
        known = sorted({path.name.split("-")[1] for path in _LIBRARIES.glob("saddlehop-*")})
        raise SaddlehopError(
            f"There are no kernels of level {level!r} here but of {known}; install saddlehop again, or "
            "unset SADDLEHOP_LEVEL."
        )
    return found


def _up_to_date(builder: ModuleType, level: str) -> Path | None:
    target = builder.this_machine()
    if level not in target.levels and level not in builder.CHECKED:
        return None
    path: Path = _LIBRARIES / builder.name(level, target)
    if not path.exists():
        try:
            builder.build([level] if level in builder.CHECKED else None)
        except builder.BuildError as error:
            raise SaddlehopError(str(error)) from None
    return path


@cache
def _builder() -> ModuleType | None:
    """The script that builds the library, which only a checkout has."""
    script = _PACKAGE.parents[1] / "build_kernels.py"
    if not script.exists():
        return None
    spec = importlib.util.spec_from_file_location("build_kernels", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
