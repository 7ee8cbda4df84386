"""`saddlehop check`: a second opinion on the limit."""

from __future__ import annotations

from typing import Annotated

import typer

from ..trust.check import SCALES, second_opinion
from ._options import AsJson, Given, spelled_out
from .documents import print_json
from .general import end_document, print_end
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
    opinion = second_opinion(setting.problem, setting.init, scales=scales)
    if as_json:
        rows = opinion.to_frame().astype(object)
        print_json(
            setting.document()
            | {
                "agrees": opinion.agrees,
                "agreements": rows.where(rows.notna(), None).to_dict("records"),
            }
            | ({} if opinion.end is None else {"end": end_document(opinion.end)})
        )
    else:
        print_opinion(setting, opinion)
        if opinion.end is not None:
            print_end(opinion.end)
    if not opinion.agrees:
        raise typer.Exit(1)
