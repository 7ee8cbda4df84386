"""The utility on the circle: what draws neurons of either sign, and where they stand.

    G(w) = (1/n) Σ_k r_k (w·x_k)₊        over unit vectors w of a plane

Neurons with a > 0 climb G and grow at the rate G, those with a < 0 descend and grow at −G. G is drawn
as the distance from the unit circle, outside where it is positive. Of more than two coordinates one sees
the plane of the first two extremal vectors, with G exact in that plane and all else projected on it;
extremal vectors that are off the plane are pale and without a rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array
from .._support.validate import instance_of
from ..errors import InputError
from ..general.extremal import ExtremalVectors, extremal_vectors
from ..model.general_problem import GeneralProblem
from ._shared import LIMIT, NEGATIVE, NEVER, POSITIVE, SMALL, add_legend, neuron_look, new_axes
from .scenes import ALIKE, Scene, bundle_sizes, joined, scene_of, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REACH = 1.66  # half of the side of the picture
_DEPTH = 0.3  # largest distance of G from the circle
_LONGEST = 0.62  # length of the largest active neuron
_STEP, _MOST_STEPS = 0.055, 5  # neurons that point alike stand one inside the other
_MOST_NAMES = 12  # walls of more samples carry no numbers
_NAME: dict[str, Any] = {"fontsize": "x-small", "ha": "center", "va": "center"}
_BACK: dict[str, Any] = {"fc": "white", "ec": "none", "alpha": 0.75, "pad": 0.5}
_FAINT = {"decaying": 0.45}
_INSIDE = 0.99  # length in the plane from which on a unit vector counts as in it
WIDER = 1.25  # for the legend beside the circle


def utility(
    problem: GeneralProblem,
    shown: Any = None,
    *,
    clock: float | None = None,
    t: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what draws neurons at a saddle: the utility on the circle of directions, and the neurons.

    The curve is outside of the circle where positive neurons grow, inside (hatched) where negative ones
    do. Stars are extremal vectors, to which neurons turn: filled for positive, open for negative ones,
    small if neurons decay there; numbers are growth rates. Grey lines are walls w·x_k = 0. Active
    neurons are arrows of length |a_j| ‖w_j‖, added up where they point alike; dormant ones stand on the
    circle, filled circles if positive, open squares if negative, pale if they decay.

    Parameters
    ----------
    problem : GeneralProblem
        Of two coordinates, such as one input with a bias; of more, one sees the plane of the first two
        extremal vectors.
    shown : Initialization, GeneralAlignment, Network, GeneralJumpPath, GeneralFlowPath or alike
        Whose neurons and residuals to draw; without it, the labels alone. A start or an alignment is
        drawn with the labels as residuals, the limit at its last saddle and a flow at its end unless a
        time is given.
    clock : float, optional
        Time on the clock t / log(1/λ).
    t : float, optional
        Time of a flow, in place of `clock`.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    instance_of(problem, "problem", GeneralProblem)
    if problem.rank < 2:
        raise InputError(
            "`problem` has rank 1, where there are two directions and no circle; "
            "`sh.extremal_vectors(problem)` lists what draws neurons."
        )
    scene = scene_of(problem, shown, clock, t)
    found = extremal_vectors(problem, scene.residuals, rng=0)
    ax = draw_circle(new_axes(ax, WIDER), problem, scene, found, plane_of(problem, found, scene))
    _legend(ax, scene, found)
    return ax


def plane_of(problem: GeneralProblem, found: ExtremalVectors, scene: Scene) -> Array:
    """Return two orthonormal vectors, shape (2, r): of the first two extremal vectors if r > 2."""
    if problem.rank == 2:
        return np.eye(2)
    spare = np.linalg.svd(problem.coordinates, full_matrices=False)[2]
    plane: list[Array] = []
    for vector in (*found.directions, *scene.headings, *spare):
        rest = vector - sum((axis * (axis @ vector) for axis in plane), np.zeros(problem.rank))
        size = np.linalg.norm(rest)
        if size > 1e-3:
            plane.append(rest / size)
        if len(plane) == 2:
            break
    return np.array(plane)


def draw_circle(
    ax: Axes,
    problem: GeneralProblem,
    scene: Scene,
    found: ExtremalVectors | None,
    plane: Array,
    unit: float | None = None,
) -> Axes:
    """Draw a scene in a plane, without a legend; `unit` is the size of the longest arrow."""
    _draw_walls(ax, problem, plane)
    height = _draw_utility(ax, problem, scene.residuals, plane)
    if found is not None:
        _draw_extremal(ax, found, plane, height)
    _draw_active(ax, scene, plane, unit or unit_of(problem, bundle_sizes(scene)))
    _draw_dormant(ax, scene, plane)
    ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)
    if scene.note:
        ax.annotate(scene.note, (0, 0), xycoords="axes fraction", fontsize=SMALL, va="bottom")
    if problem.rank > 2:
        text = _name_of(plane, found) + f", of {problem.rank} coordinates"
        ax.annotate(text, (0, 1), xycoords="axes fraction", fontsize=SMALL, va="bottom")
    return ax


def _name_of(plane: Array, found: ExtremalVectors | None) -> str:
    """What a plane of more than two coordinates is, and what is off it."""
    if found is None:
        return "plane of two extremal vectors"
    if len(found.directions) < 2:
        return "a plane with an extremal vector" if len(found.directions) else "a plane"
    off = np.sum(np.linalg.norm(found.directions @ plane.T, axis=1) <= _INSIDE)
    return "plane of two extremal vectors" + (f", {off} more off it" if off else "")


def _draw_walls(ax: Axes, problem: GeneralProblem, plane: Array) -> None:
    """Grey lines across, each once, with the number of its sample."""
    normals = problem.coordinates @ plane.T
    names: dict[float, list[str]] = {}
    for k, normal in enumerate(normals):
        if np.linalg.norm(normal) > 1e-9 * np.abs(normals).max():
            angle = float(np.arctan2(normal[0], -normal[1]) % np.pi)
            names.setdefault(round(angle, 9) % round(np.pi, 9), []).append(str(k))
    for angle, samples in names.items():
        end = np.array([np.cos(angle), np.sin(angle)])
        few = problem.n_samples <= _MOST_NAMES
        ax.plot(*np.outer(end, [-1.42, 1.42]), color=NEVER, lw=0.6 if few else 0.3, zorder=0)
        if few:
            x, y = 1.57 * end
            ax.text(x, y, ",".join(samples), **_NAME)


def _heights(problem: GeneralProblem, residuals: Array, units: Array) -> Array:
    """G of unit vectors (p, r)."""
    return np.maximum(units @ problem.coordinates.T, 0) @ residuals / problem.n_samples


def _draw_utility(ax: Axes, problem: GeneralProblem, residuals: Array, plane: Array) -> Any:
    """G as the distance from the circle; returns the function from G to that distance."""
    from matplotlib.patches import Polygon

    angle = np.linspace(0, 2 * np.pi, 1441)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    heights = _heights(problem, residuals, circle @ plane)
    scale = _DEPTH / (float(np.abs(heights).max()) or 1.0)
    curve = circle * (1 + scale * heights)[:, None]
    ax.plot(*circle.T, color=LIMIT, lw=0.7, zorder=1)
    ax.plot(*curve.T, color=LIMIT, lw=1.4, zorder=2)
    for sign, colour, hatch in ((1, POSITIVE, ""), (-1, NEGATIVE, "//////")):
        part = circle * (1 + scale * np.where(sign * heights > 0, heights, 0))[:, None]
        outline = np.concatenate([circle, part[::-1]])
        look: dict[str, Any] = {"alpha": 0.3, "lw": 0, "hatch": hatch, "zorder": 1}
        # not by `fill`, which measures it for limits that are given: a third of the time of a film
        ax.add_artist(Polygon(outline, facecolor=colour, edgecolor=colour, **look))
    return lambda rates: 1 + scale * rates


def _draw_extremal(ax: Axes, found: ExtremalVectors, plane: Array, height: Any) -> None:
    """Stars on the curve, with rates; small, pale and projected where they are off the plane."""
    for vector, sign, rate in zip(found.directions, found.signs, found.rates, strict=True):
        place = plane @ vector
        within = float(np.linalg.norm(place))
        if within < 0.1:
            continue
        inside = within > _INSIDE
        colour = POSITIVE if sign > 0 else NEGATIVE
        look: dict[str, Any] = {"marker": "*", "ls": "", "color": colour}
        look |= {"mfc": colour if sign > 0 else "white", "ms": 13 if inside and rate > 0 else 8}
        look |= {"zorder": 5, "alpha": 1.0} if inside else {"zorder": 3, "alpha": 0.45}
        ax.plot(*place * height(sign * rate), **look)
        if inside and rate > 0:
            shift = 1.16 + max(height(sign * rate) - 1, 0)
            x, y = shift * place / within
            ax.text(x, y, f"{rate:.3g}", zorder=6, bbox=_BACK, **_NAME)


def _draw_active(ax: Axes, scene: Scene, plane: Array, unit: float) -> None:
    """Arrows from the centre, one for all neurons that point alike."""
    for sign in (1, -1):
        mine = (scene.sizes > 0) & (scene.signs == sign)
        look = neuron_look(sign)
        for arrow in joined(scene.headings[mine], scene.sizes[mine]) @ plane.T * _LONGEST / unit:
            ax.plot(
                *np.outer(arrow, [0, 1]), color=look["color"], lw=1.6, ls="-" if sign > 0 else "--"
            )
            ax.plot(*arrow, ms=6, zorder=4, **look)


def _draw_dormant(ax: Axes, scene: Scene, plane: Array) -> None:
    """Marks on the circle, one inside the other where they point alike."""
    dormant = scene.sizes == 0
    places = scene.headings[dormant] @ plane.T
    near = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) < ALIKE
    depth = np.minimum(np.sum(np.tril(near, -1), axis=1), _MOST_STEPS)
    for place, step, sign, state in zip(
        places, depth, scene.signs[dormant], scene.states[dormant], strict=True
    ):
        look: dict[str, Any] = {"ms": 4.5, "zorder": 7, "ls": "", **neuron_look(sign)}
        if state in ("dead", "resting", "stalled"):
            look |= {"color": NEVER, "mfc": NEVER}
        ax.plot(*place * (1 - _STEP * step), alpha=_FAINT.get(str(state), 1.0), **look)


def _legend(ax: Axes, scene: Scene, found: ExtremalVectors) -> None:
    """Say what is drawn."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    star: dict[str, Any] = {"marker": "*", "ms": 11, "ls": ""}
    handles: list[Any] = []
    look: dict[str, Any]
    if scene.residuals.any():
        look = {"ec": NEGATIVE, "alpha": 0.3, "hatch": "//////"}
        handles.append(Patch(fc=POSITIVE, alpha=0.3, label="positive neurons grow"))
        handles.append(Patch(fc=NEGATIVE, label="negative neurons grow", **look))
    if (found.signs > 0).any():
        handles.append(Line2D([], [], color=POSITIVE, label="draws positive neurons", **star))
    if (found.signs < 0).any():
        look = {"color": NEGATIVE, "mfc": "white", **star}
        handles.append(Line2D([], [], label="draws negative neurons", **look))
    handles += [
        Line2D([], [], ls="", label=f"{name} neuron", **neuron_look(sign))
        for sign, name in ((1, "positive"), (-1, "negative"))
        if (scene.signs == sign).any()
    ]
    add_legend(ax, "upper left", handles=handles, bbox_to_anchor=(1.0, 1.0))
