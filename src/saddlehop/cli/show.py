"""What commands print: rich tables and sentences."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from .._support.brief import between, scale_name
from ..blocks.jumps import BlockJumpPath
from ..flow.simulate import FlowPath
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath
from ..trust.certificate import Certificate
from ..trust.opinion import SecondOpinion
from ..yardsticks.comparison import Comparison
from ..yardsticks.interpolation import interpolation_probability
from ..yardsticks.min_norm import min_norm_interpolator
from .documents import Setting

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
    print_table(f"Jumps of {setting.title}", headings, rows)
    print_lines(_jump_summary(setting, jumps))
    if certificate is not None:
        print_lines(_certificate_summary(certificate))


def print_block_jumps(name: str, seed: int, jumps: BlockJumpPath) -> None:
    """Print the table of jumps of samples in blocks and what to make of it."""
    title = f"Jumps of {name}, {jumps.n_samples} samples, {jumps.width} neurons, seed {seed}"
    print_table(title, JUMP_HEADINGS, _jump_rows(jumps))
    chance = interpolation_probability(jumps.n_positive, jumps.n_negative, jumps.width)
    print_lines(_summary(jumps, jumps.n_samples, jumps.n_unfit, jumps.least_sq_norm, chance))


def _jump_rows(jumps: JumpPath | BlockJumpPath) -> list[list[str]]:
    rows = [["", "0", "", "", "", f"{jumps.losses[0]:.5g}", "0", ""]]
    frame = jumps.to_frame()
    norms = [between(bounds, 5) for bounds in jumps.sq_norm_bounds[1:]]
    for number, row, sq_norm in zip(frame.index, frame.to_dict("records"), norms, strict=True):
        rows.append(
            [
                str(number),
                f"{row['clock']:.5g}",
                str(row["neurons"]),
                str(row["sign"]),
                str(row["samples"]),
                f"{row['loss']:.5g}",
                sq_norm,
                f"{row['margin']:.3g}",
            ]
        )
    return rows


ACTIVATION_HEADINGS = ("neuron", "activation t", "clock", "sign", "|a|")


def activation_rows(flow: FlowPath) -> list[list[str]]:
    """Rows of the neurons that matter at the end of a flow, in the order of their activation."""
    final = flow.final
    size = np.abs(final.output)
    matters = np.flatnonzero(size > 1e-2 * size.max())
    order = matters[np.argsort(flow.activation_times[matters], kind="stable")]
    return [
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


def print_flow(setting: Setting, flow: FlowPath) -> None:
    """Print which neurons matter at the end of a flow and when they activated."""
    title = f"Flow of {setting.title}, λ = {scale_name(flow.log_init_scale)}"
    print_table(title, ACTIVATION_HEADINGS, activation_rows(flow))
    least = min_norm_interpolator(flow.problem).sq_norm
    print_lines(
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
            _worst(one.activation_errors),
            f"{one.norm_gap:.3g}",
            f"{one.loss_gap:.2g}",
            _worst(one.distance[one.resolved]),
            str(len(one.swapped)),
            str(one.flow.stats["steps"]),
        ]
        for one in comparisons
    ]
    print_table(f"Flow against the limit: {setting.title}", headings, rows)
    print_lines(
        [
            "Clock error: largest difference of an activation, on the clock t / log(1/λ).",
            "Gaps: flow minus limit at the end.",
            "Swapped: pairs that activate in another order.",
            "Distance: largest between the paths, over the limit's norm, at saddles",
            "between jumps that stand apart at this λ; – where none do.",
        ]
    )
    jumps = comparisons[0].jumps
    if isinstance(jumps, GeneralJumpPath):
        print_lines([f"The limit: {jumps.message}"])


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
    print_table(f"Second opinion on {setting.title}", headings, rows)
    print_lines(
        f"{one.quantity}, {one.method}: {one.note}" for one in opinion.agreements if one.note
    )
    print_lines(["Everything agrees." if opinion.agrees else "Something does not agree."])


def _jump_summary(setting: Setting, jumps: JumpPath) -> list[str]:
    least = min_norm_interpolator(jumps.problem).sq_norm
    return _summary(jumps, setting.problem.n_samples, jumps.unfit.size, least, setting.chance)


def _summary(
    jumps: JumpPath | BlockJumpPath,
    n_samples: int,
    n_unfit: int,
    least: float,
    chance: float | None,
) -> list[str]:
    reached = jumps.sq_norm_bounds[-1]
    ratio = ""
    if least > 0 and jumps.interpolates:
        ratio = f" (ratio {between(reached / least, 4)})"
    lines = [
        "Clock: t / log(1/λ). Loss and squared norm ‖θ‖² are those after the jump.",
        f"Squared norm reached: {between(reached, 6)}; least possible for an interpolator: {least:.6g}"
        f"{ratio}.",
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
    if np.isnan(jumps.sq_norms[-1]):
        lines.append(
            "Neurons that tied share some samples, so the squared norm depends on the weights they "
            "start from, which were not drawn; it lies between the two numbers given."
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
    counts = {kind: words.count(kind) for kind in dict.fromkeys(words)}
    if counts.get("tie", 0) > 1:
        counts = {("ties" if kind == "tie" else kind): count for kind, count in counts.items()}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "no jump"


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that keeps to 80 characters where it can."""
    is_wide = len(headings) > len(JUMP_HEADINGS)
    table = Table(title=title, title_justify="left", collapse_padding=is_wide)
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    Console(markup=False).print(table)


def print_lines(lines: Iterable[str]) -> None:
    """Print sentences, wrapped."""
    console = Console(markup=False)
    for line in lines:
        console.print(line, highlight=False)


def _worst(values: Any) -> str:
    finite = np.abs(values)[np.isfinite(values)]
    return f"{finite.max():.3g}" if finite.size else "–"
