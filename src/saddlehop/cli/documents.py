"""What commands print with `--json`: documents with the numbers of the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._support.arrays import Array
from .._version import __version__
from ..blocks.jumps import BlockJumpPath
from ..errors import NotOrthogonalError, SaddlehopError
from ..flow.simulate import FlowPath
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath
from ..model.general_problem import AnyProblem
from ..model.initialization import FAIR_COINS, Initialization
from ..model.problem import Problem
from ..trust.certificate import Certificate
from ..yardsticks.comparison import Comparison
from ..yardsticks.interpolation import interpolation_probability
from ..yardsticks.min_norm import min_norm_interpolator


@dataclass(frozen=True, eq=False)
class Setting:
    """What a command was asked to solve."""

    name: str
    """What the data are called."""
    problem: AnyProblem
    """The data."""
    init: Initialization
    """The start."""
    law: str
    """Its law."""
    seed: int
    """Its seed."""
    images: Array | None = None
    """A grey picture of each sample, shape (n, height, width), if the data are images."""

    @property
    def title(self) -> str:
        """What the tables are about."""
        kind = "" if self.is_orthogonal else f" as they are (rank {self.problem.n_coordinates})"
        return f"{self.name}{kind}, {self.init.width} neurons, {self.law} start, seed {self.seed}"

    @property
    def is_orthogonal(self) -> bool:
        """Whether the rows are orthogonal, so that the orthogonal modules solve them."""
        return isinstance(self.problem, Problem)

    def orthogonal(self, what: str) -> Problem:
        """Return the problem of a command that needs orthogonal rows, or say so."""
        if not isinstance(self.problem, Problem):
            raise NotOrthogonalError(f"The rows of {self.name!r} are not orthogonal, and {what}.")
        return self.problem

    @property
    def chance(self) -> float | None:
        """Chance that such a start interpolates in the limit, for the laws with a formula."""
        if self.law not in FAIR_COINS or not self.is_orthogonal:
            return None
        y = self.problem.y
        return interpolation_probability(int(np.sum(y > 0)), int(np.sum(y < 0)), self.init.width)

    def document(self) -> dict[str, Any]:
        """The setting as the head of a JSON document."""
        return {
            "saddlehop": __version__,
            "data": self.name,
            "n_samples": self.problem.n_samples,
            "n_features": self.problem.n_features,
            "width": self.init.width,
            "law": self.law,
            "seed": self.seed,
            "orthogonal": self.is_orthogonal,
        }


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document."""
    print(json.dumps(document, indent=2, allow_nan=False))


def jumps_document(
    setting: Setting, jumps: JumpPath, certificate: Certificate | None = None
) -> dict[str, Any]:
    """The jumps as a JSON document."""
    proof = {} if certificate is None else {"certificate": _certificate_record(certificate)}
    return (
        setting.document()
        | proof
        | {
            "initial_loss": float(jumps.losses[0]),
            "jumps": [
                _jump_record(jumps, index) | extra
                for index, extra in zip(range(jumps.n_jumps), _next_order(jumps), strict=True)
            ],
            "interpolates": jumps.interpolates,
            "unfit": jumps.unfit.tolist(),
            "min_sq_norm": min_norm_interpolator(jumps.problem).sq_norm,
            "interpolation_probability": setting.chance,
        }
    )


