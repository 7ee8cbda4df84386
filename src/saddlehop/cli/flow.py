"""`saddlehop flow`: gradient flow at one scale on a data file."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .._support.files import require_writable
from ..flow.simulate import FlowPath
from ..general.flow import GeneralFlowPath
from ..general.verbs import solve_jumps
from ..model.scale import parse_scale
from ._options import Given, Rtol, Wanted, follow, spelled_out, write_jump_picture
from .documents import flow_document
from .general import print_general_flow
from .show import print_flow


@spelled_out
def flow_command(
    given: Given,
    init_scale: Annotated[str, typer.Option(help="The scale λ, such as 1e-8 or 1e-1000.")],
    wanted: Wanted,
    t_end: Annotated[float | None, typer.Option(help="Time to stop at; default: the end.")] = None,
    rtol: Rtol = 1e-8,
) -> None:
    """Follow gradient flow at one scale λ, however small."""
    require_writable(given.path, wanted.plot, wanted.csv)
    log_scale = parse_scale(init_scale)
    setting = given.load()
    jumps = solve_jumps(setting.problem, setting.init)
    flow = follow(setting, jumps, log_scale, t_end, rtol)
    wanted.deliver(
        document=lambda: flow_document(setting, flow),
        show=lambda: (
            print_general_flow(setting, flow)
            if isinstance(flow, GeneralFlowPath)
            else print_flow(setting, flow)
        ),
        frame=lambda: _flow_frame(flow),
        picture=lambda path: write_jump_picture(path, setting, jumps, flow),
    )


def _flow_frame(flow: FlowPath) -> Any:
    import pandas as pd

    columns = {"t": flow.t, "clock": flow.clock, "loss": flow.losses, "sq_norm": flow.sq_norms}
    return pd.DataFrame(columns).set_index("t")
