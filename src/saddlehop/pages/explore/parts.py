"""What both pages are made of: their looks, controls and the place of the slider for λ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PAGES = {"orthogonal": "/", "data as they are": "/points/"}
FLOW_RTOL, LEVEL = 1e-4, 0.03  # of flows that are looked at; of the loss, from point to point
GIVEN = "CSV with a column y"

STYLE = """
* { box-sizing: border-box; }
body { overflow-x: hidden; font: 15px/1.45 system-ui, sans-serif; color: #222; margin: 0; }
main { max-width: 76rem; margin: 0 auto; padding: .6rem 1rem 2rem; }
h1 { font-size: 1.25rem; margin: .2rem 0 .6rem; }
nav { display: flex; gap: 1.2rem; } nav a { color: #0072B2; }
.controls { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: end; }
.controls > label { display: flex; flex-direction: column; font-size: .85rem; color: #555; }
.choice { display: flex; gap: .7rem; padding: .45rem 0; color: #222; }
.choice label { display: flex; flex-direction: row; align-items: center; gap: .25rem; width: auto; }
.choice input { width: auto; margin: 0; }
.scale { margin: .8rem 1.4rem .2rem 0; max-width: 100%; }
.after { max-width: 14rem; }
.figures { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem; }
.figures > div { min-width: 0; position: relative; }
.figures > div:last-child { grid-column: 1 / -1; }
.message { color: #a11; min-height: 1.4em; }
.saddle { background: #f6f6f6; padding: .5rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
button { font: inherit; padding: .3rem .7rem; margin-right: .4rem; cursor: pointer; }
@media (max-width: 720px) { .figures { grid-template-columns: 1fr; } }
"""


def page(current: str, title: str, children: list[Any]) -> Any:
    """Return a page under its title and the way to the other."""
    from dash import html

    links = [
        html.Strong(name) if name == current else html.A(name, href=path)
        for name, path in PAGES.items()
    ]
    return html.Main([html.Nav(links), html.H1(title), *children])


def number(name: str, label: str, value: int, most: int | None) -> Any:
    """Return a labelled box for a whole number."""
    from dash import dcc, html

    least = 0 if name == "seed" else 1
    box = dcc.Input(id=name, type="number", value=value, min=least, max=most, step=1, debounce=True)
    return html.Label([label, box])


def choice(name: str, options: tuple[str, ...], value: str) -> Any:
    """Return labelled options of which one holds."""
    from dash import dcc, html

    items = dcc.RadioItems(
        id=name, options=list(options), value=value, inline=True, className="choice"
    )
    return html.Label([name, items])


def upload() -> Any:
    """Return a button for a file of data."""
    from dash import dcc, html

    return dcc.Upload(html.Button(GIVEN, type="button"), id="upload", accept=".csv")


def scale_slider(most: float, value: float) -> Any:
    """Return the slider of log10 log10(1/λ), under the name of its λ."""
    from dash import dcc, html

    slider = dcc.Slider(
        id="scale",
        min=0,
        max=most,
        step=0.01,
        value=value,
        updatemode="drag",
        allow_direct_input=False,
        marks={i: f"1e-{10**i}" for i in range(int(most) + 1)},
    )
    return html.Div([html.Div(id="scale-name", role="status"), slider], className="scale")


def log10_scale(place: float) -> float:
    """log10 λ at a place of the slider, which is even in log log(1/λ)."""
    return -float(10.0**place)


def scale_name(log10: float) -> str:
    """What a flow at 10^`log10` is called in figures."""
    return f"λ = 1e{log10:.4g}"


def from_zero() -> Any:
    """Return the switch for where the staircase begins."""
    from dash import dcc

    options = [{"label": "staircase from clock 0", "value": "whole"}]
    return dcc.Checklist(id="whole", options=options, value=[], className="choice")


def graph(name: str, height: str = "340px") -> Any:
    """Return an empty figure."""
    from dash import dcc

    config: Any = {"displaylogo": False, "displayModeBar": False, "responsive": True}
    return dcc.Graph(id=name, style={"height": height}, config=config)


def downloads() -> Any:
    """Return the buttons of what can be taken along."""
    from dash import dcc, html

    return html.P(
        [
            html.Button("PNG", id="get-png"),
            html.Button("CSV", id="get-csv"),
            html.Button("Python", id="get-python"),
            dcc.Download(id="csv"),
            dcc.Download(id="python"),
            html.Span(id="png-done", hidden=True),
        ]
    )


def connect_downloads(
    app: Any, stated: list[Any], csv: Callable[..., Any], python: Callable[..., Any], figure: str
) -> None:
    """Let the buttons give a table, a script and a picture of what is `stated`."""
    from dash import Input, Output, State

    app.callback(
        Output("csv", "data"),
        Output("message", "children", allow_duplicate=True),
        Input("get-csv", "n_clicks"),
        *stated,
        prevent_initial_call=True,
    )(csv)
    app.callback(
        Output("python", "data"),
        Output("message", "children", allow_duplicate=True),
        Input("get-python", "n_clicks"),
        State("scale", "value"),
        *stated,
        prevent_initial_call=True,
    )(python)
    _connect_png(app, figure)


def _connect_png(app: Any, name: str) -> None:
    """Let the PNG button save a figure, in the browser."""
    from dash import Input, Output

    app.clientside_callback(
        f"""function (_) {{
    var graph = document.querySelector('#{name} .js-plotly-plot');
    window.Plotly.downloadImage(graph,
        {{format: 'png', filename: '{name}', width: 1000, height: 600, scale: 2}});
    return '';
}}""",
        Output("png-done", "children"),
        Input("get-png", "n_clicks"),
        prevent_initial_call=True,
    )
