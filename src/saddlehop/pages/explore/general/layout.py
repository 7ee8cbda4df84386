"""The page: settings of the literature, controls, the clock, figures, the points in words."""

from __future__ import annotations

from typing import Any

from ....model.initialization import LAWS
from ....model.settings import SETTINGS
from ..parts import choice, downloads, from_zero, graph, number, page, scale_slider, upload
from .state import MOST_NEURONS, PLACES, published

FIGURES = ("function", "circle", "staircase")
FIRST = "five-points"
MOST_DECADES = 2.4  # λ = 1e-251: smaller weights are no floats

STYLE = """
.handles { position: absolute; left: 58px; right: 12px; top: 12px; bottom: 44px; touch-action: pan-y; }
.handle { position: absolute; width: 30px; height: 30px; margin: 0; padding: 0; border-radius: 50%;
  transform: translate(-50%, -50%); background: rgba(0, 114, 178, .12); border: 1.5px solid #0072B2;
  cursor: grab; touch-action: none; }
.handle:active { cursor: grabbing; } .handle:focus-visible { outline: 3px solid #E69F00; }
.many .handle { width: 16px; height: 16px; }
.settings { margin: .4rem 0; } .settings button { margin: 0 .3rem .3rem 0; }
#clock-name { min-height: 3em; }
.note, .legend { color: #555; font-size: .85rem; margin: .2rem 0; }
.play { display: grid; grid-template-columns: max-content 1fr; gap: .8rem; align-items: center; }
.typed { width: 100%; max-width: 30rem; height: 8rem; font: inherit; }
"""

_CAPTIONS = {
    "function": "Grey: limit λ → 0 at this clock. Green: flow. Kinks: filled circles a > 0, open "
    "squares a < 0.",
    "circle": "Filled circles, open squares: neurons of the flow with a > 0, a < 0, from size λ on the "
    "inner circle to size 1 on the outer. Rings: active in the limit. Stars: directions that draw neurons. "
    "Dotted: pull G of what the flow has left, outward for a > 0. Marks: walls.",
    "staircase": "The line is the clock.",
}


def layout() -> Any:
    """Return the tree of components."""
    from dash import dcc, html

    data, note = published(FIRST)
    parts = [
        dcc.Store(id="points", data=data),
        dcc.Store(id="stage"),
        dcc.Store(id="asked"),
        dcc.Store(id="drawn"),
        dcc.Store(id="typed-text"),
        html.P(
            "Drag points, double-click to add one; arrow keys move, Delete removes.",
            className="note",
        ),
        html.Div(
            [html.Button(name, id=f"setting-{name}") for name in SETTINGS], className="settings"
        ),
        html.Div(_controls(data), className="controls"),
        scale_slider(MOST_DECADES, 1),
        html.Div([html.Button("play", id="play", type="button"), _clock()], className="play"),
        html.Div(id="message", className="message", role="alert"),
        html.Div([_figure(name) for name in FIGURES], className="figures"),
        html.P(note, id="note", className="note"),  # below: it goes when a point moves
        html.Div(id="saddle", className="saddle"),
        html.Label(["Points, one on each line, label last", html.Br(), html.Div(id="typed-box")]),
        downloads(),
    ]
    return page("data as they are", "saddlehop: data as they are, from saddle to saddle", parts)


def _controls(data: dict[str, Any]) -> list[Any]:
    from dash import dcc, html

    return [
        number("m", "neurons m", 20, MOST_NEURONS),
        number("seed", "seed", 0, None),
        choice("law", LAWS, "balanced"),
        dcc.Checklist(
            id="bias", options=["bias"], value=["bias"] * data["bias"], className="choice"
        ),
        upload(),
        html.Button("add a point", id="add", type="button"),
        from_zero(),
    ]


def _clock() -> Any:
    from dash import dcc, html

    slider = dcc.Slider(
        id="place",
        min=0,
        max=PLACES,
        step=1,
        value=PLACES,
        updatemode="drag",
        allow_direct_input=False,
        marks={0: "start", PLACES: "end"},
    )
    return html.Div([html.Div(id="clock-name", role="status"), slider])


def _figure(name: str) -> Any:
    from dash import html

    handles = [html.Div(id="handles", className="handles")] if name == "function" else []
    drawn = html.Div([graph(name), *handles], style={"position": "relative"})
    return html.Div([drawn, html.P(_CAPTIONS[name], className="legend")])
