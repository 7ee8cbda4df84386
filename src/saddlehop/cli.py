"""The command line: read, compute, show. Results on stdout, messages on stderr."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from ._version import __version__
from .datasets import load_digits
from .errors import InputError, SaddlehopError
from .initialization import Initialization
from .interpolation import interpolation_probability
from .jumps import JumpPath, solve_jumps
from .min_norm import min_norm_interpolator
from .orthogonalization import orthogonalize
from .problem import Problem
from .tables import read_samples

app = typer.Typer(
    name="saddlehop",
    help="Exact training dynamics of two-layer ReLU networks from vanishing initialization.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[Path, typer.Argument(help="A CSV, Parquet or NPZ file, samples in rows.")]
Target = Annotated[str, typer.Option(help="Label column, by name or position.")]
Width = Annotated[int, typer.Option(help="Number of hidden neurons.")]
Law = Annotated[str, typer.Option(help="Law of the start: balanced, dominated or gaussian.")]
Seed = Annotated[int, typer.Option(help="Seed of the start.")]
Orthogonalize = Annotated[
    bool, typer.Option("--orthogonalize", help="Replace the inputs by the nearest orthogonal ones.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Picture = Annotated[Path | None, typer.Option("--plot", help="Write a picture to this file.")]
CsvOut = Annotated[Path | None, typer.Option("--csv", help="Write the table of jumps here.")]


@dataclass(frozen=True, eq=False)
class Setting:
    """What a command was asked to solve."""

    name: str
    """What the data are called."""
    problem: Problem
    """The data."""
    init: Initialization
    """The start."""
    law: str
    """Its law."""
    seed: int
    """Its seed."""


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the picture and table.")] = Path(
        "saddlehop-demo"
    ),
    width: Width = 24,
    seed: Seed = 0,
) -> None:
    """Show what gradient flow learns from vanishing initialization on handwritten digits."""
    X, y = load_digits()
    problem = Problem.from_data(X, y)
    init = Initialization.draw(problem, width, rng=_seed(seed))
    setting = Setting("48 handwritten digits", problem, init, "balanced", seed)
    jumps = solve_jumps(problem, init)
    _print_jumps(setting, jumps)
    out.mkdir(parents=True, exist_ok=True)
    _write_picture(setting, jumps, out / "jumps.png")
    _write_csv(jumps, out / "jumps.csv")
    print(f"Picture: {out / 'jumps.png'}\nTable:   {out / 'jumps.csv'}")


@app.command("jumps")
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
) -> None:
    """Compute the limit λ → 0 on a data file: which neuron activates when and fits what."""
    _require_writable(plot, csv)
    setting = _load(data, target, width, law, seed, orthogonal)
    jumps = solve_jumps(setting.problem, setting.init)
    if plot:
        _write_picture(setting, jumps, plot)
    if csv:
        _write_csv(jumps, csv)
    if as_json:
        _print_json(_jumps_document(setting, jumps))
    else:
        _print_jumps(setting, jumps)


def main() -> None:
    """Run the command line; a saddlehop error is one sentence on stderr and exit code 2."""
    try:
        app()
    except SaddlehopError as err:
        print(f"Error: {err}", file=sys.stderr)
        sys.exit(2)
    except OSError as err:
        print(f"Error: {err.strerror}: {err.filename}", file=sys.stderr)
        sys.exit(2)


def _load(data: Path, target: str, width: int, law: str, seed: int, orthogonal: bool) -> Setting:
    X, y = read_samples(data, target)
    if orthogonal:
        X = _orthogonalized(X)
    problem = Problem.from_data(X, y)
    init = Initialization.draw(problem, width, law, rng=_seed(seed))
    return Setting(data.name, problem, init, law, seed)


def _seed(seed: int) -> int:
    if seed < 0:
        raise InputError(f"`--seed` is {seed}; pass a whole number of at least 0.")
    return seed


def _orthogonalized(X: Any) -> Any:
    rows = orthogonalize(X)
    norms = np.linalg.norm(rows, axis=1)
    cosine = np.mean(np.einsum("kd,kd->k", X, rows) / norms**2)
    print(
        f"Rows replaced by the nearest orthogonal rows: mean cosine with the given rows {cosine:.3f}.",
        file=sys.stderr,
    )
    return rows


def _print_jumps(setting: Setting, jumps: JumpPath) -> None:
    console = Console()
    console.print(_jump_table(setting, jumps))
    for line in _summary(setting, jumps):
        console.print(line, highlight=False)


def _jump_table(setting: Setting, jumps: JumpPath) -> Table:
    table = Table(
        title=f"Jumps of {setting.name}, {jumps.width} neurons, {setting.law} start, seed {setting.seed}",
        title_justify="left",
    )
    for heading in ("jump", "clock", "neuron", "sign", "samples", "loss", "‖θ‖²", "margin"):
        table.add_column(heading, justify="right")
    table.add_row("", "0", "", "", "", f"{jumps.losses[0]:.5g}", "0", "")
    frame = jumps.to_frame()
    for number, row in zip(frame.index, frame.to_dict("records"), strict=True):
        table.add_row(
            str(number),
            f"{row['clock']:.5g}",
            str(row["neurons"]),
            str(row["sign"]),
            str(row["samples"]),
            f"{row['loss']:.5g}",
            f"{row['sq_norm']:.5g}",
            f"{row['margin']:.3g}",
        )
    return table


def _summary(setting: Setting, jumps: JumpPath) -> list[str]:
    problem = setting.problem
    least = min_norm_interpolator(problem).sq_norm
    reached = float(jumps.sq_norms[-1])
    lines = [
        "Clock: t / log(1/λ). Loss and squared norm ‖θ‖² are those after the jump.",
        f"Squared norm reached: {reached:.6g}; least possible for an interpolator: {least:.6g}"
        + (f" (ratio {reached / least:.3f})." if least > 0 else "."),
    ]
    if jumps.interpolates:
        lines.append(f"All {problem.n_samples} labels are fitted.")
    else:
        lines.append(
            f"{jumps.unfit.size} of {problem.n_samples} labels are covered by no neuron and never "
            "fitted; try more neurons or another seed."
        )
    chance = _chance(setting)
    if chance is not None:
        lines.append(
            f"Chance that a random start of {jumps.width} neurons fits all labels: {chance:.4f}."
        )
    if (jumps.margins == 0).any():
        lines.append("A margin of 0 marks neurons that activate together (a tie).")
    return lines


def _chance(setting: Setting) -> float | None:
    """Chance of interpolation for the laws with a formula."""
    if setting.law == "gaussian":
        return None
    y = setting.problem.y
    return interpolation_probability(int(np.sum(y > 0)), int(np.sum(y < 0)), setting.init.width)


def _jumps_document(setting: Setting, jumps: JumpPath) -> dict[str, Any]:
    least = min_norm_interpolator(setting.problem)
    return {
        "saddlehop": __version__,
        "data": setting.name,
        "n_samples": setting.problem.n_samples,
        "n_features": setting.problem.n_features,
        "width": jumps.width,
        "law": setting.law,
        "seed": setting.seed,
        "initial_loss": float(jumps.losses[0]),
        "jumps": [_jump_record(jumps, index) for index in range(jumps.n_jumps)],
        "interpolates": jumps.interpolates,
        "unfit": jumps.unfit.tolist(),
        "min_sq_norm": least.sq_norm,
        "interpolation_probability": _chance(setting),
    }


def _jump_record(jumps: JumpPath, index: int) -> dict[str, Any]:
    return {
        "clock": float(jumps.times[index]),
        "neurons": list(jumps.neurons[index]),
        "samples": jumps.samples[index].tolist(),
        "loss": float(jumps.losses[index + 1]),
        "sq_norm": _finite_or_none(jumps.sq_norms[index + 1]),
        "escape_rate": float(jumps.escape_rates[index]),
        "margin": _finite_or_none(jumps.margins[index]),
    }


def _finite_or_none(value: float) -> float | None:
    """JSON has no nan and no infinity."""
    return float(value) if np.isfinite(value) else None


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2, allow_nan=False))


def _require_writable(plot: Path | None, csv: Path | None) -> None:
    """Raise before any work is done if an output cannot be written."""
    if plot and plot.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise InputError(f"`--plot` is {plot.name!r}; pass a file that ends in .png, .pdf or .svg.")
    for path in (plot, csv):
        if path and not path.parent.is_dir():
            raise InputError(f"There is no folder {str(path.parent)!r} for {path.name!r}; make it.")


def _write_picture(setting: Setting, jumps: JumpPath, path: Path) -> None:
    from .plot import jump_figure

    figure = jump_figure(jumps, f"{setting.name}, {jumps.width} neurons, limit λ → 0")
    form = path.suffix[1:].lower()
    _write(path, lambda temporary: figure.savefig(temporary, dpi=160, format=form))


def _write_csv(jumps: JumpPath, path: Path) -> None:
    _write(path, lambda temporary: jumps.to_frame().to_csv(temporary))


def _write(path: Path, write: Callable[[str], None]) -> None:
    """Write a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        write(temporary)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
