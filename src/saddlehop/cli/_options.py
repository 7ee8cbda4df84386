"""The options that commands share, and what they do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from .._support.brief import scale_name
from .._support.files import write_whole
from .._support.progress import progress_bar
from .._support.validate import as_path
from ..errors import InputError
from ..flow.simulate import FlowPath
from ..general.jumps_path import GeneralJumpPath
from ..general.verbs import simulate_flow
from ..limit.jump_path import JumpPath
from ..model.data_sources import NAMES, find_samples
from ..model.general_problem import problem_of
from ..model.initialization import LAWS, Initialization
from ..model.orthogonalization import orthogonalize
from .documents import Setting, print_json
from .show import say

Data = Annotated[
    str,  # an empty path would become the current folder
    typer.Argument(
        help=f"A CSV, Parquet or NPZ file, samples in rows; or the name of shipped data: {NAMES}.",
    ),
]
Target = Annotated[str, typer.Option(help="Label column of a file, by name or position.")]
Width = Annotated[int, typer.Option(help="Number of hidden neurons.")]
Law = Annotated[str, typer.Option(help=f"Law of the start: {', '.join(LAWS)}.")]
Seed = Annotated[int, typer.Option(help="Seed of the start.")]
Orthogonalize = Annotated[
    bool, typer.Option("--orthogonalize", help="Replace the inputs by the nearest orthogonal ones.")
]
Bias = Annotated[
    bool, typer.Option("--bias", help="Append a feature 1 to the inputs, taken as they are.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Picture = Annotated[Path | None, typer.Option("--plot", help="Write a picture to this file.")]
CsvOut = Annotated[Path | None, typer.Option("--csv", help="Write the table to this file.")]
Rtol = Annotated[float, typer.Option(help="Relative accuracy of the flow.")]


AnyJumps = JumpPath | GeneralJumpPath


@dataclass(frozen=True)
class Given:
    """Which data and which start."""

    data: Data
    target: Target = "y"
    width: Width = 40
    law: Law = "balanced"
    seed: Seed = 0
    orthogonal: Orthogonalize = False
    bias: Bias = False

    @property
    def path(self) -> Path:
        """The data as a path."""
        return as_path(self.data, "DATA")

    def load(self) -> Setting:
        """Read a data file or shipped data, and draw a start for them."""
        samples = find_samples(self.data, self.target)
        X = _orthogonalized(samples.X) if self.orthogonal else samples.X
        problem = problem_of(X, samples.y, self.bias or (samples.bias and not self.orthogonal))
        init = Initialization.draw(problem, self.width, self.law, rng=checked_seed(self.seed))
        return Setting(samples.title, problem, init, self.law, self.seed, samples.images)


@dataclass(frozen=True)
class Wanted:
    """In which form the result is wanted."""

    as_json: AsJson = False
    plot: Picture = None
    csv: CsvOut = None

    def deliver(
        self,
        document: Callable[[], Any],
        show: Callable[[], None],
        frame: Callable[[], Any],
        picture: Callable[[Path], None],
    ) -> None:
        """Write the files, then print the result, each made only if it is wanted."""
        if self.plot:
            picture(self.plot)
        if self.csv:
            write_whole(self.csv, frame().to_csv)
        if self.as_json:
            print_json(document())
        else:
            show()


def spelled_out(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each parameter that is a class of options by these options, for Typer to see."""
    own = inspect.signature(command, eval_str=True).parameters
    kinds: dict[str, Any] = {name: p.annotation for name, p in own.items()}
    groups: dict[str, Any] = {name: kind for name, kind in kinds.items() if is_dataclass(kind)}

    def run(**values: Any) -> None:
        for name, kind in groups.items():
            mine = {option: values.pop(option) for option in inspect.signature(kind).parameters}
            values[name] = kind(**mine)
        command(**values)

    options = [
        option.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, p in own.items()
        for option in (
            inspect.signature(groups[name], eval_str=True).parameters.values()
            if name in groups
            else [p]
        )
    ]
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in options}
    return run


def checked_seed(seed: int) -> int:
    """Return a seed that NumPy takes."""
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


def follow(
    setting: Setting, jumps: AnyJumps, log_scale: float, t_end: float | None, rtol: float
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


def write_jump_picture(path: Path, setting: Setting, jumps: AnyJumps, *flows: FlowPath) -> None:
    """Write the staircase above the fan, with flows over them."""
    from ..plot import jump_figure

    title = f"{setting.name}, {jumps.width} neurons" + ("" if flows else ", limit λ → 0")
    save_figure(jump_figure(jumps, *flows, title=title), path)


def save_figure(figure: Any, path: Path) -> None:
    """Write a matplotlib figure in the form its name ends in."""
    form = path.suffix[1:].lower()
    write_whole(path, lambda temporary: figure.savefig(temporary, dpi=160, format=form))
