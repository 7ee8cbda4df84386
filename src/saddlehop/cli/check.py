"""`saddlehop check`: a second opinion on the limit."""

from __future__ import annotations

from typing import Annotated

import typer

from ..limit.jumps import solve_jumps
from ..trust.check import SCALES, second_opinion
from ._options import AsJson, Given, spelled_out
from .documents import print_json
from .show import print_opinion


@spelled_out
def check_command(
    given: Given,
    init_scale: Annotated[str, typer.Option(help='Scales λ of the flows; "" for none.')] = ",".join(
        SCALES
    ),
    as_json: AsJson = False,
) -> None:
    """Compute the limit again in other ways and print how far they agree."""
    setting = given.load()
    scales = [scale.strip() for scale in init_scale.split(",") if scale.strip()]
    jumps = solve_jumps(setting.orthogonal("second opinions are on orthogonal rows"), setting.init)
    opinion = second_opinion(jumps.problem, setting.init, jumps, scales=scales)
    if as_json:
        rows = opinion.to_frame().astype(object)
        print_json(
            setting.document()
            | {
                "agrees": opinion.agrees,
                "agreements": rows.where(rows.notna(), None).to_dict("records"),
            }
        )
    else:
        print_opinion(setting, opinion)
    if not opinion.agrees:
        raise typer.Exit(1)
