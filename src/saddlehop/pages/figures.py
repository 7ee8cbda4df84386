"""Interactive figures as plain dictionaries that plotly.js draws: for the report and the explorer.

Lines of one kind are one trace, with gaps, so that a figure of hundreds of neurons stays quick. The
flow at a finite λ is always the last trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.arrays import Array
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath
from ..plot._shared import LIMIT, LONE, NEGATIVE, NEVER, POSITIVE, flow_colour
from ..plot.assignment import assignment
from ..plot.curves import Curve, clock_end, signs_of, view_end

CLOCK = "clock t / log(1/λ)"
_MOST_LABELS = 20  # of neurons, one below the other in a figure
_MOST_GAPS = 100  # rows and columns that are told apart by lines
_SIDES = [[0.0, "#eeeeee"], [0.5, NEGATIVE], [1.0, POSITIVE]]  # inactive, on the wall, active

Figure = dict[str, Any]
AnyJumps = JumpPath | GeneralJumpPath


def staircase(
    jumps: AnyJumps,
    flows: Sequence[tuple[str, Curve]] = (),
    begin: float = 0.0,
    end: float | None = None,
) -> Figure:
    """The loss against the clock from `begin` to `end`: the limit, then flows by name, λ falling."""
    edges, end = _edges(jumps, end)
    wide = {"color": NEVER, "width": 5} if flows else {"color": LIMIT, "width": 2.5}
    limit = {
        "x": edges.tolist(),
        "y": [*jumps.losses.tolist(), float(jumps.losses[-1])],
        "name": "limit λ → 0",
        "mode": "lines+markers",
        "line": {"shape": "hv", **wide},
        "marker": {"size": [0, *[9] * jumps.n_jumps, 0], "color": LIMIT},
        "hovertemplate": "clock %{x:.5g}, loss %{y:.5g}<extra>limit</extra>",
    }
    layout = _layout("loss Σ r² / 2n", end)
    layout["xaxis"]["range"][0] = begin
    layout["legend"] |= {"x": 0.02, "xanchor": "left", "y": 0.1, "yanchor": "bottom"}
    return {"data": [limit, *_over(flows, losses_of)], "layout": layout}


def fan(
    jumps: AnyJumps, flows: Sequence[tuple[str, Curve]] = (), end: float | None = None
) -> Figure:
    """Exponents log|a_j| / log(1/λ) up to `end` on the clock: the limit, then flows by name, λ falling."""
    edges, end = _edges(jumps, end)
    exponents = np.vstack([jumps.exponents, jumps.exponents[-1:]])
    active, signs = exponents[-1] == 0, signs_of(jumps)
    kinds = (
        ("never activates", ~active, NEVER, "solid", 1),
        ("positive", active & (signs > 0), POSITIVE, "solid", 2),
        ("negative", active & (signs < 0), NEGATIVE, "dash", 2),
    )
    traces = [
        _lines(edges, exponents[:, chosen])
        | {"name": name, "line": {"color": colour, "dash": dash, "width": width}}
        | {"mode": "lines", "hoverinfo": "skip"}
        for name, chosen, colour, dash, width in kinds
    ]
    layout = _layout("exponent log|a| / log(1/λ)", end)
    layout["yaxis"]["range"] = [1.08 * min(-1.0, float(jumps.exponents.min())), 0.08]
    layout["legend"] |= {"y": 0, "yanchor": "bottom"}
    return {
        "data": [*traces, *_over(flows, lambda curve: exponents_of(jumps, curve))],
        "layout": layout,
    }


def _edges(jumps: AnyJumps, end: float | None) -> tuple[Array, float]:
    """Where the steps of the limit begin and the last ends, and where the picture does."""
    end = view_end(jumps) if end is None else end
    return np.concatenate([[0.0], jumps.times, [max(end, clock_end(jumps))]]), end


def assignment_map(jumps: JumpPath) -> Figure:
    """Who fits what at which jump."""
    table = assignment(jumps)
    cells = table.cells.astype(object)
    cells[table.cells == -2] = None
    text = np.char.add(
        np.char.add("neuron ", table.neurons.astype(str))[:, None],
        np.char.add(", sample ", table.samples.astype(str))[None, :],
    )
    heat = {
        "type": "heatmap",
        "z": cells.tolist(),
        "text": text.tolist(),
        "customdata": table.samples.tolist(),
        "hovertemplate": "%{text}<extra></extra>",
        "zmin": -1,
        "zmax": max(jumps.n_jumps - 1, 0),
        "colorscale": _scale(jumps.n_jumps),
        "showscale": False,
        "xgap": 0,
    }
    layout = _layout("neuron, first to activate on top", None)
    layout["xaxis"]["title"]["text"] = "samples, by the jump that fits them"
    layout["yaxis"] |= _neuron_axis(table.neurons)
    return {"data": [heat], "layout": layout}


def sides_map(jumps: GeneralJumpPath) -> Figure:
    """Which samples each active neuron fires on in the end, and on whose walls it slides."""
    neurons = np.array(
        [j for group in jumps.neurons for j in group if jumps.states[-1, j] == "active"], np.int64
    )
    neurons = neurons[np.sort(np.unique(neurons, return_index=True)[1])]
    heat = {
        "type": "heatmap",
        "z": jumps.active[-1, neurons].tolist(),
        "hovertemplate": "sample %{x}: %{z}<extra></extra>",
        "zmin": -1,
        "zmax": 1,
        "colorscale": _SIDES,
        "showscale": False,
        "xgap": 1 if jumps.problem.n_samples <= _MOST_GAPS else 0,
        "ygap": 1 if len(neurons) <= _MOST_GAPS else 0,
    }
    layout = _layout("neuron, first to activate on top", None)
    layout["xaxis"]["title"]["text"] = "sample"
    layout["yaxis"] |= _neuron_axis(neurons)
    return {"data": [heat], "layout": layout}


def _neuron_axis(neurons: Any) -> dict[str, Any]:
    """One neuron below the other, some of them labelled."""
    rows = range(0, len(neurons), -(-len(neurons) // _MOST_LABELS) or 1)
    return {
        "autorange": "reversed",
        "showgrid": False,
        "tickvals": list(rows),
        "ticktext": [str(neurons[row]) for row in rows],
        "tickfont": {"size": 11},
    }


def losses_of(curve: Curve) -> Figure:
    """Coordinates of the loss of a flow."""
    return {"x": curve.clock.tolist(), "y": curve.losses.tolist()}


def exponents_of(jumps: AnyJumps, curve: Curve) -> Figure:
    """Coordinates, in a flow, of the neurons that activate in the limit, with gaps between them."""
    return _lines(curve.clock, curve.exponents[:, jumps.exponents[-1] == 0])


def first_event(jumps: AnyJumps) -> float:
    """Where on the clock a picture of what happens begins: a little before the first jump."""
    if jumps.n_jumps == 0:
        return 0.0
    first = float(jumps.times[0])
    return max(0.0, first - max(0.25 * (view_end(jumps) - first), 0.1 * first))


def _over(flows: Sequence[tuple[str, Curve]], coordinates: Any) -> list[Figure]:
    places = np.linspace(0, 1, len(flows)) if len(flows) > 1 else [LONE]
    return [
        coordinates(curve)
        | {"name": name, "mode": "lines", "hoverinfo": "skip"}
        | {"line": {"color": flow_colour(place), "width": 1.5}}
        for (name, curve), place in zip(flows, places, strict=False)
    ]


def _lines(clock: Array, columns: Array) -> Figure:
    """One trace of several lines."""
    n_lines = columns.shape[1]
    padded = np.vstack([columns, np.full((1, n_lines), np.nan)]).T.ravel()
    y = [None if not np.isfinite(value) else value for value in padded.tolist()]
    return {"x": [*clock.tolist(), None] * n_lines, "y": y}


def _scale(n_jumps: int) -> list[list[Any]]:
    """Grey for what a neuron could have fitted, then the colours of the jumps."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    colours = ["#dddddd"] + [
        to_hex(colormaps["viridis"](0.92 * i / max(n_jumps - 1, 1))) for i in range(n_jumps)
    ]
    last = max(len(colours) - 1, 1)
    return [[i / last, colour] for i, colour in enumerate(colours)] + (
        [[1.0, colours[0]]] if n_jumps == 0 else []
    )


def _layout(y_title: str, end: float | None) -> Figure:
    return {
        "margin": {"l": 58, "r": 12, "t": 12, "b": 44},
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "plot_bgcolor": "white",
        "paper_bgcolor": "white",
        "hovermode": "closest",
        "clickmode": "event",
        "uirevision": "kept",
        "legend": {"x": 1, "xanchor": "right", "y": 1, "bgcolor": "rgba(255,255,255,0.7)"},
        "xaxis": {
            "title": {"text": CLOCK},
            "zeroline": False,
            "showgrid": False,
            "ticks": "outside",
            **({"range": [0, end]} if end is not None else {}),
        },
        "yaxis": {"title": {"text": y_title}, "zeroline": False, "gridcolor": "#eeeeee"},
    }
