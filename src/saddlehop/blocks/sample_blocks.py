"""Samples too many to hold at once: blocks that are read or drawn when and where they are needed.

A *recipe* is a small, picklable description of a block; `load` makes the block, the same each time.
Samples are (y_k, ‖x_k‖) and m bits, all the limit λ → 0 depends on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, chunks
from .._support.brief import Brief
from .._support.memory import require_memory
from .._support.optional import require
from .._support.validate import as_generator, as_path, instance_of, one_of, positive_int
from ..errors import DataFileError, InputError
from ..limit.active_sets import ActiveSets, Coins, Words, n_words
from ..limit.block_work import Block
from ..limit.jumps import with_matching_signs
from ..limit.thread_teams import Recipe
from ..model.datasets import LABELS, NORMS
from ..model.general_problem import orthogonal_problem
from ..model.problem import Problem

BLOCK_SIZE = 2**22
COLUMNS = ("y", "norm")
_MOST_BLOCKS = 2**20


@dataclass(frozen=True, eq=False, repr=False)
class SampleBlocks(Brief):
    """All samples of a problem, in blocks, with the active sets of a layer of neurons.

    Made by `from_parquet`, `draw` or `from_sets`.
    """

    recipes: tuple[Recipe, ...]
    """One for each block."""
    signs: NDArray[np.int8]
    """Sign of each output weight, shape (m,)."""

    @property
    def n_samples(self) -> int:
        """Number of samples n."""
        return sum(recipe.n_samples for recipe in self.recipes)

    @property
    def width(self) -> int:
        """Number of neurons m."""
        return self.signs.size

    @classmethod
    def from_parquet(
        cls, path: str | Path, width: int, rng: Any = None, block_size: int = BLOCK_SIZE
    ) -> SampleBlocks:
        """Take samples from Parquet and draw active sets for them.

        Parameters
        ----------
        path : path-like
            A file, or a folder of `.parquet` files taken in the order of their names, with columns
            `y` (labels) and `norm` (input norms, ones if there is no such column). Workers of a
            cluster must find it under the same path.
        width : int
            Number of neurons m.
        rng : None, int or numpy Generator
            For the active sets; they are those of `ActiveSets.draw` with the same `rng`.
        block_size : int
            Samples per block.

        Returns
        -------
        SampleBlocks
        """
        size, m = positive_int(block_size, "block_size"), positive_int(width, "width")
        coins = Coins.draw(m, as_generator(rng))
        files = parquet_files(as_path(path, "path"))
        groups = [group for file in files for group in _row_groups(file)]
        n_samples = sum(group.n_rows for group in groups)
        if n_samples == 0:
            raise DataFileError(f"{str(path)!r} has no rows; pass at least one sample.")
        recipes = tuple(
            _ReadBlock(coins, part.start, _pieces(groups, part))
            for part in _parts(n_samples, size, m)
        )
        return cls(recipes, coins.signs)

    @classmethod
    def draw(
        cls,
        n_samples: int,
        width: int,
        labels: str = "gaussian",
        norms: str = "unit",
        rng: Any = None,
        block_size: int = BLOCK_SIZE,
    ) -> SampleBlocks:
        """Draw samples and active sets, any block again anywhere.

        Parameters
        ----------
        n_samples, width : int
            Number of samples n and of neurons m.
        labels, norms : str
            As in `make_orthogonal`: the same laws, but other numbers.
        rng : None, int or numpy Generator
        block_size : int
            Samples per block; the samples do not depend on it.

        Returns
        -------
        SampleBlocks
        """
        n = positive_int(n_samples, "n_samples")
        size, m = positive_int(block_size, "block_size"), positive_int(width, "width")
        one_of(labels, "labels", LABELS)
        one_of(norms, "norms", NORMS)
        generator = as_generator(rng)
        coins = Coins.draw(m, generator)
        keys = generator.integers(0, 2**64, size=(2, 2), dtype=np.uint64)
        recipes = tuple(
            _DrawnBlock(coins, part.start, part.stop - part.start, labels, norms, keys)
            for part in _parts(n, size, m)
        )
        return cls(recipes, coins.signs)

    @classmethod
    def from_sets(
        cls, problem: Problem, sets: ActiveSets, block_size: int = BLOCK_SIZE
    ) -> SampleBlocks:
        """Cut a problem and its active sets, held in memory, into blocks.

        Parameters
        ----------
        problem : Problem
        sets : ActiveSets
        block_size : int
            Samples per block.

        Returns
        -------
        SampleBlocks
        """
        orthogonal_problem(
            problem, "blocks of samples are", "align the neurons with `sh.align(problem, init)`"
        )
        instance_of(sets, "sets", ActiveSets)
        size = positive_int(block_size, "block_size")
        whole = Block(with_matching_signs(problem, sets).words, problem.y, problem.norms)
        recipes = tuple(
            _HeldBlock(whole.of(part)) for part in _parts(problem.n_samples, size, sets.width)
        )
        return cls(recipes, sets.signs)


@dataclass(frozen=True, eq=False)
class _HeldBlock:
    block: Block

    @property
    def n_samples(self) -> int:
        return self.block.y.size

    def load(self) -> Block:
        return self.block


@dataclass(frozen=True, eq=False)
class _DrawnBlock:
    coins: Coins
    first: int
    n_samples: int
    labels: str
    norms: str
    keys: Words

    def load(self) -> Block:
        y = _drawn_labels(self.labels, _uniform(self.keys[0], self.first, self.n_samples))
        words = self.coins.words(y, self.first)
        if self.norms == "unit":
            return Block(words, y)
        uniform = _uniform(self.keys[1], self.first, self.n_samples)
        return Block(words, y, _drawn_norms(self.norms, uniform))


def _parts(n_samples: int, size: int, width: int) -> Iterator[slice]:
    n_blocks = -(-n_samples // size)
    if n_blocks > _MOST_BLOCKS:
        raise InputError(
            f"`block_size` is {size}, which makes {n_blocks} blocks of {n_samples} samples; pass at "
            f"least {-(-n_samples // _MOST_BLOCKS)}."
        )
    rows = min(size, n_samples)
    require_memory(rows * (3 + n_words(width)), f"A block of {rows} samples and {width} neurons")
    return chunks(n_samples, size)


def _uniform(key: Words, first: int, count: int) -> Array:
    """Numbers `first`, `first` + 1, … of a stream of uniform ones on (0, 1)."""
    stream = np.random.Philox(key=key)
    stream.advance(first // 4)  # a count of the generator makes four numbers
    stream.random_raw(first % 4, output=False)
    return np.asarray(np.random.Generator(stream).random(count) + 2.0**-54)


def _drawn_labels(law: str, uniform: Array) -> Array:
    if law == "gaussian":
        from scipy.special import ndtri

        return np.asarray(ndtri(uniform))
    side = 2 * uniform - 1
    sign = np.where(side < 0, -1.0, 1.0)
    return sign if law == "sign" else sign + side


def _drawn_norms(law: str, uniform: Array) -> Array:
    if law == "uniform":
        return 1 + uniform
    from scipy.special import ndtri

    return np.asarray(np.exp(ndtri(uniform) / 2))


@dataclass(frozen=True)
class _RowGroup:
    file: str
    index: int
    n_rows: int


@dataclass(frozen=True)
class _Piece:
    """Rows of a row group."""

    group: _RowGroup
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class _ReadBlock:
    coins: Coins
    first: int
    pieces: tuple[_Piece, ...]

    @property
    def n_samples(self) -> int:
        return sum(piece.stop - piece.start for piece in self.pieces)

    def load(self) -> Block:
        columns = [_read(piece) for piece in self.pieces]
        y, norms = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        try:
            part = Problem(y, norms)
        except InputError as err:
            raise DataFileError(
                f"Samples from {self.first} on, in {Path(self.pieces[0].group.file).name!r}: {err}"
            ) from None
        return Block(self.coins.words(part.y, self.first), part.y, part.norms)


def parquet_files(path: Path) -> list[Path]:
    """Return the file itself, or the Parquet files in the folder by name."""
    if path.is_file():
        return [path]
    files = sorted(path.glob("*.parquet")) if path.is_dir() else []
    if not files:
        raise DataFileError(
            f"There is no Parquet file at {str(path)!r}; pass a file or a folder of such files."
        )
    return files


def is_sample_file(path: Path) -> bool:
    """Tell whether a Parquet file or folder has no columns but those of samples without inputs."""
    if not path.is_dir() and path.suffix.lower() != ".parquet":
        return False
    names = set(_open(parquet_files(path)[0]).schema_arrow.names)
    return "y" in names and names <= set(COLUMNS)


def _open(file: Path) -> Any:
    require("pyarrow", "Reading Parquet files", "parquet")
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        content = ParquetFile(file)
    except (ArrowException, OSError) as err:
        reason = " ".join(str(err).split()).rstrip(".")
        raise DataFileError(
            f"{file.name!r} is not a readable Parquet file ({reason}); write it again."
        ) from None
    names = content.schema_arrow.names
    for name in COLUMNS:
        if names.count(name) > 1:
            raise DataFileError(f"{file.name!r} has two columns {name!r}; remove one of them.")
    return content


def _row_groups(file: Path) -> list[_RowGroup]:
    content = _open(file)
    if "y" not in content.schema_arrow.names:
        raise DataFileError(
            f"{file.name!r} has the columns {', '.join(content.schema_arrow.names)}; pass one with "
            "`y`, and `norm` unless all inputs have norm 1."
        )
    return [
        _RowGroup(str(file.resolve()), i, content.metadata.row_group(i).num_rows)
        for i in range(content.num_row_groups)
    ]


def _pieces(groups: Sequence[_RowGroup], part: slice) -> tuple[_Piece, ...]:
    """Rows `part` of all row groups in a line."""
    pieces, first = [], 0
    for group in groups:
        start, stop = max(part.start - first, 0), min(part.stop - first, group.n_rows)
        if start < stop:
            pieces.append(_Piece(group, start, stop))
        first += group.n_rows
    return tuple(pieces)


def _read(piece: _Piece) -> tuple[Array, Array]:
    file = Path(piece.group.file)
    content = _open(file)
    names = [name for name in COLUMNS if name in content.schema_arrow.names]
    table = content.read_row_group(piece.group.index, columns=names)
    rows = table.slice(piece.start, piece.stop - piece.start)
    values = {name: _column(rows, name, file.name) for name in names}
    return values["y"], values.get("norm", np.ones(len(rows)))


def _column(rows: Any, name: str, file: str) -> Array:
    column = rows.column(name)
    if column.null_count:
        raise DataFileError(f"Column {name!r} of {file!r} has empty cells; fill or remove them.")
    values = column.to_numpy()
    if values.dtype.kind not in "biuf":
        raise DataFileError(f"Column {name!r} of {file!r} holds {column.type}; make it numeric.")
    return np.asarray(values, dtype=np.float64)
