"""Results as named arrays and one document of plain values, and back.

A result is a tree of dataclasses. Its arrays get the path to them as names (`problem.y`), all the
rest goes into the document: {"type": "Network", "fields": {"output": {"array": "output"}, ...}}.
An object met again is a reference to where it was first. Only the classes listed here are ever
made, and only after the shapes of their arrays are found to belong together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from .._support.arrays import frozen, is_sparse
from ..blocks.jumps import BlockJumpPath
from ..bridges.recording import Recording
from ..flow.simulate import FlowPath
from ..general.alignment import GeneralAlignment
from ..general.extremal import ExtremalVectors
from ..general.flow import GeneralFlowPath
from ..general.jumps_path import GeneralJumpPath
from ..limit.active_sets import ActiveSets
from ..limit.alignment import Alignment
from ..limit.jump_path import JumpPath
from ..limit.prediction import Prediction
from ..limit.saddles import Saddle, SaddleCheck
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.network import Network
from ..model.problem import Problem
from ..trust.certificate import Certificate
from ..trust.opinion import Agreement, End, SecondOpinion
from ..yardsticks.comparison import Comparison
from ..yardsticks.min_norm import MinNormInterpolator
from .dims import DIMS, named, require_shapes

CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        ActiveSets,
        Agreement,
        Alignment,
        BlockJumpPath,
        Certificate,
        Comparison,
        End,
        ExtremalVectors,
        FlowPath,
        GeneralAlignment,
        GeneralFlowPath,
        GeneralJumpPath,
        GeneralProblem,
        Initialization,
        JumpPath,
        MinNormInterpolator,
        Network,
        Prediction,
        Problem,
        Recording,
        Saddle,
        SaddleCheck,
        SecondOpinion,
    )
}
LEFT_OUT = {"_trajectory", "_appended"}  # taken again when needed; the same as `X`
WORKED_OUT = {  # kept all the same
    **dict.fromkeys(("FlowPath", "GeneralFlowPath"), ("activation_times", "final")),  # cost a run
    "GeneralProblem": ("basis",),  # for weights in its coordinates mean nothing beside another one
}


class Encoder:
    """Takes an object apart; `arrays` and `dims` fill up by name.

    Where there are samples but no GeneralProblem, coordinates are samples, and their dim is called so.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self._dims: dict[str, tuple[str, ...]] = {}
        self._seen: dict[int, str] = {}
        self._is_general = False

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Dims of each array."""
        apart = self._is_general or not any("sample" in dims for dims in self._dims.values())
        return {name: named(dims, apart) for name, dims in self._dims.items()}

    def encode(self, value: Any, name: str = "", dims: tuple[str, ...] | None = None) -> Any:
        """Return the part of the document that stands for `value`, found at `name`."""
        if is_dataclass(value) or is_sparse(value):
            if id(value) in self._seen:
                return {"same": self._seen[id(value)]}
            self._seen[id(value)] = name
        if is_dataclass(value):
            return self._dataclass(value, name)
        if is_sparse(value):
            return self._sparse(value, name)
        if isinstance(value, np.ndarray):
            return self._array(value, name, dims)
        if isinstance(value, tuple) and all(isinstance(one, (tuple, np.ndarray)) for one in value):
            return self._ragged(value, name)
        if isinstance(value, tuple):
            return {"tuple": [self.encode(one, f"{name}.{i}") for i, one in enumerate(value)]}
        if isinstance(value, dict):
            return {"dict": {str(key): self.encode(one) for key, one in value.items()}}
        return value.item() if isinstance(value, np.generic) else value

    def _dataclass(self, value: Any, name: str) -> dict[str, Any]:
        kind = type(value).__name__
        self._is_general |= isinstance(value, GeneralProblem)
        names = [one.name for one in fields(value) if one.name not in LEFT_OUT]
        content = {}
        for field in (*names, *WORKED_OUT.get(kind, ())):
            path = f"{name}.{field}" if name else field
            dims = DIMS.get(kind, {}).get(field)
            content[field] = self.encode(getattr(value, field), path, dims)
        return {"type": kind, "fields": content}

    def _array(self, value: Any, name: str, dims: tuple[str, ...] | None) -> dict[str, Any]:
        if value.dtype.kind == "U":  # netCDF and Zarr each have words of their own
            words, indices = np.unique(value, return_inverse=True)
            content = {"words": words.tolist(), "dtype": words.dtype.str}
            return self._array(indices.reshape(value.shape), name, dims) | content
        self.arrays[name] = np.ascontiguousarray(value)
        self._dims[name] = dims or tuple(f"{name}.{axis}" for axis in range(value.ndim))
        return {"array": name}

    def _sparse(self, value: Any, name: str) -> dict[str, Any]:
        for part in ("data", "indices", "indptr"):
            self._array(getattr(value, part), f"{name}.{part}", None)
        return {"sparse": name, "shape": list(value.shape)}

    def _ragged(self, value: tuple[Any, ...], name: str) -> dict[str, Any]:
        """A tuple of vectors of whole numbers: their values in a row, and how many each has."""
        kind = "arrays" if any(isinstance(one, np.ndarray) for one in value) else "tuples"
        parts = [np.asarray(one, dtype=np.int64) for one in value]
        self._array(np.concatenate([np.zeros(0, np.int64), *parts]), f"{name}.values", None)
        self._array(np.array([one.size for one in parts], np.int64), f"{name}.lengths", None)
        return {"ragged": name, "of": kind}


class Decoder:
    """Puts an object together again; raises ValueError, TypeError or LookupError if it cannot."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self._arrays = arrays
        self._made: dict[str, Any] = {}

    def decode(self, node: Any, name: str = "") -> Any:
        """Return what a part of the document stands for."""
        if not isinstance(node, dict):
            return node
        if "same" in node:
            return self._made[node["same"]]
        if "words" in node:
            return self._words(node)
        if "array" in node:
            return self._frozen(node["array"])
        if "dict" in node:
            return {key: self.decode(one) for key, one in node["dict"].items()}
        if "ragged" in node:
            return self._ragged(node)
        if "tuple" in node:
            return tuple(self.decode(one, f"{name}.{i}") for i, one in enumerate(node["tuple"]))
        made = self._sparse(node) if "sparse" in node else self._dataclass(node, name)
        self._made[name] = made
        return made

    def _dataclass(self, node: dict[str, Any], name: str) -> Any:
        kind = node["type"]
        content = {
            field: self.decode(one, f"{name}.{field}" if name else field)
            for field, one in node["fields"].items()
        }
        cls = CLASSES[kind]
        if kind == "BlockJumpPath" and "sq_norms" in content:  # files of earlier versions
            content["sq_norm_bounds"] = frozen(np.stack([content.pop("sq_norms")] * 2, axis=1))
        for field, value in content.items():
            _require_type(cls, field, value)
        require_shapes(kind, content)
        if kind in CHECKS:
            CHECKS[kind](content)
        kept = {field: content.pop(field) for field in WORKED_OUT.get(kind, ()) if field in content}
        extra = {"assume_orthogonal": True} if cls is Problem else {}
        if cls is GeneralProblem and content["bias"]:
            content["_appended"] = content["X"]
        made = cls(**content, **extra)
        made.__dict__.update(kept)
        return made

    def _frozen(self, name: str) -> Any:
        array = self._arrays[name]
        if array.base is not None or not array.flags.c_contiguous:
            array = np.array(array, order="C")
        array.flags.writeable = False
        return array

    def _words(self, node: dict[str, Any]) -> Any:
        _require_all(tuple(node["words"]), str)
        words, index = np.array(node["words"], np.dtype(node["dtype"])), self._arrays[node["array"]]
        if words.dtype.kind != "U" or index.dtype != np.int64 or (index < 0).any():
            raise ValueError("words")
        return frozen(words[index])

    def _sparse(self, node: dict[str, Any]) -> Any:
        from scipy import sparse

        parts = [self._arrays[f"{node['sparse']}.{part}"] for part in ("data", "indices", "indptr")]
        made = sparse.csr_array(tuple(parts), shape=tuple(node["shape"]))
        made.check_format()
        return made

    def _ragged(self, node: dict[str, Any]) -> tuple[Any, ...]:
        values, lengths = (
            self._arrays[f"{node['ragged']}.{part}"] for part in ("values", "lengths")
        )
        if values.dtype != np.int64 or (lengths < 0).any() or lengths.sum() != values.size:
            raise ValueError("ragged")
        parts = np.split(values, np.cumsum(lengths)[:-1]) if lengths.size else []
        if node["of"] == "arrays":
            return tuple(np.array(part) for part in parts)
        return tuple(tuple(part.tolist()) for part in parts)


