"""The command line: read, compute, show. Results on stdout, messages on stderr."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ._files import require_writable, write_whole
from ._progress import progress_bar
from ._show import (
    Setting,
    comparisons_document,
    flow_document,
    jumps_document,
    print_comparisons,
    print_flow,
    print_json,
    print_jumps,
    say,
    scale_name,
)
from ._version import __version__
from .comparison import Comparison, compare
from .datasets import load_digits
from .errors import InputError, NotOrthogonalError, SaddlehopError
from .flow import FlowPath, simulate_flow
from .initialization import Initialization
from .jumps import JumpPath, solve_jumps
from .orthogonalization import orthogonalize
from .problem import Problem
from .scale import parse_scale
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
CsvOut = Annotated[Path | None, typer.Option("--csv", help="Write the table to this file.")]
Rtol = Annotated[float, typer.Option(help="Relative accuracy of the flow.")]


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
    problem = Problem.from_data(*load_digits())
    init = Initialization.draw(problem, width, rng=_seed(seed))
    setting = Setting(f"{problem.n_samples} handwritten digits", problem, init, "balanced", seed)
    jumps = solve_jumps(problem, init)
    print_jumps(setting, jumps)
    out.mkdir(parents=True, exist_ok=True)
    _write_jump_picture(setting, jumps, out / "jumps.png")
    write_whole(out / "jumps.csv", jumps.to_frame().to_csv)
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
    require_writable(data, plot, csv)
    setting = _load(data, target, width, law, seed, orthogonal)
    jumps = solve_jumps(setting.problem, setting.init)
    if plot:
        _write_jump_picture(setting, jumps, plot)
    if csv:
        write_whole(csv, jumps.to_frame().to_csv)
    if as_json:
        print_json(jumps_document(setting, jumps))
    else:
        print_jumps(setting, jumps)


@app.command("flow")
def flow_command(
    data: Data,
    init_scale: Annotated[str, typer.Option(help="The scale λ, such as 1e-8 or 1e-1000.")],
    target: Target = "y",
    width: Width = 40,
    law: Law = "balanced",
    seed: Seed = 0,
    orthogonal: Orthogonalize = False,
    t_end: Annotated[float | None, typer.Option(help="Time to stop at; default: the end.")] = None,
    rtol: Rtol = 1e-8,
    as_json: AsJson = False,
    plot: Picture = None,
    csv: CsvOut = None,
) -> None:
    """Follow gradient flow at one scale λ, however small."""
    require_writable(data, plot, csv)
    log_scale = parse_scale(init_scale)
    setting = _load(data, target, width, law, seed, orthogonal)
    jumps = solve_jumps(setting.problem, setting.init)
    flow = _follow(setting, jumps, log_scale, t_end, rtol)
    if plot:
        _write_comparison_picture(setting, jumps, [flow], plot)
    if csv:
        write_whole(csv, _flow_frame(flow).to_csv)
    if as_json:
        print_json(flow_document(setting, flow))
    else:
        print_flow(setting, flow)


@app.command("compare")
def compare_command(
    data: Data,
    init_scale: Annotated[str, typer.Option(help="Scales λ, such as 1e-8,1e-30,1e-100.")],
    target: Target = "y",
    width: Width = 40,
    law: Law = "balanced",
    seed: Seed = 0,
    orthogonal: Orthogonalize = False,
    rtol: Rtol = 1e-8,
    as_json: AsJson = False,
    plot: Picture = None,
    csv: CsvOut = None,
) -> None:
    """Compare the flow at several scales λ with the limit λ → 0."""
    require_writable(data, plot, csv)
    log_scales = [_scale_below_one(scale.strip()) for scale in init_scale.split(",")]
    setting = _load(data, target, width, law, seed, orthogonal)
    jumps = solve_jumps(setting.problem, setting.init)
    flows = [_follow(setting, jumps, log_scale, None, rtol) for log_scale in log_scales]
    comparisons = [compare(flow, jumps) for flow in flows]
    if plot:
        _write_comparison_picture(setting, jumps, flows, plot)
    if csv:
        write_whole(csv, _comparison_frame(comparisons).to_csv)
    if as_json:
        print_json(comparisons_document(setting, comparisons))
    else:
        print_comparisons(setting, comparisons)


def main() -> None:
    """Run the command line; a saddlehop error is one sentence on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no λ gets a question mark
    try:
        app()
    except MemoryError as err:
        say(f"Error: This does not fit in memory ({err}); pass fewer neurons or samples.")
        sys.exit(2)
    except NotOrthogonalError as err:
        say(f"Error: {err} Here: add `--orthogonalize`.")
        sys.exit(2)
    except SaddlehopError as err:
        say(f"Error: {err}")
        sys.exit(2)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as err:
        say(f"Error: {err.strerror}: {err.filename}")
        sys.exit(2)


