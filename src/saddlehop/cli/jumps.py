"""`saddlehop jumps`: the limit λ → 0 on a data file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .._support.files import require_writable, write_whole
from .._support.validate import as_path, one_of
from ..blocks.jumps import solve_jumps_blocks
from ..blocks.sample_blocks import SampleBlocks, is_sample_file
from ..errors import InputError
from ..limit.jumps import solve_jumps
from ..model.initialization import LAWS
from ..trust.certificate import certify
from ._options import (
    AsJson,
    CsvOut,
    Data,
    Law,
    Orthogonalize,
    Picture,
    Seed,
    Target,
    Width,
    checked_seed,
    load,
    write_jump_picture,
)
from .documents import block_jumps_document, jumps_document, print_json
from .show import print_block_jumps, print_jumps


def jumps_command(
    data: Data,
    target: Target = "y",
    width: Width = 40,
    law: Law = "balanced",
    seed: Seed = 0,
    orthogonal: Orthogonalize = False,
    as_json: AsJson = False,
    plot: Picture = None,
    csv: CsvOut = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler to work on, such as tcp://host:8786.")
    ] = None,
    prove: Annotated[
        bool, typer.Option("--certify", help="Prove each jump in ball arithmetic.")
    ] = False,
) -> None:
    """Compute the limit λ → 0 on a data file: which neuron activates when and fits what.

    A Parquet file or folder that holds only labels `y` and input norms `norm` is taken in blocks,
    on a Dask cluster if a scheduler is given.
    """
    path = as_path(data, "DATA")
    require_writable(path, plot, csv)
    one_of(law, "law", LAWS)
    if is_sample_file(path):
        if plot or orthogonal or prove or law == "gaussian" or target != "y":
            raise InputError(
                f"{path.name!r} holds no inputs, so `--plot`, `--orthogonalize`, `--target`, "
                "`--certify` and the gaussian law do not apply; leave them out."
            )
        _jumps_of_blocks(path, width, checked_seed(seed), as_json, csv, scheduler)
        return
    if scheduler is not None:
        raise InputError(
            f"`--scheduler` needs a Parquet file with the columns `y` and `norm` only, which "
            f"{path.name!r} is not; leave it out."
        )
    setting = load(data, target, width, law, seed, orthogonal)
    jumps = solve_jumps(setting.problem, setting.init)
    certificate = certify(setting.problem, setting.init, jumps) if prove else None
    if plot:
        write_jump_picture(setting, jumps, plot)
    if csv:
        write_whole(csv, jumps.to_frame().to_csv)
    if as_json:
        print_json(jumps_document(setting, jumps, certificate))
    else:
        print_jumps(setting, jumps, certificate)


def _jumps_of_blocks(
    data: Path, width: int, seed: int, as_json: bool, csv: Path | None, scheduler: str | None
) -> None:
    blocks = SampleBlocks.from_parquet(data, width, seed)
    jumps = solve_jumps_blocks(blocks, scheduler)
    if csv:
        write_whole(csv, jumps.to_frame().to_csv)
    if as_json:
        print_json(block_jumps_document(data.name, seed, jumps))
    else:
        print_block_jumps(data.name, seed, jumps)
