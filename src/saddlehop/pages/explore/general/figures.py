"""Figures of one moment: the learned function, neurons on the circle, the staircase with the clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...._support.arrays import Array
from ....model.network import Network
from ....plot._shared import LIMIT, NEGATIVE, NEVER, POSITIVE, flow_colour
from ...figures import Figure, _layout, first_event, staircase
from .moment import Moment, is_on_line, kinks, on_line, plane_of, pulls, utility
from .state import Shown

INNER, LEAST = 0.3, 0.1  # radii of size λ, and below which nothing is drawn
_TURN = np.linspace(0, 2 * np.pi, 181)
_WAVE = 0.3  # how far s·G reaches beyond the circle
_SIGNS = ((1, POSITIVE, "circle", "a > 0"), (-1, NEGATIVE, "square-open", "a < 0"))


def function_figure(moment: Moment, view: list[float]) -> Figure:
    """The learned function with its kinks where inputs lie on a line, otherwise outputs on the samples."""
    if not is_on_line(moment.problem):
        return _outputs_figure(moment)
    left, right, low, high = view
    layout = _layout("h(x)", None)
    layout["xaxis"] |= {"title": {"text": "input x"}, "range": [left, right]}
    layout["yaxis"]["range"] = [low, high]
    layout |= {"dragmode": False, "showlegend": False}
    points = {"x": moment.problem.X[:, 0].tolist(), "y": moment.problem.y.tolist()}
    traces = [
        _line(on_line(moment.limit, moment.problem, left, right), "limit λ → 0", NEVER, 5),
        *[_kinks(moment, *sign) for sign in _SIGNS],
        points | {"mode": "markers", "name": "points", "marker": {"color": LIMIT, "symbol": "x"}},
    ]
    if moment.flow is not None:
        corners = on_line(moment.flow, moment.problem, left, right)
        traces.append(_line(corners, "flow", flow_colour(), 1.5))
    return {"data": [trace | {"hoverinfo": "skip"} for trace in traces], "layout": layout}


def _kinks(moment: Moment, sign: int, colour: str, symbol: str, name: str) -> Figure:
    """Where neurons of one sign bend the limit's function."""
    places, sizes = kinks(moment.limit, moment.problem)
    chosen = np.isfinite(places) & (np.sign(moment.limit.output) == sign)
    bends = places[chosen]
    height = moment.limit.predict(bends[:, None], moment.problem) if bends.size else bends
    share = np.sqrt(sizes[chosen] / sizes.max(initial=0.0)) if bends.size else bends
    marker = {
        "color": colour,
        "symbol": symbol,
        "size": (6 + 7 * share).tolist(),
        "line": {"width": 2},
    }
    return {
        "x": bends.tolist(),
        "y": height.tolist(),
        "mode": "markers",
        "name": f"kink, {name}",
        "marker": marker,
    }


