"""`saddlehop report`: one self-contained page."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from .._support.files import write_whole
from ..errors import InputError
from ..general.verbs import solve_jumps
from ._options import Given, Rtol, follow, spelled_out
from .compare import scale_below_one


@spelled_out
def report_command(
    given: Given,
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML file to write.")] = Path(
        "report.html"
    ),
    init_scale: Annotated[str, typer.Option(help="Scales λ to compare with the limit.")] = (
        "1e-4,1e-8,1e-100"
    ),
    rtol: Rtol = 1e-6,
) -> None:
    """Write a page on a data file; it opens offline."""
    from ..pages.report import plotly_source, report_html

    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"`--out` is {out.name!r}; pass a file that ends in .html.")
    if out.resolve() == given.path.resolve():
        raise InputError(f"{out.name!r} is the data file itself; pass another file to write.")
    log_scales = [
        scale_below_one(scale.strip()) for scale in init_scale.split(",") if scale.strip()
    ]
    plotly_source()  # before any work: the flows take a while
    setting = given.load()
    jumps = solve_jumps(setting.problem, setting.init)
    flows = [follow(setting, jumps, log_scale, None, rtol) for log_scale in log_scales]
    page = report_html(
        jumps,
        flows,
        title=setting.title,
        command=shlex.join(["saddlehop", *sys.argv[1:]]),
        chance=setting.chance,
        images=setting.images,
    )
    write_whole(out, lambda path: Path(path).write_text(page, encoding="utf-8"))
    print(f"Report: {out}")
