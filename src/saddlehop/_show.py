"""What commands print: rich tables, sentences, and JSON documents with the same numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ._version import __version__
from .block_jumps import BlockJumpPath
from .certificate import Certificate
from .check import SecondOpinion
from .comparison import Comparison
from .errors import SaddlehopError
from .flow import FlowPath
from .initialization import Initialization
from .interpolation import interpolation_probability
from .jumps import JumpPath
from .min_norm import min_norm_interpolator
from .problem import Problem

JUMP_HEADINGS: tuple[str, ...] = (
    "jump",
    "clock",
    "neuron",
    "sign",
    "samples",
    "loss",
    "‖θ‖²",
    "margin",
)


@dataclass(frozen=True, eq=False)
class Setting:
    """What a command was asked to solve."""

    name: str
    """What the data are called."""
    problem: Problem
    """The data."""
    init: Initialization
    """The start."""
    law: str
    """Its law."""
    seed: int
    """Its seed."""

    @property
    def title(self) -> str:
        """What the tables are about."""
        return f"{self.name}, {self.init.width} neurons, {self.law} start, seed {self.seed}"

    @property
    def chance(self) -> float | None:
        """Chance that such a start interpolates in the limit, for the laws with a formula."""
        if self.law == "gaussian":
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
        }


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document."""
    print(json.dumps(document, indent=2, allow_nan=False))


def say(message: str) -> None:
    """Print a message to stderr."""
    print(message, file=sys.stderr)


def print_jumps(setting: Setting, jumps: JumpPath, certificate: Certificate | None = None) -> None:
    """Print the table of jumps, with verdicts if there are any, and what to make of it."""
    headings, rows = JUMP_HEADINGS, _jump_rows(jumps)
    if certificate is not None:
        headings = (*headings, "verdict")
        verdicts = ["", *certificate.verdicts, *[""] * jumps.n_jumps]
        rows = [[*row, verdict] for row, verdict in zip(rows, verdicts, strict=False)]
    _print_table(f"Jumps of {setting.title}", headings, rows)
    _print_lines(_jump_summary(setting, jumps))
    if certificate is not None:
        _print_lines(_certificate_summary(certificate))


def print_block_jumps(name: str, seed: int, jumps: BlockJumpPath) -> None:
    """Print the table of jumps of samples in blocks and what to make of it."""
    title = f"Jumps of {name}, {jumps.n_samples} samples, {jumps.width} neurons, seed {seed}"
    _print_table(title, JUMP_HEADINGS, _jump_rows(jumps))
    chance = interpolation_probability(jumps.n_positive, jumps.n_negative, jumps.width)
    _print_lines(_summary(jumps, jumps.n_samples, jumps.n_unfit, jumps.least_sq_norm, chance))


def _jump_rows(jumps: JumpPath | BlockJumpPath) -> list[list[str]]:
    rows = [["", "0", "", "", "", f"{jumps.losses[0]:.5g}", "0", ""]]
    frame = jumps.to_frame()
    for number, row in zip(frame.index, frame.to_dict("records"), strict=True):
        rows.append(
            [
                str(number),
                f"{row['clock']:.5g}",
                str(row["neurons"]),
                str(row["sign"]),
                str(row["samples"]),
                f"{row['loss']:.5g}",
                f"{row['sq_norm']:.5g}",
                f"{row['margin']:.3g}",
            ]
        )
    return rows


def print_flow(setting: Setting, flow: FlowPath) -> None:
    """Print which neurons matter at the end of a flow and when they activated."""
    final = flow.final
    size = np.abs(final.output)
    matters = np.flatnonzero(size > 1e-2 * size.max())
    order = matters[np.argsort(flow.activation_times[matters], kind="stable")]
    rows = [
        [
            str(j),
            f"{flow.activation_times[j]:.6g}",
            f"{flow.activation_times[j] / -flow.log_init_scale:.5g}"
            if flow.log_init_scale < 0
            else "",
            "+" if final.output[j] > 0 else "-",
            f"{size[j]:.5g}",
        ]
        for j in order
    ]
    _print_table(
        f"Flow of {setting.title}, λ = {scale_name(flow.log_init_scale)}",
        ("neuron", "activation t", "clock", "sign", "|a|"),
        rows,
    )
    least = min_norm_interpolator(setting.problem).sq_norm
    _print_lines(
        [
            "Activation: a² passes half of its final value. Neurons below 1% of the largest are left out.",
            f"{flow.message}",
            f"At t = {flow.t[-1]:.6g} the loss is {flow.losses[-1]:.4g}, of {flow.losses[0]:.4g}.",
            f"Squared norm reached: {flow.sq_norms[-1]:.6g}; least for an interpolator: {least:.6g}.",
            f"Work: {flow.stats['steps']} steps, {flow.stats['deaths']} deaths of pairs.",
        ]
    )


def print_comparisons(setting: Setting, comparisons: Sequence[Comparison]) -> None:
    """Print one row for each λ."""
    headings = ("λ", "clock error", "norm gap", "loss gap", "distance", "swapped", "steps")
    rows = [
        [
            scale_name(one.flow.log_init_scale),
            f"{_worst(one.activation_errors):.3g}",
            f"{one.norm_gap:.3g}",
            f"{one.loss_gap:.2g}",
            f"{_worst(one.distance[one.resolved]):.3g}",
            str(len(one.swapped)),
            str(one.flow.stats["steps"]),
        ]
        for one in comparisons
    ]
    _print_table(f"Flow against the limit: {setting.title}", headings, rows)
    _print_lines(
        [
            "Clock error: largest difference of an activation, on the clock t / log(1/λ).",
            "Gaps: flow minus limit at the end. Swapped: pairs that activate in another order.",
            "Distance: largest between the paths, over the limit's norm, at saddles between jumps that",
            "stand apart at this λ.",
        ]
    )


