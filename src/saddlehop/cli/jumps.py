"""`saddlehop jumps`: the limit λ → 0 on a data file."""

from __future__ import annotations

from typing import Annotated

import typer

from .._support.files import require_writable
from .._support.validate import one_of
from ..blocks.jumps import solve_jumps_blocks
from ..blocks.sample_blocks import SampleBlocks, is_sample_file
from ..errors import InputError
from ..general.jumps_path import GeneralJumpPath
from ..general.verbs import solve_jumps
from ..model.initialization import FAIR_COINS, LAWS
from ..trust.certificate import certify
from ._options import Given, Wanted, checked_seed, spelled_out, write_jump_picture
from .documents import block_jumps_document, jumps_document
from .general import general_jumps_document, print_general_jumps
from .show import print_block_jumps, print_jumps


@spelled_out
def jumps_command(
    given: Given,
    wanted: Wanted,
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
    require_writable(given.path, wanted.plot, wanted.csv)
    one_of(given.law, "law", LAWS)
    name = given.path.name
    if is_sample_file(given.path):
        needs_inputs = given.orthogonal or given.law not in FAIR_COINS or given.target != "y"
        if wanted.plot or prove or needs_inputs:
            raise InputError(
                f"{name!r} holds no inputs, so `--plot`, `--orthogonalize`, `--target`, "
                f"`--certify` and laws other than {' and '.join(FAIR_COINS)} do not apply; leave them out."
            )
        _jumps_of_blocks(given, wanted, scheduler)
        return
    if scheduler is not None:
        raise InputError(
            f"`--scheduler` needs a Parquet file with the columns `y` and `norm` only, which "
            f"{name!r} is not; leave it out."
        )
    setting = given.load()
    if prove:
        setting.orthogonal("proofs are of orthogonal rows only")
    jumps = solve_jumps(setting.problem, setting.init)
    if isinstance(jumps, GeneralJumpPath):
        wanted.deliver(
            document=lambda: general_jumps_document(setting, jumps),
            show=lambda: print_general_jumps(setting, jumps),
            frame=jumps.to_frame,
            picture=lambda path: write_jump_picture(path, setting, jumps),
        )
        return
    certificate = certify(jumps.problem, setting.init, jumps) if prove else None
    wanted.deliver(
        document=lambda: jumps_document(setting, jumps, certificate),
        show=lambda: print_jumps(setting, jumps, certificate),
        frame=jumps.to_frame,
        picture=lambda path: write_jump_picture(path, setting, jumps),
    )


def _jumps_of_blocks(given: Given, wanted: Wanted, scheduler: str | None) -> None:
    name, seed = given.path.name, checked_seed(given.seed)
    jumps = solve_jumps_blocks(SampleBlocks.from_parquet(given.path, given.width, seed), scheduler)
    wanted.deliver(
        document=lambda: block_jumps_document(name, seed, jumps),
        show=lambda: print_block_jumps(name, seed, jumps),
        frame=jumps.to_frame,
        picture=lambda path: None,  # refused before
    )
