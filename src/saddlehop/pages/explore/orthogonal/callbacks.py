"""What happens when a control moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....errors import SaddlehopError
from ....limit.jump_path import JumpPath
from ... import figures as page_figures
from ..given import attempt, sentence
from ..parts import connect_downloads, log10_scale, scale_name
from .layout import FIGURES
from .state import Choice, flow_curve, limit, python_lines, start

_MOST_LISTED = 60
_SETTINGS = ("n", "m", "labels", "norms", "law", "seed")


def connect(app: Any) -> None:
    """Register the callbacks."""
    from dash import Input, State

    problem = [Input(name, "value") for name in _SETTINGS] + [Input("uploaded", "data")]
    stated = [State(name, "value") for name in _SETTINGS] + [State("uploaded", "data")]
    _connect_figures(app, problem, stated)
    _connect_saddle(app, problem, stated)
    connect_downloads(app, stated, _get_csv, _get_python, "staircase")


def _connect_figures(app: Any, problem: list[Any], stated: list[Any]) -> None:
    from dash import Input, Output, State

    app.callback(
        Output("uploaded", "data"),
        Input("upload", "contents"),
        Input("forget", "n_clicks"),
        prevent_initial_call=True,
    )(_keep_upload)
    app.callback(
        *[Output(name, "figure") for name in FIGURES],
        Output("message", "children"),
        Output("jump", "max"),
        Output("jump", "value"),
        Output("scale-name", "children"),
        *problem,
        State("scale", "value"),
        State("whole", "value"),
    )(_redraw)
    app.callback(
        Output("staircase", "figure", allow_duplicate=True),
        Output("fan", "figure", allow_duplicate=True),
        Output("scale-name", "children", allow_duplicate=True),
        Output("message", "children", allow_duplicate=True),
        Input("scale", "value"),
        *stated,
        prevent_initial_call=True,
    )(_move_scale)
    app.callback(
        Output("staircase", "figure", allow_duplicate=True),
        Input("whole", "value"),
        *stated,
        prevent_initial_call=True,
    )(_move_begin)


def _connect_saddle(app: Any, problem: list[Any], stated: list[Any]) -> None:
    from dash import Input, Output

    app.callback(
        Output("jump", "value", allow_duplicate=True),
        *[Input(name, "clickData") for name in FIGURES],
        *stated,
        prevent_initial_call=True,
    )(_click)
    app.callback(Output("saddle", "children"), Input("jump", "value"), *problem)(_show_saddle)


def _keep_upload(contents: str | None, _: int | None) -> str:
    from dash import ctx

    return contents or "" if ctx.triggered_id == "upload" else ""


def _redraw(*values: Any) -> tuple[Any, ...]:
    from dash import no_update

    try:
        choice = _choice(values[:-2])
        jumps = limit(choice)
        name, curve = _flow(choice, values[-2])
    except Exception as err:
        return (*[no_update] * 3, sentence(err), *[no_update] * 3)
    over = [(name, curve)]
    drawn = (
        page_figures.staircase(jumps, over, _begin(jumps, values[-1])),
        page_figures.fan(jumps, over),
        page_figures.assignment_map(jumps),
    )
    return (*drawn, "", jumps.n_jumps, 0, name)


def _move_scale(scale: float, *values: Any) -> tuple[Any, Any, str, str]:
    from dash import no_update

    try:
        choice = _choice(values)
        jumps = limit(choice)
        name, curve = _flow(choice, scale)
    except Exception as err:
        return no_update, no_update, "", sentence(err)
    staircase = _moved(1, name, page_figures.losses_of(curve))
    return staircase, _moved(3, name, page_figures.exponents_of(jumps, curve)), name, ""


def _move_begin(whole: list[str], *values: Any) -> Any:
    from dash import Patch, no_update

    try:
        begin = _begin(limit(_choice(values)), whole)
    except SaddlehopError:
        return no_update
    patch = Patch()
    patch["layout"]["xaxis"]["range"][0] = begin
    return patch


def _begin(jumps: JumpPath, whole: list[str]) -> float:
    return 0.0 if whole else page_figures.first_event(jumps)


def _moved(trace: int, name: str, coordinates: dict[str, Any]) -> Any:
    """What changes in a figure when its flow, the `trace`-th curve, is another."""
    from dash import Patch

    patch = Patch()
    for key, value in (coordinates | {"name": name}).items():
        patch["data"][trace][key] = value
    return patch


def _click(*values: Any) -> Any:
    from dash import ctx, no_update

    point = ctx.triggered[0]["value"]["points"][0] if ctx.triggered[0]["value"] else None
    if point is None:
        return no_update
    jumps = limit(_choice(values[len(FIGURES) :]))
    return _jump_at(jumps, ctx.triggered_id, point)


def _show_saddle(jump: int | None, *values: Any) -> str:
    try:
        return describe(limit(_choice(values)), jump)
    except Exception as err:
        return sentence(err)


def _get_csv(_: int, *values: Any) -> Any:
    def table() -> dict[str, str]:
        return {"content": limit(_choice(values)).to_frame().to_csv(), "filename": "jumps.csv"}

    return attempt(table)


def _get_python(_: int, scale: float, *values: Any) -> Any:
    def lines() -> dict[str, str]:
        start(_choice(values))  # which raises if they cannot be used
        return {
            "content": python_lines(_choice(values), log10_scale(scale)),
            "filename": "jumps.py",
        }

    return attempt(lines)


def describe(jumps: JumpPath, jump: int | None) -> str:
    """Say what is at the saddle after a number of jumps."""
    index = min(max(int(jump or 0), 0), jumps.n_jumps)
    lines = [f"Saddle after jump {index}, loss {jumps.losses[index]:.5g}"]
    if index:
        neurons = ", ".join(map(str, jumps.neurons[index - 1]))
        lines[0] += f", at clock {jumps.times[index - 1]:.5g}"
        lines.append(f"Neuron {neurons} fitted samples {_listed(jumps.samples[index - 1])}.")
        margin = jumps.margins[index - 1]
        lines.append(
            "Nobody else was on the way."
            if np.isinf(margin)
            else f"The runner-up was {margin:.3g} behind on the clock."
        )
    rates = jumps.saddle_facts(index).rates
    ways = np.argsort(-rates, kind="stable")[: np.count_nonzero(rates)]
    if ways.size:
        named = ", ".join(f"neuron {j} at rate {rates[j]:.4g}" for j in ways[:6])
        more = f" and {ways.size - 6} more" if ways.size > 6 else ""
        lines.append(f"Ways out: {named}{more}.")
    else:
        lines.append("No way out: this is a minimum over what can be reached.")
    return "\n".join(lines)


def _listed(samples: Any) -> str:
    shown = ", ".join(map(str, samples[:_MOST_LISTED]))
    return shown + (
        f" and {len(samples) - _MOST_LISTED} more" if len(samples) > _MOST_LISTED else ""
    )


def _choice(values: Any) -> Choice:
    n, m, labels, norms, law, seed, upload = values
    return Choice(n, m, labels, norms, law, seed, upload or "")


def _flow(choice: Choice, place: float) -> tuple[str, Any]:
    scale = log10_scale(place)
    return scale_name(scale), flow_curve(choice, scale)


def _jump_at(jumps: JumpPath, figure: str, point: dict[str, Any]) -> int:
    """The jump that a click in a figure is nearest to, counted from 1."""
    if figure == "assignment":
        edges = np.cumsum([part.size for part in jumps.samples])
        return min(int(np.searchsorted(edges, point["x"], side="right")) + 1, jumps.n_jumps)
    if jumps.n_jumps == 0:
        return 0
    return int(np.argmin(np.abs(jumps.times - point["x"]))) + 1
