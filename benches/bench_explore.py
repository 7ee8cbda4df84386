"""How long the explorer takes to redraw, measured in a browser."""

import logging
import shutil
import threading
import time
from contextlib import contextmanager

import numpy as np
from rich.table import Table

import saddlehop as sh
from saddlehop.pages.explore.server import make_app

HOST = "127.0.0.1"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRAWN = """document.querySelector('#function .js-plotly-plot')?.data?.some(
    (one) => one.name === 'flow')"""
MOVE_SCALE = """async (place) => {
    const before = document.querySelector('#scale-name').innerText;
    const start = performance.now();
    window.dash_clientside.set_props('scale', {value: place});
    const graph = () => document.querySelector('#staircase .js-plotly-plot').data[1].name;
    while (document.querySelector('#scale-name').innerText === before
           || graph() !== document.querySelector('#scale-name').innerText) {
        await new Promise(requestAnimationFrame);
    }
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
}"""
MOVE_POINT = """async (data) => {
    const start = performance.now();
    window.dash_clientside.set_props('points', {data: data});
    const traces = () => document.querySelector('#function .js-plotly-plot').data;
    const shown = () => traces().some((one) => one.name === 'points' && one.y[0] === data.y[0])
        && (data.moving || traces().some((one) => one.name === 'flow'));
    while (!shown()) { await new Promise(requestAnimationFrame); }
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
}"""


def table(sizes=((200, 32), (1000, 64)), places=(0.5, 0.7, 1.0, 1.5, 1.9, 2.3, 2.8)):
    """Time from a move of the slider to the new frame, each λ for the first time."""
    result = _table("n", "m", title="Explorer, orthogonal: move λ, until redrawn")
    if not _has_browser():
        return result
    with _opened() as (page, address):
        for n, m in sizes:
            _add(result, [n, m], _scale_times(page, address, n, m, places))
    return result


def points_table(n=10, m=20, seeds=range(6), moves=4):
    """Time from a move of one of n points to what follows it while held, and once it is let go."""
    result = _table(
        "n", "m", "point", title="Explorer, data as they are: move a point, until redrawn"
    )
    if not _has_browser():
        return result
    with _opened() as (page, address):
        times = np.array([_point_times(page, address, n, m, seed, moves) for seed in seeds])
    for i, name in enumerate(("held: sketch of the limit", "let go: limit and flow")):
        _add(result, [n, m, name], times[:, i].reshape(-1, 2))
    return result


def _table(*columns, title):
    title += "" if _has_browser() else " (no chromium or playwright here)"
    return Table(*columns, "median (ms)", "longest (ms)", "server's CPU (ms)", title=title)


def _add(result, cells, times):
    wall, cpu = np.transpose(times)
    numbers = (np.median(wall), np.max(wall), np.median(cpu))
    result.add_row(*map(str, cells), *[f"{number:.0f}" for number in numbers])


def _timed(page, move, argument):
    """Milliseconds until redrawn, and of the processor in this process, which is the server."""
    cpu = time.process_time()
    wall = page.evaluate(move, argument)
    return wall, 1e3 * (time.process_time() - cpu)


def _has_browser():
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return False
    return CHROMIUM is not None


@contextmanager
def _opened():
    """A page of a browser, and the address of the explorer."""
    from playwright.sync_api import sync_playwright
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(HOST, 0, make_app().server, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            yield browser.new_page(), f"http://{HOST}:{server.port}/"
            browser.close()
    finally:
        server.shutdown()


def _scale_times(page, address, n, m, places):
    page.goto(address)
    ready = "document.querySelector('#staircase .js-plotly-plot')?.data?.length == 2"
    page.wait_for_function(ready, timeout=120_000)
    for name, value in (("#n", n), ("#m", m)):
        page.locator(name).fill(str(value))
        page.locator(name).press("Enter")
    problem = sh.make_orthogonal(n, "uniform", rng=0)
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, m, rng=0))
    page.wait_for_function(
        "document.querySelector('#staircase .js-plotly-plot').data[0].x.length"
        f" == {jumps.n_jumps + 2}",
        timeout=120_000,
    )
    page.evaluate(MOVE_SCALE, 1.2)
    return [_timed(page, MOVE_SCALE, place) for place in places]


def _point_times(page, address, n, m, seed, moves):
    """Moves of the first of n points with normal labels."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, n), rng.standard_normal(n).tolist()
    page.goto(f"{address}points/")
    page.wait_for_function(DRAWN, timeout=60_000)
    page.locator("#m").fill(str(m))
    page.locator("#m").press("Enter")
    data = {"rows": x[:, None].tolist(), "y": y, "bias": True, "moving": False, "view": None}
    page.evaluate(MOVE_POINT, data)
    held = data | {"moving": True, "view": [-2, 2, -4, 4]}
    return [
        [
            _timed(page, MOVE_POINT, state | {"y": [y[0] + step * i, *y[1:]]})
            for i in range(1, moves + 1)
        ]
        for state, step in ((held, 0.01), (data, -0.01))
    ]
