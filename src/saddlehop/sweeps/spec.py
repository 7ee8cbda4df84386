"""What a sweep runs: every combination of the values given for each setting, `repeats` times.

Trial i is repeat i // c of combination i % c, of c combinations counted with the last setting changing
fastest: so more `repeats` add trials and change none.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from .._support.brief import brief
from .._support.validate import as_path, flag, int_at_least, one_of, positive_int
from ..errors import DataFileError, InputError
from ..model.datasets import LABELS, NORMS
from ..model.initialization import FAIR_COINS, LAWS
from ..model.problem import Problem
from ..model.scale import parse_scale
from .functions import load_function
from .own_data import packed, unpacked
from .own_functions import named

MOST_SEED = 2**128 - 1  # as many bits as NumPy's own seeds have
STARTS = ("sets", "weights")
LEAST = {"n_samples": 1, "width": 1}
CHOICES = {"labels": LABELS, "norms": NORMS, "law": LAWS}
GRID = ("n_samples", "width", "labels", "norms", "law", "init_scale")
DRAWN = ("n_samples", "labels", "norms")  # of samples that are drawn, not given as `problem`
GIVEN = ("problem", "target", "bias", "digests")  # of samples that are given
DEFAULTS: dict[str, Any] = {
    "labels": "gaussian",
    "norms": "unit",
    "law": "balanced",
    "repeats": 1,
    "seed": 0,
    "rtol": 1e-8,
    "problem": (),
    "target": "y",
    "bias": False,
}
KEYS = ("compute", "problem", "target", "bias", *GRID, "start", "repeats", "seed", "rtol")


@dataclass(frozen=True)
class Setting:
    """One combination."""

    n_samples: int
    width: int
    labels: str
    norms: str
    law: str
    init_scale: str | None
    problem: str = ""
    """What the data are called, if they are given."""
    data: bytes = field(default=b"", repr=False)
    """They."""


@dataclass(frozen=True)
class Spec:
    """A sweep. Made by `Spec.read` or `Spec.parse`, which check it."""

    compute: str
    """"jumps", "flow", "coverage", or a function of your own as "module:function"; one that cannot be
    imported, with a digest of what it does behind its name."""
    n_samples: tuple[int, ...]
    """Numbers of samples n."""
    width: tuple[int, ...]
    """Numbers of neurons m."""
    labels: tuple[str, ...]
    """Laws of the labels, as in `make_orthogonal`."""
    norms: tuple[str, ...]
    """Laws of the norms."""
    law: tuple[str, ...]
    """Laws of the start, as in `Initialization.draw`."""
    init_scale: tuple[str, ...]
    """Scales λ of the flow, as decimal strings; none for what has no λ."""
    start: str
    """Whether to draw active "sets" only, or "weights"."""
    repeats: int
    """Trials for each combination."""
    seed: int
    """Seed of the sweep."""
    rtol: float
    """Relative accuracy of flows."""
    folder: str = ""
    """Where a function of your own is looked for first."""
    function: bytes = field(default=b"", repr=False)
    """A function of your own that cannot be imported, pickled."""
    problem: tuple[str, ...] = ()
    """Data files, or names of shipped data, in place of samples that are drawn."""
    target: str = "y"
    """Label column of the files."""
    bias: bool = False
    """Whether to append a feature 1 to the data."""
    digests: tuple[str, ...] = ()
    """What the data are known by."""
    data: tuple[bytes, ...] = field(default=(), repr=False)
    """The data, pickled."""

    @classmethod
    def read(cls, path: str | Path) -> Spec:
        """Read a TOML file.

        Parameters
        ----------
        path : path-like
            A file with the fields of this class as keys; those of the grid take a value or a list.

        Raises
        ------
        InputError
            Naming the key and its line.
        """
        path = as_path(path, "path")
        try:
            text = path.read_text(encoding="utf-8")
            content = tomllib.loads(text, parse_float=str)  # 1e-1000 is no float
        except (OSError, ValueError, RecursionError) as err:  # numbers of thousands of digits too
            reason = err.strerror if isinstance(err, OSError) else str(err)
            raise InputError(f"{path.name!r} is not a readable TOML file ({reason}).") from None
        return cls.parse(content, _lines_of(text), str(path.parent.resolve()))

    @classmethod
    def parse(
        cls, content: Mapping[str, Any], lines: Mapping[str, int] | None = None, folder: str = ""
    ) -> Spec:
        """Check a spec given as a mapping of the keys that a TOML file has.

        `compute` may also be a function.
        """
        lines, function = lines or {}, b""
        key = "compute"
        try:
            for key in content:
                if key not in KEYS:
                    raise InputError(
                        f"`{key}` is not a key of a sweep; pass one of {', '.join(KEYS)}."
                    )
            for key in ("compute", "n_samples", "width"):
                if key not in content and not (key == "n_samples" and "problem" in content):
                    raise InputError(f"`{key}` is missing; give it.")
            key = "compute"
            if callable(content[key]):
                name, function = named(content[key])
                content = {**content, key: name}
            values: dict[str, Any] = {"compute": content[key]}
            for key in KEYS[1:] if function else KEYS:
                values[key] = _checked(key, content, values, folder)
            key = "problem"
            values |= _read_data(values, folder)
            return cls(**values, folder=folder, function=function)
        except (InputError, DataFileError) as err:
            where = f"Line {lines[key]}: " if key in lines else ""
            sentence = str(err).replace("`--target`", "`target`")
            raise InputError(f"{where}{_named(key, sentence)}") from None

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.repeats * prod(map(len, self._axes))

    @cached_property
    def _axes(self) -> tuple[tuple[Any, ...], ...]:
        scales = self.init_scale or (None,)
        drawn = (self.n_samples, self.width, self.labels, self.norms, self.law, scales)
        given = tuple(
            (unpacked(data).n_samples, name, data)
            for name, data in zip(self.problem, self.data, strict=True)
        )
        return (given, self.width, self.law, scales) if given else drawn

    @cached_property
    def _settings(self) -> list[Setting]:
        combinations = product(*self._axes)
        if not self.problem:
            return [Setting(*values) for values in combinations]
        return [
            Setting(n_samples, width, "", "", law, scale, name, data)
            for (n_samples, name, data), width, law, scale in combinations
        ]

    def setting(self, trial: int) -> Setting:
        """Return the combination that a trial runs."""
        return self._settings[self.combination(trial)]

    @property
    def n_combinations(self) -> int:
        """Number of combinations of settings."""
        return len(self._settings)

    def combination(self, trial: int) -> int:
        """Return which combination that is, from 0."""
        return trial % self.n_combinations

    def repeat(self, trial: int) -> int:
        """Return which repeat of its combination a trial is, from 0."""
        return trial // self.n_combinations

    def trial_seed(self, trial: int) -> int:
        """Return the seed of a trial: `numpy.random.default_rng` of it draws all its numbers."""
        sequence = np.random.SeedSequence(self.seed, spawn_key=(trial,))
        return int(sequence.generate_state(1, np.uint64)[0])

    def to_json(self) -> str:
        """Return what the numbers depend on, one line for each key."""
        left_out = ("folder", "function", "data", *(() if self.problem else GIVEN))
        names = [entry.name for entry in fields(self) if entry.name not in left_out]
        return "\n".join(f"{json.dumps(key)}: {json.dumps(getattr(self, key))}" for key in names)


def _lines_of(text: str) -> dict[str, int]:
    """Line on which each key stands."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"\s*\[*\s*[\"']?([\w.-]+)[\"']?\s*(?:=|\])", line)
        if match:
            lines.setdefault(match[1], number)
    return lines


def _named(key: str, message: str) -> str:
    return message if f"`{key}" in message else f"`{key}`: {message}"


def _checked(key: str, content: Mapping[str, Any], known: dict[str, Any], folder: str) -> Any:
    """Return the checked value of a key, given those of the keys before it."""
    value = content.get(key, DEFAULTS.get(key))
    if key == "compute":
        if not isinstance(value, str):
            raise InputError(f"`compute` is {brief(value)}; pass a name or a function.")
        load_function(value, folder)
        return value
    if key == "problem":
        return _entries(key, value, _checked_word) if key in content else ()
    if key == "target":
        return _checked_word(key, value)
    if key == "bias":
        return flag(value, key)
    if key in DRAWN and known["problem"]:
        return _none_of(key, content)
    if key == "init_scale":
        return _checked_scales(value, known["compute"])
    if key in GRID:
        return _entries(key, value, _checked_entry)
    if key == "start":
        return _checked_start(value, known)
    if key == "rtol":
        return _checked_rtol(value)
    return positive_int(value, key) if key == "repeats" else int_at_least(value, key, 0, MOST_SEED)


def _read_data(values: dict[str, Any], folder: str) -> dict[str, Any]:
    """Return the data that a spec names, and their digests."""
    target, bias = values["target"], values["bias"]
    if bias and not values["problem"]:
        raise InputError(
            "`bias` is given but no `problem`, and drawn samples have none; leave it out."
        )
    read = [packed(name, folder, target, bias) for name in values["problem"]]
    for name, (data, _) in zip(values["problem"], read, strict=True):
        if values["compute"] == "coverage" and not isinstance(unpacked(data), Problem):
            raise InputError(
                f'`compute = "coverage"` is of orthogonal rows, which those of {name!r} are not; use '
                '"jumps".'
            )
    return {"data": tuple(one for one, _ in read), "digests": tuple(one for _, one in read)}


def _none_of(key: str, content: Mapping[str, Any]) -> tuple[Any, ...]:
    if key in content:
        raise InputError(f"`{key}` is given, but `problem` brings its own samples; leave it out.")
    return ()


def _checked_word(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"`{key}` is {brief(value)}; pass a name.")
    return value


def _entries(key: str, value: Any, checked: Callable[[str, Any], Any]) -> tuple[Any, ...]:
    listed = value if isinstance(value, (list, tuple)) else [value]
    entries = tuple(checked(key, entry) for entry in listed)
    if not entries:
        raise InputError(f"`{key}` is an empty list, so there is nothing to run; give a value.")
    if len(set(map(str, entries))) < len(entries):
        raise InputError(f"`{key}` gives a value twice; use `repeats` to run it more often.")
    return entries


def _checked_entry(key: str, value: Any) -> int | str:
    return (
        int_at_least(value, key, LEAST[key]) if key in LEAST else one_of(value, key, CHOICES[key])
    )


def _checked_scale(_: str, value: Any) -> str:
    text = brief(value) if isinstance(value, int) else str(value)
    parse_scale(text)
    return text


def _checked_scales(value: Any, compute: str) -> tuple[str, ...]:
    if compute in ("jumps", "coverage"):
        if value is not None:
            raise InputError(
                f'`init_scale` is given but `compute = "{compute}"` is of the limit λ → 0; leave '
                "it out."
            )
        return ()
    if value is None:
        if compute == "flow":
            raise InputError("`init_scale` is missing; a flow needs the scale λ of its start.")
        return ()
    return _entries("init_scale", value, _checked_scale)


def _checked_start(value: Any, known: dict[str, Any]) -> str:
    coins = set(known["law"]) <= set(FAIR_COINS)
    by_signs = known["compute"] in ("jumps", "coverage") and coins and not known["problem"]
    start = one_of(value or ("sets" if by_signs else "weights"), "start", STARTS)
    if start == "sets" and not coins:
        raise InputError(
            f'`start = "sets"` has a meaning for the laws {" and ".join(FAIR_COINS)} only; use "weights".'
        )
    if start == "sets" and known["problem"]:
        raise InputError(
            '`start = "sets"` is of drawn samples, and `problem` is given; leave it out.'
        )
    if start == "sets" and known["compute"] == "flow":
        raise InputError('`start = "sets"` has no weights for a flow to start from; leave it out.')
    return start


def _checked_rtol(value: Any) -> float:
    try:
        rtol = float(value)
    except (TypeError, ValueError, OverflowError):
        rtol = float("nan")
    if not 1e-13 <= rtol <= 1e-1:
        raise InputError(f"`rtol` is {brief(value)}; pass a number from 1e-13 to 1e-1.")
    return rtol