def print_opinion(setting: Setting, opinion: SecondOpinion) -> None:
    """Print one row for each quantity and other way to it."""
    rows = [
        [
            one.quantity,
            one.method,
            "" if np.isnan(one.difference) else f"{one.difference:.2g}",
            f"{one.tolerance:.1g}",
            "not compared" if np.isnan(one.difference) else "yes" if one.agrees else "NO",
        ]
        for one in opinion.agreements
    ]
    headings = ("quantity", "other way", "difference", "tolerance", "agrees")
    _print_table(f"Second opinion on {setting.title}", headings, rows)
    _print_lines(
        f"{one.quantity}, {one.method}: {one.note}" for one in opinion.agreements if one.note
    )
    _print_lines(["Everything agrees." if opinion.agrees else "Something does not agree."])


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
            "min_sq_norm": min_norm_interpolator(setting.problem).sq_norm,
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
                "clock": float(jumps.times[i]),
                "neurons": list(jumps.neurons[i]),
                "n_fitted": int(jumps.n_fitted[i]),
                "loss": float(jumps.losses[i + 1]),
                "sq_norm": _finite_or_none(jumps.sq_norms[i + 1]),
                "escape_rate": float(jumps.escape_rates[i]),
                "margin": _finite_or_none(jumps.margins[i]),
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


def comparisons_document(setting: Setting, comparisons: Iterable[Comparison]) -> dict[str, Any]:
    """The comparisons as a JSON document."""
    return setting.document() | {
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
        ]
    }


def scale_name(log_scale: float) -> str:
    """λ in scientific notation, from log λ."""
    exponent = np.floor(log_scale / np.log(10) + 1e-9)
    mantissa = np.exp(log_scale - exponent * np.log(10))
    digits = f"{mantissa:.3g}"
    return f"1e{exponent:.0f}" if digits == "1" else f"{digits}e{exponent:.0f}"


def _jump_summary(setting: Setting, jumps: JumpPath) -> list[str]:
    least = min_norm_interpolator(setting.problem).sq_norm
    return _summary(jumps, setting.problem.n_samples, jumps.unfit.size, least, setting.chance)


def _summary(
    jumps: JumpPath | BlockJumpPath,
    n_samples: int,
    n_unfit: int,
    least: float,
    chance: float | None,
) -> list[str]:
    reached = float(jumps.sq_norms[-1])
    ratio = f" (ratio {reached / least:.3f})" if least > 0 and jumps.interpolates else ""
    lines = [
        "Clock: t / log(1/λ). Loss and squared norm ‖θ‖² are those after the jump.",
        f"Squared norm reached: {reached:.6g}; least possible for an interpolator: {least:.6g}{ratio}.",
        f"All {n_samples} labels are fitted."
        if jumps.interpolates
        else f"{n_unfit} of {n_samples} labels are covered by no neuron and never fitted; try more "
        "neurons or another seed.",
    ]
    if chance is not None:
        lines.append(
            f"Chance that a random start of {jumps.width} neurons fits all labels: {chance:.4f}."
        )
    if (jumps.margins == 0).any():
        lines.append("A margin of 0 marks neurons that activate together (a tie).")
    if np.isnan(reached):
        lines.append(
            "Neurons that tied share some samples, so the squared norm depends on the weights they "
            "start from, which were not drawn (nan)."
        )
    return lines


def _certificate_summary(certificate: Certificate) -> list[str]:
    widths = certificate.times[:, 1] - certificate.times[:, 0]
    lines = [
        f"Certificate: {_counted(certificate.verdicts)}, with {certificate.bits} bits; clocks are enclosed "
        f"to within {widths.max(initial=0.0):.2g}."
    ]
    if certificate.rounded:
        lines.append(
            f"Alignment of {len(certificate.rounded)} neurons rests on counting what is equal to within "
            "rounding as equal (a balanced start, a turn that meets a death); that of all others is "
            "proven."
        )
    for number, reason in enumerate(certificate.reasons, 1):
        if reason:
            lines.append(f"Jump {number}: {reason}.")
    return lines


def _counted(words: Sequence[str]) -> str:
    kinds = dict.fromkeys(words)
    return ", ".join(f"{words.count(kind)} {kind}" for kind in kinds) or "no jump"


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
        "clock": float(jumps.times[index]),
        "neurons": list(jumps.neurons[index]),
        "samples": jumps.samples[index].tolist(),
        "loss": float(jumps.losses[index + 1]),
        "sq_norm": _finite_or_none(jumps.sq_norms[index + 1]),
        "escape_rate": float(jumps.escape_rates[index]),
        "margin": _finite_or_none(jumps.margins[index]),
    }


def _next_order(jumps: JumpPath) -> list[dict[str, float | None]]:
    """Corrections and resolving scales; null if the orbits cannot be followed."""
    try:
        values = np.column_stack([jumps.corrections, jumps.resolving_scale])
    except SaddlehopError:
        values = np.full((jumps.n_jumps, 2), np.nan)
    names = ("correction", "resolving_log10_scale")
    return [dict(zip(names, _nullable(row), strict=True)) for row in values]


def _print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _print_lines(lines: Iterable[str]) -> None:
    console = Console()
    for line in lines:
        console.print(line, highlight=False)


def _worst(values: Any) -> float:
    finite = np.abs(values)[np.isfinite(values)]
    return float(finite.max(initial=0.0))


def _nullable(values: Any) -> list[float | None]:
    return [_finite_or_none(value) for value in values]


def _finite_or_none(value: float) -> float | None:
    """JSON has no nan and no infinity."""
    return float(value) if np.isfinite(value) else None
