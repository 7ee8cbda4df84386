"""`saddlehop demo`: the limit on the data that ship with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .._support.files import write_whole
from ..limit.jumps import solve_jumps
from ._options import Given, Seed, Width, write_jump_picture
from .show import print_jumps


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the picture and table.")] = Path(
        "saddlehop-demo"
    ),
    width: Width = 24,
    seed: Seed = 0,
) -> None:
    """Show what gradient flow learns from vanishing initialization on handwritten digits."""
    setting = Given("digits", width=width, seed=seed).load()
    jumps = solve_jumps(setting.orthogonal("the demo is"), setting.init)
    print_jumps(setting, jumps)
    out.mkdir(parents=True, exist_ok=True)
    write_jump_picture(out / "jumps.png", setting, jumps)
    write_whole(out / "jumps.csv", jumps.to_frame().to_csv)
    print(f"Picture: {out / 'jumps.png'}\nTable:   {out / 'jumps.csv'}")