def _outputs_figure(moment: Moment) -> Figure:
    """Labels and outputs, sample by sample."""
    problem = moment.problem
    shown = [
        ("labels", problem.y, LIMIT, "x"),
        ("limit λ → 0", moment.limit.outputs(problem), LIMIT, "circle-open"),
    ]
    if moment.flow is not None:
        shown.append(("flow", moment.flow.outputs(problem), flow_colour(), "circle"))
    traces = [
        {"y": values.tolist(), "name": name, "mode": "markers", "hoverinfo": "skip"}
        | {"marker": {"color": colour, "symbol": symbol, "size": 11 if "open" in symbol else 7}}
        for name, values, colour, symbol in shown
    ]
    low, high = (choose([choose(values) for _, values, *_ in shown]) for choose in (min, max))
    pad = 0.2 * (high - low) or 1.0
    layout = _layout("label, output", None) | {"dragmode": False}
    layout["legend"] |= {"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    layout["margin"]["t"] = 40
    layout["xaxis"] |= {"title": {"text": "sample"}, "range": [-0.5, problem.n_samples - 0.5]}
    layout["yaxis"]["range"] = [float(low - pad), float(high + pad)]
    return {"data": traces, "layout": layout}


def circle_figure(moment: Moment) -> Figure:
    """Neurons at their directions, over the pull G on the circle, with walls and extremal vectors."""
    axes = plane_of(moment.jumps)
    circle = np.column_stack([np.cos(_TURN), np.sin(_TURN)])
    traces = [
        _line(circle, "size 1", NEVER, 1),
        _line(INNER * circle, "size λ", NEVER, 0.6),
        _walls(moment, axes),
        _wave(moment, axes, circle),
        *_extremal(moment, axes),
        *[_active(moment, axes, *sign) for sign in _SIGNS],
    ]
    if moment.flow is not None:
        traces += [_neurons(moment.flow, moment.heights, axes, *sign) for sign in _SIGNS]
    return {"data": traces, "layout": _circle_layout(moment)}


def _circle_layout(moment: Moment) -> Figure:
    names = ["first direction", "second direction"]
    if moment.problem.n_features == 2:
        names = ["weight w", "bias b"] if moment.problem.bias else ["weight w₁", "weight w₂"]
    reach = 1.08 * max(1 + _WAVE, INNER + (1 - INNER) * moment.highest)
    layout = _layout(names[1], None)
    layout["xaxis"] |= {"title": {"text": names[0]}, "range": [-reach, reach]}
    layout["yaxis"] |= {"range": [-reach, reach], "scaleanchor": "x", "showgrid": False}
    return layout | {"showlegend": False, "dragmode": False}


def _walls(moment: Moment, axes: Array) -> Figure:
    """Short marks across the circle where a sample's wall meets it."""
    rows = moment.problem.coordinates @ axes.T
    lengths = np.linalg.norm(rows, axis=1)
    rows = rows[lengths > 0] / lengths[lengths > 0, None]
    normals = np.concatenate([rows[:, ::-1] * [-1, 1], rows[:, ::-1] * [1, -1]])
    marks = np.stack([0.94 * normals, 1.06 * normals, np.full_like(normals, np.nan)], axis=1)
    return _line(marks.reshape(-1, 2), "walls", NEVER, 2)


def _wave(moment: Moment, axes: Array, circle: Array) -> Figure:
    """The circle pushed out where G draws neurons with a > 0, and in where it draws those with a < 0."""
    heights = utility(moment, circle @ axes)
    largest = float(np.max(np.abs(heights))) or 1.0
    wave = circle * (1 + _WAVE * heights / largest)[:, None]
    return _line(wave, "pull G", "#8a6d3b", 1.2) | {
        "line": {"color": "#8a6d3b", "width": 1.2, "dash": "dot"}
    }


def _extremal(moment: Moment, axes: Array) -> list[Figure]:
    found = pulls(moment)
    traces = []
    for sign, colour, _, name in _SIGNS:
        chosen = np.zeros((0, moment.problem.rank))
        rates = np.zeros(0)
        if found is not None:
            grows = (found.rates > 0) & (found.signs == sign)
            chosen, rates = found.directions[grows], found.rates[grows]
        marker = {"color": colour, "symbol": "star-open", "size": 13, "line": {"width": 1.5}}
        traces.append(
            _markers(chosen @ axes.T, f"draws neurons, {name}", marker)
            | {"text": [f"draws neurons with {name} at rate {rate:.4g}" for rate in rates]}
        )
    return traces


def _active(moment: Moment, axes: Array, sign: int, colour: str, _: str, name: str) -> Figure:
    """Neurons of one sign that are active in the limit, as rings on the circle."""
    chosen = np.flatnonzero(np.sign(moment.limit.output) == sign)
    marker = {"color": colour, "symbol": "circle-open", "size": 17, "line": {"width": 2}}
    places = _directions(moment.limit.hidden[chosen]) @ axes.T
    text = [f"neuron {j}, active in the limit" for j in chosen]
    return _markers(places, f"active, {name}", marker) | {"text": text}


def _neurons(
    flow: Network, heights: Array, axes: Array, sign: int, colour: str, symbol: str, name: str
) -> Figure:
    """Neurons of one sign in the flow."""
    chosen = np.flatnonzero(np.sign(flow.output) == sign)
    places = radii(heights[chosen])[:, None] * (_directions(flow.hidden[chosen]) @ axes.T)
    text = [f"neuron {j}, |a| = λ^{1 - heights[j]:.3g}" for j in chosen]
    marker = {"color": colour, "symbol": symbol, "size": 8, "line": {"width": 2, "color": colour}}
    return _markers(places, f"neurons, {name}", marker) | {"text": text}


def radii(heights: Array) -> Array:
    """Return how far from the centre neurons of some heights are drawn."""
    return np.maximum(INNER + (1 - INNER) * heights, LEAST)


def _directions(hidden: Array) -> Array:
    lengths = np.linalg.norm(hidden, axis=1, keepdims=True)
    return hidden / np.where(lengths > 0, lengths, 1.0)


def clock_figure(moment: Moment, shown: tuple[str, Shown] | None, whole: bool) -> Figure:
    """The staircase of the limit, the flow over it, and a line at the clock."""
    flows = [] if shown is None else [(shown[0], shown[1].curve)]
    figure = staircase(moment.jumps, flows, 0.0 if whole else first_event(moment.jumps))
    line = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "line": {"color": NEVER, "width": 2}}
    figure["layout"]["shapes"] = [line | {"x0": moment.clock, "x1": moment.clock, "layer": "below"}]
    return figure


def _line(corners: Array, name: str, colour: str, width: float) -> dict[str, Any]:
    return {
        "x": _with_gaps(corners[:, 0]),
        "y": _with_gaps(corners[:, 1]),
        "name": name,
        "mode": "lines",
        "line": {"color": colour, "width": width},
        "hoverinfo": "skip",
    }


def _markers(places: Array, name: str, marker: Figure) -> dict[str, Any]:
    return {
        "x": places[:, 0].tolist(),
        "y": places[:, 1].tolist(),
        "name": name,
        "mode": "markers",
        "marker": marker,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _with_gaps(values: Array) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
