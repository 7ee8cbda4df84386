"""`saddlehop claims`: each claim of the paper, measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._support.progress import progress_bar
from ..errors import InputError
from ._options import AsJson
from .documents import print_json
from .show import say

if TYPE_CHECKING:
    from ..claims import ClaimResult


def claims_command(
    quick: Annotated[bool, typer.Option("--quick", help="Smaller sizes: two minutes.")] = False,
    only: Annotated[
        str | None, typer.Option(help="Names of claims, such as width,norm-growth.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for claims.md, its figures and tables.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure each claim of the paper: numbers with intervals, a verdict, a picture."""
    from ..claims.document import claims_document, write_claims

    names = _names(only)
    if out and out.exists() and not out.is_dir():
        raise InputError(f"`--out` is {str(out)!r}, which is a file; pass a folder.")
    results = _measure(names, quick)
    if as_json:
        print_json(claims_document(results))
    else:
        _print_results(results)
    if out:
        say(f"Written: {write_claims(results, out)}")


def _names(only: str | None) -> list[str]:
    from ..claims import CLAIMS

    names = list(CLAIMS) if only is None else [name.strip() for name in only.split(",")]
    for name in names:
        if name not in CLAIMS:
            known = ", ".join(CLAIMS)
            raise InputError(f"`--only` has {name!r}; pass names from {known}.")
    return names


def _measure(names: Sequence[str], quick: bool) -> list[ClaimResult]:
    from ..claims import CLAIMS

    results = []
    for number, name in enumerate(names, start=1):
        with progress_bar(f"{name} ({number} of {len(names)})", 1.0) as report:
            results.append(CLAIMS[name](quick=quick, report=report))
    return results


def _print_results(results: Sequence[ClaimResult]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False)
    for result in results:
        table = Table(title=f"{result.name}: {result.statement}", title_justify="left")
        for heading in ("number", "measured", "95% interval", "theory", "agrees"):
            table.add_column(heading)
        for number in result.numbers:
            answer = {None: "", True: "yes", False: "no"}[number.agrees]
            interval = "" if number.low == number.high else f"{number.low:.4g} … {number.high:.4g}"
            table.add_row(number.label, f"{number.value:.4g}", interval, number.theory, answer)
        console.print(table)
        console.print(f"Verdict: {result.verdict}. {result.remark}\n", highlight=False)
