"""The page: controls, figures, the saddle that was clicked, downloads."""

from __future__ import annotations

from typing import Any

from ....model.datasets import LABELS, NORMS
from ....model.initialization import LAWS
from ..parts import choice, downloads, from_zero, graph, number, page, scale_slider, upload
from .state import MOST_NEURONS, MOST_SAMPLES

FIGURES = ("staircase", "fan", "assignment")
MOST_DECADES = 3.0


def layout() -> Any:
    """Return the tree of components."""
    from dash import dcc, html

    parts = [
        dcc.Store(id="uploaded", data=""),
        html.Div(_controls(), className="controls"),
        scale_slider(MOST_DECADES, 1),
        html.Div(id="message", className="message", role="alert"),
        html.Div([html.Div(graph(name)) for name in FIGURES], className="figures"),
        html.Div(_saddle()),
        downloads(),
    ]
    return page("orthogonal", "saddlehop: from saddle to saddle as λ → 0", parts)


def _controls() -> list[Any]:
    from dash import html

    return [
        number("n", "samples n", 50, MOST_SAMPLES),
        number("m", "neurons m", 16, MOST_NEURONS),
        number("seed", "seed", 0, None),
        choice("labels", LABELS, "uniform"),
        choice("norms", NORMS, "unit"),
        choice("law", LAWS, "balanced"),
        upload(),
        html.Button("drawn data", id="forget", type="button"),
        from_zero(),
    ]


def _saddle() -> list[Any]:
    from dash import dcc, html

    number = dcc.Input(id="jump", type="number", value=0, min=0, step=1)
    return [
        html.Label(["saddle after jump ", number], className="after", style={"display": "block"}),
        html.Div("Click a jump to see its saddle.", id="saddle", className="saddle"),
    ]