def _load(data: Path, target: str, width: int, law: str, seed: int, orthogonal: bool) -> Setting:
    X, y = read_samples(data, target)
    if orthogonal:
        X = _orthogonalized(X)
    problem = Problem.from_data(X, y)
    init = Initialization.draw(problem, width, law, rng=_seed(seed))
    return Setting(data.name, problem, init, law, seed)


def _scale_below_one(scale: str) -> float:
    log_scale = parse_scale(scale)
    if log_scale >= 0:
        raise InputError(f"The scale {scale} has no limit to compare with; pass scales below 1.")
    return log_scale


def _seed(seed: int) -> int:
    if seed < 0:
        raise InputError(f"`--seed` is {seed}; pass a whole number of at least 0.")
    return seed


def _orthogonalized(X: Any) -> Any:
    rows = orthogonalize(X)
    cosine = np.mean(np.sum(X * rows, axis=1) / np.sum(rows**2, axis=1))
    say(
        f"Rows replaced by the nearest orthogonal rows: mean cosine with the given rows {cosine:.3f}."
    )
    return rows


def _follow(
    setting: Setting, jumps: JumpPath, log_scale: float, t_end: float | None, rtol: float
) -> FlowPath:
    """Run the flow; the bar knows from the limit about how long it will be."""
    last = float(jumps.times[-1]) if jumps.n_jumps else 1.0
    total = t_end or max(-log_scale, 1.0) * last
    with progress_bar(f"λ = {scale_name(log_scale)}", total) as report:
        return simulate_flow(
            setting.problem,
            setting.init,
            log_init_scale=log_scale,
            t_end=t_end,
            rtol=rtol,
            progress=report,
        )


def _flow_frame(flow: FlowPath) -> Any:
    import pandas as pd

    columns = {"t": flow.t, "clock": flow.clock, "loss": flow.losses, "sq_norm": flow.sq_norms}
    return pd.DataFrame(columns).set_index("t")


def _comparison_frame(comparisons: list[Comparison]) -> Any:
    import pandas as pd

    names = [scale_name(one.flow.log_init_scale) for one in comparisons]
    return pd.concat([one.to_frame() for one in comparisons], keys=names, names=["init_scale"])


def _write_jump_picture(setting: Setting, jumps: JumpPath, path: Path) -> None:
    from .plot import jump_figure

    _save(jump_figure(jumps, title=f"{setting.name}, {jumps.width} neurons, limit λ → 0"), path)


def _write_comparison_picture(
    setting: Setting, jumps: JumpPath, flows: list[FlowPath], path: Path
) -> None:
    from .plot import jump_figure

    _save(jump_figure(jumps, *flows, title=f"{setting.name}, {jumps.width} neurons"), path)


def _save(figure: Any, path: Path) -> None:
    form = path.suffix[1:].lower()
    write_whole(path, lambda temporary: figure.savefig(temporary, dpi=160, format=form))
