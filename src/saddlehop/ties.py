"""Neurons that activate at the same jump: who fits what.

A tie falls into parts that share no sample. In a part
- one neuron alone fits its samples;
- neurons with one common open set fit it together, as a multiple each of the same direction;
  the squared norm is that of a lone neuron. If their whole sets S_j agree, their sizes keep the
  ratio C_i : C_j of the alignment for ever;
- otherwise the shares depend on the orbit between the saddles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._arrays import Array
from .active_sets import ActiveSets
from .alignment import Alignment
from .errors import UnresolvedTieError


@dataclass(frozen=True, eq=False)
class Part:
    """Neurons of a tie that share samples, directly or through others."""

    neurons: tuple[int, ...]
    """The neurons."""
    samples: NDArray[np.int64]
    """The samples they fit."""
    same_open_set: bool
    """Whether all of them fit all of the samples."""
    same_set: bool
    """Whether their whole sets S_j agree."""

    def shares(self, alignment: Alignment | None) -> Array:
        """Fraction of the common size that each neuron takes; their squares add up to 1."""
        if len(self.neurons) == 1:
            return np.ones(1)
        names = ", ".join(map(str, self.neurons))
        if not self.same_set:
            raise UnresolvedTieError(
                f"Neurons {names} activate together and share some of the samples "
                f"{self._sample_names()}, so their weights depend on the orbit between saddles; use "
                "times, losses and samples, or break the tie by changing a label slightly."
            )
        if alignment is None:
            raise UnresolvedTieError(
                f"Neurons {names} have the same active set, so their weights depend on the start; "
                "pass an Initialization or Alignment to `solve_jumps`."
            )
        log_size = alignment.log_growth[list(self.neurons)]
        size = np.exp(log_size - log_size.max())
        return np.asarray(size / np.linalg.norm(size))

    def _sample_names(self) -> str:
        names = ", ".join(map(str, self.samples[:6]))
        return names + ", ..." if self.samples.size > 6 else names


def is_determined(part: Part) -> bool:
    """Whether the squared norm of `part` follows from the jump order alone."""
    return part.same_open_set


def split_tie(sets: ActiveSets, neurons: tuple[int, ...], samples: NDArray[np.int64]) -> list[Part]:
    """Split the neurons of a jump and the samples they fit into parts that share no sample."""
    if len(neurons) == 1:
        return [Part(neurons, samples, True, True)]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    fits = np.array([sets.of(neuron, samples) for neuron in neurons])
    row, col = np.nonzero(fits)
    n_nodes = len(neurons) + samples.size
    edges = coo_array(
        (np.ones(row.size, dtype=np.int8), (row, col + len(neurons))), (n_nodes, n_nodes)
    )
    n_parts, label = connected_components(edges, directed=False)
    of_neuron, of_sample = label[: len(neurons)], label[len(neurons) :]
    return [
        _part(
            sets,
            np.array(neurons)[of_neuron == i],
            samples[of_sample == i],
            fits[of_neuron == i][:, of_sample == i],
        )
        for i in range(n_parts)
    ]


def _part(
    sets: ActiveSets,
    neurons: NDArray[np.int64],
    samples: NDArray[np.int64],
    fits: NDArray[np.bool_],
) -> Part:
    first = sets.of(neurons[0])
    same_open_set = bool(fits.all())
    same_set = same_open_set and all(np.array_equal(first, sets.of(j)) for j in neurons[1:])
    return Part(tuple(int(j) for j in neurons), samples, same_open_set, same_set)