_NUMBERS = {"Array": np.float64, "Flags": np.bool_, "Sides": np.int8}  # by the names of their types


def _require_type(cls: Any, field: str, value: Any) -> None:
    """Raise unless a decoded value is of the kind its field is declared to hold."""
    annotation = next((str(one.type) for one in fields(cls) if one.name == field), "")
    declared = annotation.split("[")[0].split(" | ")
    kinds: dict[str, Any] = {
        **dict.fromkeys((*_NUMBERS, "NDArray"), np.ndarray),
        "float": (int, float),
        "int": int,
    }
    kinds |= {"str": str, "dict": dict, "tuple": tuple, "None": type(None)} | CLASSES
    known = [kinds[name] for name in declared if name in kinds]
    if " | None" in annotation:
        known.append(type(None))
    if known and not any(isinstance(value, kind) for kind in known):
        raise TypeError(field)
    numbers = [_NUMBERS[name] for name in declared if name in _NUMBERS]
    if isinstance(value, np.ndarray) and numbers and value.dtype not in numbers:
        raise TypeError(field)


def _check_jumps(content: dict[str, Any]) -> None:
    n, m = content["problem"].n_samples, content["sets"].width
    _require_groups(content, m)
    if len(content["samples"]) != content["times"].size:
        raise ValueError("jumps")
    for indices in (*content["samples"], content["unfit"]):
        _require_indices(indices, n)


