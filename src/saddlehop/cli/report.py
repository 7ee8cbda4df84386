"""`saddlehop report`: one self-contained page."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .._support.files import write_whole
from ..errors import InputError
from ..limit.jumps import solve_jumps
from ..model.datasets import load_digits
from ..model.initialization import Initialization
from ..model.problem import Problem
from ._options import (
    Data,
    Law,
    Orthogonalize,
    Rtol,
    Seed,
    Target,
    Width,
    checked_seed,
    follow,
    load,
)
from .compare import scale_below_one
from .documents import Setting

DIGITS = "digits"


def report_command(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML file to write.")] = Path(
        "report.html"
    ),
    init_scale: Annotated[str, typer.Option(help="Scales λ to compare with the limit.")] = (
        "1e-4,1e-8,1e-100"
    ),
    target: Target = "y",
    width: Width = 40,
    law: Law = "balanced",
    seed: Seed = 0,
    orthogonal: Orthogonalize = False,
    rtol: Rtol = 1e-6,
) -> None:
    """Write a page on a data file, or on the shipped digits if DATA is "digits"; it opens offline."""
    from ..pages.report import plotly_source, report_html

    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"`--out` is {out.name!r}; pass a file that ends in .html.")
    if out.resolve() == data.resolve():
        raise InputError(f"{out.name!r} is the data file itself; pass another file to write.")
    log_scales = [
        scale_below_one(scale.strip()) for scale in init_scale.split(",") if scale.strip()
    ]
    plotly_source()  # before any work: the flows take a while
    setting, images = _setting(data, target, width, law, seed, orthogonal)
    jumps = solve_jumps(setting.problem, setting.init)
    flows = [follow(setting, jumps, log_scale, None, rtol) for log_scale in log_scales]
    page = report_html(
        jumps,
        flows,
        title=setting.title,
        command=shlex.join(["saddlehop", *sys.argv[1:]]),
        chance=setting.chance,
        images=images,
    )
    write_whole(out, lambda path: Path(path).write_text(page, encoding="utf-8"))
    print(f"Report: {out}")


def _setting(
    data: Path, target: str, width: int, law: str, seed: int, orthogonal: bool
) -> tuple[Setting, Any]:
    if str(data) != DIGITS or data.exists():
        return load(data, target, width, law, seed, orthogonal), None
    problem = Problem.from_data(*load_digits())
    init = Initialization.draw(problem, width, law, rng=checked_seed(seed))
    pixels, _ = load_digits(orthogonal=False)
    name = f"{problem.n_samples} handwritten digits"
    return Setting(name, problem, init, law, seed), pixels.reshape(-1, 8, 8)
