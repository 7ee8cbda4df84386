"""How long the explorer takes to redraw, measured in a browser."""

import logging
import shutil
import threading

from rich.table import Table

import saddlehop as sh
from saddlehop.pages.explore.server import make_app

HOST = "127.0.0.1"
MOVE = """async (place) => {
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


def table(sizes=((200, 32), (1000, 64)), places=(0.5, 0.7, 1.0, 1.5, 1.9, 2.3, 2.8)):
    """Median and longest time from a move of the slider to the new frame, each λ for the first time."""
    result = Table("n", "m", "median (ms)", "longest (ms)", title="Explorer: move λ, until redrawn")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        result.add_row("", "", "no chromium or playwright here", "")
        return result
    server = _serve()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            for n, m in sizes:
                times = sorted(_times(page, server.port, n, m, places))
                result.add_row(str(n), str(m), f"{times[len(times) // 2]:.0f}", f"{times[-1]:.0f}")
            browser.close()
    finally:
        server.shutdown()
    return result


def _serve():
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(HOST, 0, make_app().server, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _times(page, port, n, m, places):
    page.goto(f"http://{HOST}:{port}/")
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
    page.evaluate(MOVE, 1.2)
    return [page.evaluate(MOVE, place) for place in places]
