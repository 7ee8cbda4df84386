"""`saddlehop demo`: the limit on the data that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .._support.files import write_whole
from ..limit.jumps import solve_jumps
from ..model.datasets import load_digits
from ..model.initialization import Initialization
from ..model.problem import Problem
from ._options import Seed, Width, checked_seed, write_jump_picture
from .documents import Setting
from .show import print_jumps


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the picture and table.")] = Path(
        "saddlehop-demo"
    ),
    width: Width = 24,
    seed: Seed = 0,
) -> None:
    """Show what gradient flow learns from vanishing initialization on handwritten digits."""
    problem = Problem.from_data(*load_digits())
    init = Initialization.draw(problem, width, rng=checked_seed(seed))
    setting = Setting(f"{problem.n_samples} handwritten digits", problem, init, "balanced", seed)
    jumps = solve_jumps(problem, init)
    print_jumps(setting, jumps)
    out.mkdir(parents=True, exist_ok=True)
    write_jump_picture(setting, jumps, out / "jumps.png")
    write_whole(out / "jumps.csv", jumps.to_frame().to_csv)
    print(f"Picture: {out / 'jumps.png'}\nTable:   {out / 'jumps.csv'}")