def _check_general_jumps(content: dict[str, Any]) -> None:
    _require_groups(content, content["initialization"].width)


def _require_groups(content: dict[str, Any], width: int) -> None:
    """Raise unless there is a group of neurons for each jump."""
    if len(content["neurons"]) != content["times"].size:
        raise ValueError("jumps")
    for group in content["neurons"]:
        _require_indices(np.array(group, dtype=np.int64), width)


def _require_indices(indices: Any, size: int) -> None:
    if indices.dtype != np.int64 or ((indices < 0) | (indices >= size)).any():
        raise ValueError("indices")


def _check_certificate(content: dict[str, Any]) -> None:
    n_jumps, verdicts = len(content["times"]), content["verdicts"]
    words = (*verdicts, *content["reasons"], *content["contradictions"])
    numbers = (*content["rounded"], *(j for group in content["neurons"] for j in group))
    _require_all(words, str)
    _require_all(numbers, int)
    if len(content["neurons"]) != n_jumps or len(content["reasons"]) != len(verdicts):
        raise ValueError("jumps")
    # one verdict more stands for a jump that could not be told from its runner-up
    if len(verdicts) - n_jumps not in (0, 1) or len(content["escape_rates"]) - n_jumps not in (
        0,
        1,
    ):
        raise ValueError("verdicts")


def _check_opinion(content: dict[str, Any]) -> None:
    _require_all(content["agreements"], Agreement)


def _require_all(values: tuple[Any, ...], kind: type) -> None:
    if not all(isinstance(value, kind) for value in values):
        raise TypeError(kind)


CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "JumpPath": _check_jumps,
    "GeneralJumpPath": _check_general_jumps,
    "Certificate": _check_certificate,
    "SecondOpinion": _check_opinion,
}
