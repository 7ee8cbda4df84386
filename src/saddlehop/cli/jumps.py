"""`saddlehop jumps`: the limit λ → 0 on a data file."""

from __future__ import annotations

from typing import Annotated

import typer

from .._files import require_writable, write_whole
from .._show import jumps_document, print_json, print_jumps
from ..certificate import certify
from ..jumps import solve_jumps
from ._options import (
    AsJson,
    CsvOut,
    Data,
    Law,
    Orthogonalize,
    Picture,
    Seed,
    Target,
    Width,
    load,
    write_jump_picture,
)


def jumps_command(
    data: Data,
    target: Target = "y",
    width: Width = 40,
    law: Law = "balanced",
    seed: Seed = 0,
    orthogonal: Orthogonalize = False,
    as_json: AsJson = False,
    plot: Picture = None,
    csv: CsvOut = None,
    prove: Annotated[
        bool, typer.Option("--certify", help="Prove each jump in ball arithmetic.")
    ] = False,
) -> None:
    """Compute the limit λ → 0 on a data file: which neuron activates when and fits what."""
    require_writable(data, plot, csv)
    setting = load(data, target, width, law, seed, orthogonal)
    jumps = solve_jumps(setting.problem, setting.init)
    certificate = certify(setting.problem, setting.init, jumps) if prove else None
    if plot:
        write_jump_picture(setting, jumps, plot)
    if csv:
        write_whole(csv, jumps.to_frame().to_csv)
    if as_json:
        print_json(jumps_document(setting, jumps, certificate))
    else:
        print_jumps(setting, jumps, certificate)
