"""What commands print and write of data as they are, whose rows are not orthogonal."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._support.brief import scale_name
from ..general.flow import GeneralFlowPath
from ..general.jumps_path import GeneralJumpPath
from ..trust.opinion import End
from .documents import Setting, finite_or_none
from .show import (
    ACTIVATION_HEADINGS,
    activation_rows,
    print_lines,
    print_table,
)

HEADINGS = ("jump", "clock", "neurons", "sign", "loss", "‖θ‖²", "margin")


def general_jumps_document(setting: Setting, jumps: GeneralJumpPath) -> dict[str, Any]:
    """The jumps as a JSON document."""
    records = [
        {
            "jump": i + 1,
            "clock": float(jumps.times[i]),
            "neurons": list(jumps.neurons[i]),
            "loss": float(jumps.losses[i + 1]),
            "sq_norm": float(jumps.sq_norms[i + 1]),
            "escape_rate": float(jumps.escape_rates[i]),
            "margin": finite_or_none(jumps.margins[i]),
            "correction": finite_or_none(jumps.corrections[i]),
            "stationarity": float(jumps.stationarity[i + 1]),
        }
        for i in range(jumps.n_jumps)
    ]
    return setting.document() | {
        "status": jumps.status,
        "message": jumps.message,
        "initial_loss": float(jumps.losses[0]),
        "jumps": records,
        "interpolates": jumps.interpolates,
        "residuals": jumps.residuals[-1].tolist(),
        "states": jumps.states[-1].tolist(),
        "least_squares_loss": jumps.problem.least_squares_loss,
    }


def print_general_jumps(setting: Setting, jumps: GeneralJumpPath) -> None:
    """Print the table of jumps and what to make of it."""
    rows = [["", "0", "", "", f"{jumps.losses[0]:.5g}", "0", ""]]
    for number, row in jumps.to_frame().iterrows():
        numbers = (f"{row['loss']:.5g}", f"{row['sq_norm']:.5g}", f"{row['margin']:.3g}")
        rows.append([str(number), f"{row['clock']:.5g}", row["neurons"], row["sign"], *numbers])
    print_table(f"Jumps of {setting.title}", HEADINGS, rows)
    counts = {str(state): int(np.sum(jumps.states[-1] == state)) for state in jumps.states[-1]}
    print_lines(
        [
            "Clock: t / log(1/λ). Loss and squared norm ‖θ‖² are those after the jump.",
            jumps.message,
            f"Neurons in the end: {', '.join(f'{n} {state}' for state, n in sorted(counts.items()))}.",
            f"Least loss of a linear map: {jumps.problem.least_squares_loss:.5g}.",
        ]
    )


def print_general_flow(setting: Setting, flow: GeneralFlowPath) -> None:
    """Print which neurons matter at the end of a flow and when they activated."""
    title = f"Flow of {setting.title}, λ = {scale_name(flow.log_init_scale)}"
    print_table(title, ACTIVATION_HEADINGS, activation_rows(flow))
    work = flow.stats
    print_lines(
        [
            "Activation: a² passes half of its final value. Neurons below 1% of the largest are left out.",
            flow.message,
            f"At t = {flow.t[-1]:.6g} the loss is {flow.losses[-1]:.4g}, of {flow.losses[0]:.4g}; the least "
            f"of a linear map is {flow.problem.least_squares_loss:.4g}.",
            f"Squared norm reached: {flow.sq_norms[-1]:.6g}.",
            f"Work: {work['steps']} steps, {work['crossings']} crossings of walls, {work['slides']} slides.",
        ]
    )


def end_document(end: End) -> dict[str, Any]:
    """What kind of point the limit ends in, for a JSON document."""
    return {
        "is_local_minimum": end.is_local_minimum,
        "dead": np.flatnonzero(end.dead).tolist(),
        "fresh_rate": end.fresh_rate,
        "fresh_sign": end.fresh_sign,
        "fresh_direction": end.fresh_direction.tolist(),
    }


def print_end(end: End) -> None:
    """Print what kind of point the limit ends in."""
    kind = "a local minimum" if end.is_local_minimum else "no local minimum"
    way = "No fresh neuron would leave it."
    if end.fresh_rate > 0:
        sign = ">" if end.fresh_sign > 0 else "<"
        way = f"A fresh neuron with a {sign} 0 would leave it at rate {end.fresh_rate:.4g}."
    print_lines([f"The end is {kind}, given which neurons are dead ({int(end.dead.sum())}). {way}"])
