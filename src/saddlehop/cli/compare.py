"""`saddlehop compare`: flows at several scales beside the limit."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .._support.brief import scale_name
from .._support.files import require_writable
from ..errors import InputError
from ..general.verbs import solve_jumps
from ..model.scale import parse_scale
from ..yardsticks.comparison import Comparison, compare
from ._options import Given, Rtol, Wanted, follow, spelled_out, write_jump_picture
from .documents import comparisons_document
from .show import print_comparisons


@spelled_out
def compare_command(
    given: Given,
    init_scale: Annotated[str, typer.Option(help="Scales λ, such as 1e-8,1e-30,1e-100.")],
    wanted: Wanted,
    rtol: Rtol = 1e-8,
) -> None:
    """Compare the flow at several scales λ with the limit λ → 0."""
    require_writable(given.path, wanted.plot, wanted.csv)
    log_scales = [scale_below_one(scale.strip()) for scale in init_scale.split(",")]
    setting = given.load()
    jumps = solve_jumps(setting.problem, setting.init)
    flows = [follow(setting, jumps, log_scale, None, rtol) for log_scale in log_scales]
    comparisons = [compare(flow, jumps) for flow in flows]
    wanted.deliver(
        document=lambda: comparisons_document(setting, comparisons),
        show=lambda: print_comparisons(setting, comparisons),
        frame=lambda: _comparison_frame(comparisons),
        picture=lambda path: write_jump_picture(path, setting, jumps, *flows),
    )


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
