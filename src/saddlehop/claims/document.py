"""Claims as a Markdown page with figures, and as a JSON document with the same numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from .._support.files import write_whole
from .._version import __version__
from .result import ClaimResult, Number

HEAD = """# The claims, measured

Written by `saddlehop claims --out docs`, version {version}; sizes: {sizes}. Every draw is seeded: a
second run gives the same numbers.

Statements are those of the abstract of arXiv 2605.27097 (Town, Boursier, Lewis, Englert, Lazić, 2026)
and of what it recovers from arXiv 2502.16977 (Dana, Bach, Pillaud-Vivien); constants and closed forms
beside them were derived for this project. Intervals are of 95%. A number agrees if its interval of
99.9% meets the values that the statement allows; a claim *holds* if all such numbers agree, *holds in
part* if some do. The last chapter leaves orthogonal rows behind, where the paper claims nothing:
measurements, judged only where a theorem stands.

"""


def claims_document(results: Sequence[ClaimResult]) -> dict[str, Any]:
    """Return all claims as one JSON document; numbers that are not finite are null."""
    return {
        "saddlehop": __version__,
        "claims": [
            {
                "name": result.name,
                "chapter": result.chapter,
                "statement": result.statement,
                "verdict": result.verdict,
                "remark": result.remark,
                "sizes": result.sizes,
                "numbers": [_record(number) for number in result.numbers],
            }
            for result in results
        ],
    }


def _record(number: Number) -> dict[str, Any]:
    allowed = None if number.allowed is None else [_finite(end) for end in number.allowed]
    return {
        "label": number.label,
        "value": _finite(number.value),
        "low": _finite(number.low),
        "high": _finite(number.high),
        "allowed": allowed,
        "theory": number.theory,
        "agrees": number.agrees,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def write_claims(results: Sequence[ClaimResult], folder: Path) -> Path:
    """Write claims.md, and a picture and a table of each claim under claims/; return the page."""
    pictures = folder / "claims"
    pictures.mkdir(parents=True, exist_ok=True)
    for result in results:
        if result.panels:
            save = partial(result.figure().savefig, dpi=200, format="png")
            write_whole(pictures / f"{result.name}.png", save)
            write_whole(pictures / f"{result.name}.csv", result.table.to_csv)
    page = folder / "claims.md"
    text = markdown(results)
    write_whole(page, lambda path: Path(path).write_text(text, encoding="utf-8"))
    return page


def markdown(results: Sequence[ClaimResult]) -> str:
    """Return the page: a table of verdicts, then each claim with its numbers and figure."""
    sizes = ", ".join(sorted({result.sizes for result in results}))
    lines = [HEAD.format(version=__version__, sizes=sizes)]
    lines += ["| claim | statement | verdict |", "|---|---|---|"]
    lines += [
        f"| [{result.name}](#{result.name}) | {result.statement} | **{result.verdict}** |"
        for result in results
    ]
    chapters = groupby(results, lambda result: result.chapter)
    return "\n".join(lines) + "\n\n" + "\n".join(_chapter(name, part) for name, part in chapters)


def _chapter(name: str, results: Iterable[ClaimResult]) -> str:
    """Return the sections of a chapter: one level down if it has a name, under it."""
    heading = f"## {name}\n\n" if name else ""
    return heading + "\n".join(_section(result, "###" if name else "##") for result in results)


def _section(result: ClaimResult, level: str) -> str:
    lines = [
        f"{level} {result.name}",
        "",
        f"{result.statement} **Verdict: {result.verdict}** ({result.sizes} sizes).",
        "",
        result.remark,
        "",
    ]
    if result.numbers:
        lines += ["| number | measured | 95% interval | theory | agrees |", "|---|---|---|---|---|"]
        lines += [_row(number) for number in result.numbers]
    if result.panels:
        lines += ["", f'<img src="claims/{result.name}.png" width="480" alt="{result.name}">']
    return "\n".join([*lines, ""])


def _row(number: Number) -> str:
    answer = {None: "", True: "yes", False: "**no**"}[number.agrees]
    interval = "" if number.low == number.high else f"{_shown(number.low)} … {_shown(number.high)}"
    label = re.sub(r"\|", r"\\|", number.label)
    return f"| {label} | {_shown(number.value)} | {interval} | {number.theory} | {answer} |"


def _shown(value: float) -> str:
    return f"{value:.4g}"
