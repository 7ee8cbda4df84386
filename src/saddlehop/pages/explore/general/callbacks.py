"""What happens when a point or a control moves.

points, m, law, seed ── sketch ──> figures of the limit, `stage` ── whole ──> figures of limit and flow
                                      λ, clock, switch ── asked ────┘
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ....general.jumps_path import GeneralJumpPath
from ....model.settings import SETTINGS
from ..given import attempt, sentence
from ..parts import connect_downloads, log10_scale, scale_name
from . import figures, state
from .layout import FIGURES
from .moment import Moment, moment_at
from .view import view_of

_CONTROLS = ("m", "law", "seed")
_SLIDERS = ("scale", "place", "whole")
_MORE = "The flow, and what is left of the limit, are on their way."
_serial = itertools.count()


def connect(app: Any) -> None:
    """Register the callbacks."""
    _connect_points(app)
    _connect_figures(app)
    _connect_downloads(app)


def _connect_points(app: Any) -> None:
    from dash import ClientsideFunction, Input, Output, State

    app.callback(
        Output("points", "data"),
        Output("bias", "value"),
        Output("note", "children"),
        Output("message", "children", allow_duplicate=True),
        *[Input(f"setting-{name}", "n_clicks") for name in SETTINGS],
        Input("upload", "contents"),
        Input("typed-text", "data"),
        Input("bias", "value"),
        State("points", "data"),
        prevent_initial_call=True,
    )(_give)
    app.clientside_callback(
        ClientsideFunction("points", "show"),
        Input("function", "figure"),
        Input("stage", "data"),
        State("points", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("points", "ask"), *[Input(name, "value") for name in _SLIDERS]
    )
    app.clientside_callback(ClientsideFunction("points", "landed"), Input("drawn", "data"))


def _connect_figures(app: Any) -> None:
    from dash import Input, Output, State

    app.callback(
        *[Output(name, "figure") for name in FIGURES],
        Output("message", "children"),
        Output("stage", "data"),
        Output("saddle", "children"),
        Output("clock-name", "children"),
        Input("points", "data"),
        *[Input(name, "value") for name in _CONTROLS],
        State("place", "value"),
        State("whole", "value"),
    )(_sketch)
    app.callback(
        *[Output(name, "figure", allow_duplicate=True) for name in FIGURES],
        Output("message", "children", allow_duplicate=True),
        Output("saddle", "children", allow_duplicate=True),
        Output("scale-name", "children"),
        Output("clock-name", "children", allow_duplicate=True),
        Output("drawn", "data"),
        Input("stage", "data"),
        Input("asked", "data"),
        *[State(name, "value") for name in _SLIDERS],
        State("points", "data"),
        *[State(name, "value") for name in _CONTROLS],
        prevent_initial_call=True,
    )(_draw)


def _connect_downloads(app: Any) -> None:
    from dash import State

    stated = [State("points", "data"), *[State(name, "value") for name in _CONTROLS]]
    connect_downloads(app, stated, _get_csv, _get_python, "function")


def _give(*values: Any) -> tuple[Any, ...]:
    """New data, from whatever was used to give them."""
    from dash import ctx, no_update

    *_, content, text, bias, data = values
    note: Any = no_update
    source = str(ctx.triggered_id)
    try:
        if source == "bias":
            data = data | {"bias": bool(bias), "moving": False}
        elif source == "upload":
            data, note = state.uploaded(content), "Data as uploaded."
        elif source == "typed-text":
            data, note = state.typed(text, bool(bias)), "Data as typed."
        else:
            data, note = state.published(source.removeprefix("setting-"))
    except Exception as err:
        return no_update, no_update, no_update, sentence(err)
    return data, ["bias"] * data["bias"], note, ""


def _sketch(
    data: state.Data, width: Any, law: str, seed: Any, place: float, whole: list[str]
) -> Any:
    """Figures of the limit alone, as soon as they can be had."""
    from dash import no_update

    stage = {"serial": next(_serial), "moving": data["moving"]}
    try:
        jumps = state.sketch(state.choice_of(data, width, law, seed))
        moment = moment_at(jumps, None, state.clock_at(jumps, None, place))
        drawn = _figures(moment, data, None, bool(whole))
    except Exception as err:
        return (*[no_update] * 3, sentence(err), stage | {"moving": True}, "", "")
    words = describe(jumps, moment.clock)
    if data["moving"]:
        return (*drawn, "" if jumps.success else jumps.message, stage, words, _clock_name(moment))
    return (*drawn, "", stage, f"{words}\n{_MORE}", _clock_name(moment))


def _draw(
    stage: dict[str, Any],
    _: Any,
    slider: float,
    place: float,
    whole: list[str],
    data: state.Data,
    *controls: Any,
) -> Any:
    """Figures of the whole limit and of the flow, unless points still move."""
    from dash import no_update

    scale = log10_scale(slider)
    landed = {"serial": next(_serial), "place": place}
    if stage is None or stage["moving"]:
        return (*[no_update] * 7, landed)
    try:
        choice = state.choice_of(data, *controls)
        jumps, shown = state.limit(choice), state.flow(choice, scale)
        moment = moment_at(jumps, shown, state.clock_at(jumps, shown, place))
        drawn = _figures(moment, data, (scale_name(scale), shown), bool(whole))
    except Exception as err:
        return (*[no_update] * 3, sentence(err), *[no_update] * 3, landed)
    wrong = [shown.message, "" if jumps.success else jumps.message]
    names = (scale_name(scale), _clock_name(moment))
    return (*drawn, " ".join(filter(None, wrong)), describe(jumps, moment.clock), *names, landed)


def _clock_name(moment: Moment) -> str:
    return f"clock {moment.clock:.5g}"


def _figures(moment: Moment, data: state.Data, flow: Any, whole: bool) -> tuple[Any, ...]:
    return (
        figures.function_figure(moment, view_of(data, moment.jumps)),
        figures.circle_figure(moment),
        figures.clock_figure(moment, flow, whole),
    )


def _get_csv(_: int, data: state.Data, *controls: Any) -> Any:
    def table() -> dict[str, str]:
        jumps = state.limit(state.choice_of(data, *controls))
        return {"content": jumps.to_frame().to_csv(), "filename": "jumps.csv"}

    return attempt(table)


def _get_python(_: int, slider: float, data: state.Data, *controls: Any) -> Any:
    def lines() -> dict[str, str]:
        choice = state.choice_of(data, *controls)
        return {"content": state.python_lines(choice, log10_scale(slider)), "filename": "jumps.py"}

    return attempt(lines)


def describe(jumps: GeneralJumpPath, clock: float) -> str:
    """Say what the limit is at on the clock."""
    index = int(np.searchsorted(jumps.times, clock, side="right"))
    first = f"Limit after jump {index} of {jumps.n_jumps}: loss {jumps.losses[index]:.6g}, "
    lines = [f"{first}‖θ‖² {jumps.sq_norms[index]:.6g}"]
    if index:
        neurons = ", ".join(map(str, jumps.neurons[index - 1]))
        lines.append(
            f"Jump {index}, at clock {jumps.times[index - 1]:.6g}: neurons {neurons} activated."
        )
    names, counts = np.unique(jumps.states[index], return_counts=True)
    lines.append(
        "Neurons: " + ", ".join(f"{c} {name}" for name, c in zip(names, counts, strict=True)) + "."
    )
    if index < jumps.n_jumps:
        lines.append(f"Fastest way out at rate {jumps.escape_rates[index]:.4g}.")
    elif jumps.success:
        lines.append("Every label is fitted. " * jumps.interpolates + jumps.message)
    return "\n".join(lines)
