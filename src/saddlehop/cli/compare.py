"""`saddlehop compare`: flows at several scales beside the limit."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .._support.files import require_writable, write_whole
from .._support.validate import as_path
from ..errors import InputError
from ..limit.jumps import solve_jumps
from ..model.scale import parse_scale
from ..yardsticks.comparison import Comparison, compare
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
from .documents import comparisons_document, print_json
from .show import print_comparisons, scale_name


def compare_command(
    data: Data,
    init_scale: Annotated[str, typer.Option(help="Scales λ, such as 1e-8,1e-30,1e-100.")],
    target: Target = "y",
    width: Width = 40,
    law: Law = "balanced",
    seed: Seed = 0,
    orthogonal: Orthogonalize = False,
    rtol: Rtol = 1e-8,
    as_json: AsJson = False,
    plot: Picture = None,
    csv: CsvOut = None,
) -> None:
    """Compare the flow at several scales λ with the limit λ → 0."""
    require_writable(as_path(data, "DATA"), plot, csv)
    log_scales = [scale_below_one(scale.strip()) for scale in init_scale.split(",")]
    setting = load(data, target, width, law, seed, orthogonal)
    jumps = solve_jumps(setting.problem, setting.init)
    flows = [follow(setting, jumps, log_scale, None, rtol) for log_scale in log_scales]
    comparisons = [compare(flow, jumps) for flow in flows]
    if plot:
        write_jump_picture(setting, jumps, plot, tuple(flows))
    if csv:
        write_whole(csv, _comparison_frame(comparisons).to_csv)
    if as_json:
        print_json(comparisons_document(setting, comparisons))
    else:
        print_comparisons(setting, comparisons)


def scale_below_one(scale: str) -> float:
    """Return log λ of a scale below 1."""
    log_scale = parse_scale(scale)
    if log_scale >= 0:
        raise InputError(f"The scale {scale} has no limit to compare with; pass scales below 1.")
    return log_scale


def _comparison_frame(comparisons: list[Comparison]) -> Any:
    import pandas as pd

    names = [scale_name(one.flow.log_init_scale) for one in comparisons]
    return pd.concat([one.to_frame() for one in comparisons], keys=names, names=["init_scale"])
