"""The page: controls, figures, the saddle that was clicked, downloads."""

from __future__ import annotations

from typing import Any

from ...model.datasets import LABELS, NORMS
from ...model.initialization import LAWS
from .state import MOST_NEURONS, MOST_SAMPLES

FIGURES = ("staircase", "fan", "assignment")
MOST_DECADES = 3.0

STYLE = """
* { box-sizing: border-box; }
body { overflow-x: hidden; font: 15px/1.45 system-ui, sans-serif; color: #222; margin: 0; }
main { max-width: 76rem; margin: 0 auto; padding: .6rem 1rem 2rem; }
h1 { font-size: 1.25rem; margin: .2rem 0 .6rem; }
.controls { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: end; }
.controls > label { display: flex; flex-direction: column; font-size: .85rem; color: #555; }
.choice { display: flex; gap: .7rem; padding: .45rem 0; color: #222; }
.choice label { display: flex; flex-direction: row; align-items: center; gap: .25rem; width: auto; }
.choice input { width: auto; margin: 0; }
.scale { margin: .8rem 1.4rem .2rem 0; max-width: 100%; }
.after { max-width: 14rem; }
.figures { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem; }
.figures > div:last-child { grid-column: 1 / -1; }
.message { color: #a11; min-height: 1.4em; }
.saddle { background: #f6f6f6; padding: .5rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
button { font: inherit; padding: .3rem .7rem; margin-right: .4rem; cursor: pointer; }
@media (max-width: 720px) { .figures { grid-template-columns: 1fr; } }
"""


def layout() -> Any:
    """Return the tree of components."""
    from dash import html

    return html.Main(
        [
            html.H1("saddlehop: from saddle to saddle as λ → 0"),
            html.Div(_controls(), className="controls"),
            html.Div([html.Div(id="scale-name", role="status"), _slider()], className="scale"),
            html.Div(id="message", className="message", role="alert"),
            html.Div([_graph(name) for name in FIGURES], className="figures"),
            html.Div(_saddle()),
            html.P(_downloads()),
        ]
    )


def _controls() -> list[Any]:
    from dash import dcc, html

    def number(name: str, label: str, value: int, most: int | None) -> Any:
        least = 0 if name == "seed" else 1
        box = dcc.Input(
            id=name, type="number", value=value, min=least, max=most, step=1, debounce=True
        )
        return html.Label([label, box])

    def choice(name: str, options: tuple[str, ...], value: str) -> Any:
        return html.Label(
            [
                name,
                dcc.RadioItems(
                    id=name, options=list(options), value=value, inline=True, className="choice"
                ),
            ]
        )

    return [
        number("n", "samples n", 50, MOST_SAMPLES),
        number("m", "neurons m", 16, MOST_NEURONS),
        number("seed", "seed", 0, None),
        choice("labels", LABELS, "uniform"),
        choice("norms", NORMS, "unit"),
        choice("law", LAWS, "balanced"),
        dcc.Upload(html.Button("CSV with a column y", type="button"), id="upload", accept=".csv"),
        html.Button("drawn data", id="forget", type="button"),
    ]


def _slider() -> Any:
    from dash import dcc

    return dcc.Slider(
        id="scale",
        min=0,
        max=MOST_DECADES,
        step=0.01,
        value=1,
        updatemode="drag",
        allow_direct_input=False,
        marks={i: f"1e-{10**i}" for i in range(4)},
    )


def _saddle() -> list[Any]:
    from dash import dcc, html

    number = dcc.Input(id="jump", type="number", value=0, min=0, step=1)
    return [
        html.Label(["saddle after jump ", number], className="after", style={"display": "block"}),
        html.Div("Click a jump to see its saddle.", id="saddle", className="saddle"),
    ]


def _downloads() -> list[Any]:
    from dash import dcc, html

    return [
        html.Button("PNG", id="get-png"),
        html.Button("CSV", id="get-csv"),
        html.Button("Python", id="get-python"),
        dcc.Download(id="csv"),
        dcc.Download(id="python"),
        html.Span(id="png-done", hidden=True),
    ]


def _graph(name: str) -> Any:
    from dash import dcc, html

    return html.Div(
        dcc.Graph(
            id=name,
            style={"height": "340px"},
            config={"displaylogo": False, "displayModeBar": False, "responsive": True},
        )
    )
