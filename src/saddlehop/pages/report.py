"""One HTML file that says what was computed, shows it, and says how to compute it again.

The file needs no network: plotly.js, the data and the pictures are in it.
"""

from __future__ import annotations

import base64
import html
import io
import json
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.arrays import Array
from .._support.brief import between, scale_name
from .._support.optional import require
from .._version import __version__
from ..flow.simulate import FlowPath
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath
from ..plot.curves import sample, view_end, whole_end
from ..yardsticks.comparison import compare
from ..yardsticks.min_norm import min_norm_interpolator
from . import figures as page_figures

_POINTS = 600
_CONFIG = {"responsive": True, "displaylogo": False}


def report_html(
    jumps: JumpPath | GeneralJumpPath,
    flows: Sequence[FlowPath] = (),
    *,
    title: str = "Saddle-to-saddle jumps",
    command: str = "",
    chance: float | None = None,
    images: Array | None = None,
) -> str:
    """Return a self-contained HTML page on a jump process and flows of the same start.

    Parameters
    ----------
    jumps : JumpPath or GeneralJumpPath
    flows : sequence of FlowPath
        At scales λ < 1, drawn over the limit and compared with it.
    title : str
        What the data are.
    command : str
        How to compute it again; shown as it is.
    chance : float, optional
        Chance that such a start interpolates.
    images : array_like, shape (n, height, width), optional
        A grey picture of each sample, shown beside the jump that fits it (`JumpPath`).

    Returns
    -------
    str
    """
    plotly = plotly_source()
    end, whole = view_end(jumps, *flows), whole_end(jumps, *flows)
    curves = [
        (f"λ = {scale_name(flow.log_init_scale)}", sample(flow, whole).thinned(_POINTS))
        for flow in sorted(flows, key=lambda flow: -flow.log_init_scale)
    ]
    name, draw, heading, caption = _WHO[type(jumps)]
    figures = {
        "staircase": page_figures.staircase(jumps, curves, end=end),
        "fan": page_figures.fan(jumps, curves, end),
        name: draw(jumps),
    }
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        _summary(jumps, chance),
        _section("Loss", "staircase", "The limit λ → 0 is a staircase: one step for each jump."),
        _section("Neurons", "fan", "All start at −1; a neuron that reaches 0 activates."),
        "<h2>Jumps</h2><p>Click a heading to sort.</p>",
        _jump_table(jumps, images),
        _section(heading, name, caption),
        _comparison_table(jumps, flows),
        _again(command),
    ]
    script = "".join(
        f"Plotly.newPlot('{name}', {_json(figure['data'])}, {_json(figure['layout'])}, "
        f"{_json(_CONFIG)});"
        for name, figure in figures.items()
    )
    return _PAGE.format(
        title=html.escape(title),
        style=_STYLE,
        plotly=plotly,
        body="\n".join(parts),
        script=script + _SORT,
    )


def plotly_source() -> str:
    """Return plotly.js, or say that it is not installed."""
    require("plotly", "The report", "explore")
    return str(require("plotly.offline", "The report", "explore").get_plotlyjs())


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False).replace("</", "<\\/")


def _section(heading: str, name: str, caption: str) -> str:
    return f'<h2>{heading}</h2><p>{caption}</p><div id="{name}" class="figure"></div>'


_WHO: dict[type, tuple[str, Any, str, str]] = {
    JumpPath: (
        "assignment",
        page_figures.assignment_map,
        "Who fits what",
        "Coloured: the jump at which the neuron fits the sample. Grey: it could have.",
    ),
    GeneralJumpPath: (
        "sides",
        page_figures.sides_map,
        "Who is active where",
        "In the end. Blue: the neuron is active on the sample. Orange: it slides on its wall. Grey: neither.",
    ),
}


def _summary(jumps: JumpPath | GeneralJumpPath, chance: float | None) -> str:
    facts = _facts(jumps, chance) if isinstance(jumps, JumpPath) else _general_facts(jumps)
    rows = "".join(f"<dt>{name}</dt><dd>{html.escape(value)}</dd>" for name, value in facts)
    return (
        "<p>Gradient flow of a two-layer ReLU network from initialization at scale λ → 0, computed "
        "without training. Clock: t / log(1/λ). Loss: Σ r² / 2n.</p>"
        f"<dl>{rows}</dl>"
    )


def _general_facts(jumps: GeneralJumpPath) -> list[tuple[str, str]]:
    problem, states = jumps.problem, jumps.states[-1].tolist()
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    return [
        ("Samples, rank, neurons", f"{problem.n_samples}, {problem.rank}, {jumps.width}"),
        ("Jumps", str(jumps.n_jumps)),
        ("Loss in the end", f"{jumps.losses[-1]:.6g} of {jumps.losses[0]:.6g}"),
        ("Least loss of a linear map", f"{problem.least_squares_loss:.6g}"),
        ("Labels fitted", "all" if jumps.interpolates else "not all"),
        ("Squared norm reached", f"{jumps.sq_norms[-1]:.6g}"),
        ("Directions of active neurons", str(jumps.n_directions[-1])),
        ("Neurons in the end", counts),
        ("How it ended", jumps.message),
    ]