def block_jumps_document(name: str, seed: int, jumps: BlockJumpPath) -> dict[str, Any]:
    """The jumps of samples in blocks as a JSON document."""
    return {
        "saddlehop": __version__,
        "data": name,
        "n_samples": jumps.n_samples,
        "width": jumps.width,
        "seed": seed,
        "initial_loss": float(jumps.losses[0]),
        "jumps": [
            {
                "jump": i + 1,
                "clock": float(jumps.times[i]),
                "neurons": list(jumps.neurons[i]),
                "n_fitted": int(jumps.n_fitted[i]),
                "loss": float(jumps.losses[i + 1]),
                "sq_norm": finite_or_none(jumps.sq_norms[i + 1]),
                "sq_norm_bounds": jumps.sq_norm_bounds[i + 1].tolist(),
                "escape_rate": float(jumps.escape_rates[i]),
                "margin": finite_or_none(jumps.margins[i]),
            }
            for i in range(jumps.n_jumps)
        ],
        "interpolates": jumps.interpolates,
        "n_unfit": jumps.n_unfit,
        "min_sq_norm": jumps.least_sq_norm,
        "interpolation_probability": interpolation_probability(
            jumps.n_positive, jumps.n_negative, jumps.width
        ),
    }


def flow_document(setting: Setting, flow: FlowPath) -> dict[str, Any]:
    """The flow as a JSON document."""
    return setting.document() | {
        "log_init_scale": flow.log_init_scale,
        "status": flow.status,
        "t": flow.t.tolist(),
        "losses": flow.losses.tolist(),
        "sq_norms": flow.sq_norms.tolist(),
        "activation_times": _nullable(flow.activation_times),
        "final_output": flow.final.output.tolist(),
        "stats": flow.stats,
    }


def comparisons_document(setting: Setting, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """The comparisons as a JSON document."""
    return setting.document() | {
        **_how_it_ended(comparisons[0].jumps),
        "comparisons": [
            {
                "log_init_scale": one.flow.log_init_scale,
                "limit_clock": _nullable(one.limit_clock),
                "flow_clock": _nullable(one.flow_clock),
                "norm_gap": one.norm_gap,
                "loss_gap": one.loss_gap,
                "clock": one.clock.tolist(),
                "distance": one.distance.tolist(),
                "resolved": one.resolved.tolist(),
                "swapped": one.swapped.tolist(),
            }
            for one in comparisons
        ],
    }


def _how_it_ended(jumps: JumpPath | GeneralJumpPath) -> dict[str, str]:
    if isinstance(jumps, JumpPath):
        return {}
    return {"status": jumps.status, "message": jumps.message}


def _certificate_record(certificate: Certificate) -> dict[str, Any]:
    return {
        "verdicts": list(certificate.verdicts),
        "reasons": list(certificate.reasons),
        "contradictions": list(certificate.contradictions),
        "clocks": certificate.times.tolist(),
        "losses": certificate.losses.tolist(),
        "sq_norms": certificate.sq_norms.tolist(),
        "escape_rates": certificate.escape_rates.tolist(),
        "margins": [_nullable(pair) for pair in certificate.margins],
        "rounded_neurons": list(certificate.rounded),
        "bits": certificate.bits,
    }


def _jump_record(jumps: JumpPath, index: int) -> dict[str, Any]:
    return {
        "jump": index + 1,
        "clock": float(jumps.times[index]),
        "neurons": list(jumps.neurons[index]),
        "samples": jumps.samples[index].tolist(),
        "loss": float(jumps.losses[index + 1]),
        "sq_norm": finite_or_none(jumps.sq_norms[index + 1]),
        "sq_norm_bounds": jumps.sq_norm_bounds[index + 1].tolist(),
        "escape_rate": float(jumps.escape_rates[index]),
        "margin": finite_or_none(jumps.margins[index]),
    }


def _next_order(jumps: JumpPath) -> list[dict[str, float | None]]:
    """Corrections and resolving scales; null if the orbits cannot be followed."""
    try:
        values = np.column_stack([jumps.corrections, jumps.resolving_scale])
    except SaddlehopError:
        values = np.full((jumps.n_jumps, 2), np.nan)
    names = ("correction", "resolving_log10_scale")
    return [dict(zip(names, _nullable(row), strict=True)) for row in values]


def _nullable(values: Any) -> list[float | None]:
    return [finite_or_none(value) for value in values]


def finite_or_none(value: float) -> float | None:
    """Return a number, or None for nan and infinity, which JSON has not."""
    return float(value) if np.isfinite(value) else None
