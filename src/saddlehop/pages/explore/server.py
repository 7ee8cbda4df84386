"""Run the pages on this machine only."""

from __future__ import annotations

import logging
import socket
import threading
import webbrowser
from pathlib import Path
from typing import Any

from ..._support.optional import require
from ...errors import InputError

HOST = "127.0.0.1"


def explore(port: int | None = None, open_browser: bool = True) -> None:
    """Show pages on which to move λ, drag points and watch, until Ctrl-C.

    Parameters
    ----------
    port : int, optional
        Port on 127.0.0.1; a free one by default.
    open_browser : bool
        Whether to open the first page.
    """
    app = make_app()
    port = _free_port() if port is None else _checked_port(port)
    address = f"http://{HOST}:{port}/"
    print(f"saddlehop is at {address} (Ctrl-C to stop)", flush=True)
    if open_browser:
        timer = threading.Timer(1.0, webbrowser.open, [address])
        timer.daemon = True
        timer.start()
    for name in ("werkzeug", "saddlehop"):  # which would print each request
        logging.getLogger(name).setLevel(logging.ERROR)
    app.run(host=HOST, port=port, debug=False)


def make_app() -> Any:
    """Return the application of the first page; its server has the second as well."""
    dash = require("dash", "The explorer", "explore")
    require("plotly", "The explorer", "explore")
    from .general import callbacks as general
    from .general import layout as general_page
    from .orthogonal import callbacks as orthogonal
    from .orthogonal import layout as orthogonal_page
    from .parts import PAGES

    app = _new_app(dash, PAGES["orthogonal"], orthogonal_page.layout(), True)
    orthogonal.connect(app)
    script = (Path(general_page.__file__).parent / "points.js").read_text(encoding="utf-8")
    head = f"<style>{general_page.STYLE}</style><script>{script}</script>"
    general.connect(
        _new_app(dash, PAGES["data as they are"], general_page.layout(), app.server, head)
    )
    return app


def _new_app(dash: Any, path: str, layout: Any, server: Any, head: str = "") -> Any:
    """Return a page at `path`; those on one server are applications of their own."""
    from .parts import STYLE

    app = dash.Dash(
        "saddlehop",
        server=server,
        url_base_pathname=path,
        serve_locally=True,
        assets_folder="",
        update_title="",
    )
    app.title = "saddlehop"
    app.index_string = _INDEX.replace("STYLE", STYLE).replace("<!-- head -->", head)
    app.layout = dash.html.Div(layout)
    return app


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _checked_port(port: int) -> int:
    if not 1 <= port <= 65535:
        raise InputError(f"`port` is {port}; pass a number from 1 to 65535.")
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise InputError(f"Port {port} is taken; pass another, or none for a free one.")
    return port


_INDEX = """<!doctype html>
<html lang="en">
<head>
{%metas%}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{%title%}</title>
<link rel="icon" href="data:,">
{%css%}
<style>STYLE</style>
<!-- head -->
</head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>
"""
