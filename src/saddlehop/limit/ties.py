"""Neurons that activate at the same jump: who fits what.

A tie falls into parts that share no sample. In a part
- one neuron alone fits its samples, a u_k = β_k, with a² = ‖β‖;
- neurons with one common open set fit it together, as a multiple each of the same direction; their
  sizes keep the ratio they arrive with, and the squared norm is that of a lone neuron;
- otherwise the shares are those of the orbit between the saddles (`heteroclinic.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .active_sets import ActiveSets


@dataclass(frozen=True, eq=False)
class Part:
    """Neurons of a tie that share samples, directly or through others."""

    members: tuple[int, ...]
    """The neurons, as positions in the tuple of the jump."""
    neurons: tuple[int, ...]
    """The neurons."""
    samples: NDArray[np.int64]
    """The samples they fit."""
    same_open_set: bool
    """Whether all of them fit all of the samples."""


def split_tie(sets: ActiveSets, neurons: tuple[int, ...], samples: NDArray[np.int64]) -> list[Part]:
    """Split the neurons of a jump and the samples they fit into parts that share no sample."""
    if len(neurons) == 1:
        return [Part((0,), neurons, samples, True)]
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
    parts = []
    for i in range(n_parts):
        members = tuple(np.flatnonzero(of_neuron == i).tolist())
        inside = of_sample == i
        parts.append(
            Part(
                members,
                tuple(neurons[g] for g in members),
                samples[inside],
                bool(fits[list(members)][:, inside].all()),
            )
        )
    return parts


def samples_apart(sets: ActiveSets, parts: list[Part]) -> list[NDArray[np.int64]]:
    """The samples of each part; of one whose neurons share only some, those of each neuron."""
    return [
        samples
        for part in parts
        for samples in (
            [part.samples]
            if part.same_open_set
            else [part.samples[sets.of(neuron, part.samples)] for neuron in part.neurons]
        )
    ]