def _facts(jumps: JumpPath, chance: float | None) -> list[tuple[str, str]]:
    least = min_norm_interpolator(jumps.problem).sq_norm
    reached = jumps.sq_norm_bounds[-1]
    facts = [
        ("Samples, neurons", f"{jumps.problem.n_samples}, {jumps.width}"),
        ("Jumps", str(jumps.n_jumps)),
        (
            "Labels fitted",
            "all" if jumps.interpolates else f"all but {jumps.unfit.size}, which no neuron covers",
        ),
        ("Squared norm reached", between(reached, 6)),
        ("Least of any network that fits all", f"{least:.6g}"),
    ]
    if least > 0 and jumps.interpolates:
        facts.append(("Ratio", between(reached / least, 4)))
    if chance is not None:
        facts.append(("Chance that such a start fits all", f"{chance:.4f}"))
    return facts


def _jump_table(jumps: JumpPath | GeneralJumpPath, images: Array | None) -> str:
    shown = _cells(jumps)
    fitted = jumps.samples if isinstance(jumps, JumpPath) and images is not None else None
    rows = []
    for i, cells in enumerate(zip(*shown.values(), strict=True)):
        body = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        if fitted is not None:
            body += f"<td>{_pictures(images, fitted[i])}</td>"
        rows.append(f"<tr>{body}</tr>")
    heads = "".join(f'<th><button type="button">{name}</button></th>' for name in shown) + (
        "<th>images fitted</th>" if fitted is not None else ""
    )
    return (
        f'<div class="wide"><table id="jumps"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cells(jumps: JumpPath | GeneralJumpPath) -> dict[str, list[str]]:
    """The columns of the table of jumps."""
    frame = jumps.to_frame()
    if isinstance(jumps, JumpPath):
        norms = [between(bounds, 5) for bounds in jumps.sq_norm_bounds[1:]]
        samples = {"samples": [str(count) for count in frame["samples"]]}
    else:
        norms, samples = [f"{value:.5g}" for value in frame["sq_norm"]], {}
    return {
        "jump": [str(number) for number in frame.index],
        "clock": [f"{value:.6g}" for value in frame["clock"]],
        "neurons": frame["neurons"].tolist(),
        "sign": frame["sign"].tolist(),
        **samples,
        "loss": [f"{value:.5g}" for value in frame["loss"]],
        "‖θ‖²": norms,
        "margin": [f"{value:.5g}" for value in frame["margin"]],
    }


def _pictures(images: Any, samples: Any) -> str:
    return "".join(
        f'<img alt="sample {k}" title="sample {k}" src="data:image/png;base64,{_png(images[k])}">'
        for k in samples
    )


def _png(image: Array) -> str:
    from matplotlib.image import imsave

    content = io.BytesIO()
    imsave(content, np.asarray(image), cmap="gray_r", format="png")
    return base64.b64encode(content.getvalue()).decode()


def _comparison_table(jumps: JumpPath | GeneralJumpPath, flows: Sequence[FlowPath]) -> str:
    if not flows:
        return ""
    rows = []
    for flow in flows:
        one = compare(flow, jumps)
        errors = np.abs(one.flow_clock - one.limit_clock)
        worst = float(np.nanmax(errors, initial=0.0))
        cells = (
            scale_name(flow.log_init_scale),
            f"{worst:.3g}",
            f"{flow.sq_norms[-1]:.6g}",
            f"{one.norm_gap:.3g}",
            f"{one.loss_gap:.3g}",
            str(len(one.swapped)),
        )
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    names = ("λ", "worst clock error", "‖θ‖²", "norm gap", "loss gap", "pairs swapped")
    heads = "".join(f"<th>{name}</th>" for name in names)
    return (
        "<h2>At a finite λ</h2><p>How far the flow is from the limit.</p>"
        f'<div class="wide"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _again(command: str) -> str:
    import scipy

    from .._support.native import level

    versions = (
        f"saddlehop {__version__}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"scipy {scipy.__version__}, kernels {level()}"
    )
    shown = f"<pre>{html.escape(command)}</pre>" if command else ""
    return f"<h2>To compute it again</h2>{shown}<p>{versions}</p>"


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 0; } p { margin: .3rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: #666; } dd { margin: 0; }
.figure { width: 100%; height: 380px; } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
td, th { white-space: nowrap; padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #ddd; }
td:has(img) { text-align: left; white-space: normal; min-width: 14rem; }
th button { all: unset; cursor: pointer; font-weight: 600; } th button:focus { outline: 2px solid #0072B2; }
img { width: 28px; height: 28px; image-rendering: pixelated; margin: 1px; border: 1px solid #eee; }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto; }
"""

_SORT = """
document.querySelectorAll('#jumps th button').forEach(function (button, column) {
  button.addEventListener('click', function () {
    var body = document.querySelector('#jumps tbody');
    var rising = button.dataset.rising !== 'yes';
    button.dataset.rising = rising ? 'yes' : 'no';
    var value = function (row) {
      var text = row.cells[column].textContent, number = Number(text.replace('inf', 'Infinity'));
      return isNaN(number) ? text : number;
    };
    Array.from(body.rows).sort(function (a, b) {
      var x = value(a), y = value(b);
      return (x < y ? -1 : x > y ? 1 : 0) * (rising ? 1 : -1);
    }).forEach(function (row) { body.appendChild(row); });
  });
});
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
<script>{plotly}</script>
</head>
<body>
{body}
<script>{script}</script>
</body>
</html>
"""
