"""`saddlehop flow`: gradient flow at one scale on a data file."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .._support.files import require_writable, write_whole
from .._support.validate import as_path
from ..flow.simulate import FlowPath
from ..limit.jumps import solve_jumps
from ..model.scale import parse_scale
from ._options import (
    AsJson,
    CsvOut,
    Data,
    Law,
    Orthogonalize,
    Picture,
    Rtol,
    Seed,
    Target,
    Width,
    follow,
    load,
    write_jump_picture,
)
from .documents import flow_document, print_json
from .show import print_flow


def flow_command(
    data: Data,
    init_scale: Annotated[str, typer.Option(help="The scale λ, such as 1e-8 or 1e-1000.")],
    target: Target = "y",
    width: Width = 40,
    law: Law = "balanced",
    seed: Seed = 0,
    orthogonal: Orthogonalize = False,
    t_end: Annotated[float | None, typer.Option(help="Time to stop at; default: the end.")] = None,
    rtol: Rtol = 1e-8,
    as_json: AsJson = False,
    plot: Picture = None,
    csv: CsvOut = None,
) -> None:
    """Follow gradient flow at one scale λ, however small."""
    require_writable(as_path(data, "DATA"), plot, csv)
    log_scale = parse_scale(init_scale)
    setting = load(data, target, width, law, seed, orthogonal)
    jumps = solve_jumps(setting.problem, setting.init)
    flow = follow(setting, jumps, log_scale, t_end, rtol)
    if plot:
        write_jump_picture(setting, jumps, plot, (flow,))
    if csv:
        write_whole(csv, _flow_frame(flow).to_csv)
    if as_json:
        print_json(flow_document(setting, flow))
    else:
        print_flow(setting, flow)


def _flow_frame(flow: FlowPath) -> Any:
    import pandas as pd

    columns = {"t": flow.t, "clock": flow.clock, "loss": flow.losses, "sq_norm": flow.sq_norms}
    return pd.DataFrame(columns).set_index("t")
