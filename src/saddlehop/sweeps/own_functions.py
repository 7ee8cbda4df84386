"""Functions that a sweep is given as objects: how they travel to workers, what the folder calls them.

One that any process can import travels as its name, "module:function". Any other is pickled with what
it needs, and its name ends in a digest of what it does, so that a folder is not continued with
another function of that name:

    digest = SHA-256 of bytecode, names, constants, defaults, and what it refers to, in turn
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from importlib.util import find_spec
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .._support.optional import require
from ..errors import InputError


def named(function: Callable[..., Any]) -> tuple[str, bytes]:
    """Return the name of a function and, if it cannot be imported by that, the function pickled."""
    name = import_name(function)
    if name:
        return name, b""
    cloudpickle = require("cloudpickle", "Sending a function to the processes of a sweep", "sweep")
    name = _full_name(function)
    try:
        content = cloudpickle.dumps(function)
        digest = hashlib.sha256(repr(_described(function, {})).encode()).hexdigest()
    except Exception as err:  # whatever the objects that it refers to raise
        raise InputError(
            f"`compute` is the function {name!r}, which cannot be sent to other processes "
            f"({type(err).__name__}: {err}); make what it refers to inside it, or pass a function of "
            "a module."
        ) from None
    return f"{name} {digest[:12]}", content


@lru_cache(maxsize=8)
def unpickled(content: bytes) -> Callable[..., Any]:
    """Return the function that `named` pickled, one and the same for all trials of a process."""
    function: Callable[..., Any] = pickle.loads(content)
    return function


def import_name(value: Any) -> str:
    """Return "module:name" if that imports `value`, and else nothing."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)) or module == "__main__":
        return ""
    if getattr(sys.modules.get(module), name, None) is not value:
        return ""
    try:
        return f"{module}:{name}" if find_spec(module) else ""
    except (ImportError, ValueError):  # a module that was made by hand
        return ""


def _full_name(function: Any) -> str:
    if isinstance(function, partial):
        return _full_name(function.func)
    holder = function if hasattr(function, "__qualname__") else type(function)
    return f"{holder.__module__}:{holder.__qualname__}"


def _described(value: Any, known: dict[int, int]) -> Any:
    """Return what `value` does as nested tuples, whose text is the same in every process."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return value
    if id(value) in known:
        return ("again", known[id(value)])
    known[id(value)] = len(known)
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, tuple):
        return tuple(_described(entry, known) for entry in value)
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, CodeType):
        return value.co_code, value.co_names, _described(value.co_consts, known)
    if isinstance(value, partial):
        parts = (value.func, value.args, tuple(sorted(value.keywords.items())))
        return _described(parts, known)
    if isinstance(value, FunctionType) and not import_name(value):
        return tuple(_described(part, known) for part in _parts(value))
    return import_name(value) or require("cloudpickle", "", "sweep").dumps(value)


def _parts(function: FunctionType) -> Iterator[Any]:
    """What decides what a function does."""
    yield function.__code__
    yield function.__defaults__
    yield tuple(sorted((function.__kwdefaults__ or {}).items()))
    yield from (cell.cell_contents for cell in function.__closure__ or ())
    used = sorted(set(_names(function.__code__)) & function.__globals__.keys())
    yield from (function.__globals__[name] for name in used)


def _names(code: CodeType) -> Iterator[str]:
    """Names in the code of a function and of those defined in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
