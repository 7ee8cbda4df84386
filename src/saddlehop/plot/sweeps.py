"""Pictures of many runs: when the limit interpolates, and how its norm grows with n.

If each label has either sign with probability ½, the exact chance of `interpolation_probability`
averages over the number of positive labels to

    P = Σ_p C(m, p) 2^−m ( ½(1 − 2^−p) + ½(1 − 2^−(m−p)) )^n,

and for |y_k| = ‖x_k‖ = 1 the squared norm is (1 + √2) times the least, 2√2 (1 + √2) √n, for
log n ≪ m ≪ exp n.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array
from ..errors import InputError
from ..model.initialization import FAIR_COINS
from ..yardsticks.intervals import Z, wilson
from ._shared import LIMIT, LOOKS, add_legend, dress, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NORM_CONSTANT = 2 * np.sqrt(2) * (1 + np.sqrt(2))
LEAST_CONSTANT = 2 * np.sqrt(2)
BARS: dict[str, Any] = {"ms": 4, "lw": 1, "capsize": 2}
_OF_NORM_LAW = (
    "n_samples",
    "width",
    "labels",
    "norms",
    "law",
    "interpolates",
    "sq_norm",
    "least_sq_norm",
)


def phase_diagram(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how often the limit fits all labels against the width, one series for each n.

    Bars are 95% Wilson intervals; dashed is the exact chance, averaged over random label signs.

    Parameters
    ----------
    frame : pandas DataFrame
        Of a sweep: columns `n_samples`, `width`, `law`, `interpolates`, and `log10_init_scale`
        and `error` if there are. Only runs of the limit without an error count.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    runs = _runs_of_the_limit(frame, ("n_samples", "width", "law", "interpolates"))
    ax = new_axes(ax)
    laws = len(set(runs["law"])) > 1
    series = runs.groupby(["n_samples", "law"], sort=True)
    for (_, group), (colour, marker) in zip(series, cycle(LOOKS), strict=False):
        n, law = int(group["n_samples"].iloc[0]), str(group["law"].iloc[0])
        counts = group.groupby("width")["interpolates"].agg(["sum", "count"])
        width, fraction = counts.index.to_numpy(), (counts["sum"] / counts["count"]).to_numpy()
        low, high = wilson(counts["sum"], counts["count"])
        label = f"n = {n}" + (f", {law}" if laws else "")
        bars = np.maximum([fraction - low, high - fraction], 0)
        ax.errorbar(width, fraction, bars, fmt=marker, color=colour, label=label, **BARS)
        if law in FAIR_COINS:
            widths = np.arange(width.min(), width.max() + 1)
            chances = [chance_with_random_signs(n, int(m)) for m in widths]
            ax.plot(widths, chances, color=colour, lw=1, ls="--", zorder=1)
    ax.plot([], [], color=LIMIT, lw=1, ls="--", label="exact chance")
    dress(ax, "width  $m$", "part of the runs that fit all labels")
    ax.set_ylim(-0.03, 1.03)
    add_legend(ax)
    return ax


def _draw_norms(ax: Axes, group: pd.DataFrame, label: str, colour: str, marker: str) -> None:
    n, mean, error = _means(group, "sq_norm")
    ax.errorbar(n, mean, Z * error, fmt=marker + "-", color=colour, label=label, **BARS)
    n, least, _ = _means(group, "least_sq_norm")
    ax.plot(n, least, marker, color=colour, mfc="white", ms=4)


def norm_law(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the squared norm of what is learned against n, with the least norm and the theory.

    Points are means over the runs that fit all labels, with 95% intervals, and the slope fitted to
    them is in the legend; open points are the least norms. Dashed lines, of slope ½: the theory for
    labels and inputs of mean square one.

    Parameters
    ----------
    frame : pandas DataFrame
        Of a sweep: columns `n_samples`, `width`, `labels`, `norms`, `law`, `interpolates`,
        `sq_norm`, `least_sq_norm`, and `log10_init_scale` and `error` if there are. Only runs
        of the limit that interpolate and have no error count.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    runs = _runs_of_the_limit(frame, _OF_NORM_LAW)
    runs = runs[runs["interpolates"].astype(bool) & runs["sq_norm"].notna()]
    if runs.empty:
        raise InputError("No run in `frame` fits all labels; pass a sweep of larger widths.")
    ax = new_axes(ax)
    keys = ["labels", "norms", "law"]
    if runs.drop_duplicates([*keys, "n_samples", "width"]).duplicated([*keys, "n_samples"]).any():
        keys.append("width")
    series = runs.groupby(keys, sort=True)
    for (key, group), (colour, marker) in zip(series, cycle(LOOKS), strict=False):
        _draw_norms(ax, group, _series_name(keys, key) + _slope_text(group), colour, marker)
    _norm_theory(ax, runs)
    ax.set_xscale("log")
    ax.set_yscale("log")
    dress(ax, "samples  $n$", r"squared norm  $\|\theta\|^2$  (open: least)")
    low, high = ax.get_ylim()
    ax.set_ylim(low * (low / high) ** 0.35, high)  # room for the legend below the points
    add_legend(ax, "lower right")
    return ax


def chance_with_random_signs(n_samples: int, width: int) -> float:
    """The chance that the limit interpolates if each label has either sign with probability ½."""
    from scipy.stats import binom

    positive = np.arange(width + 1)
    covered = (2 - np.exp2(-positive) - np.exp2(positive - width)) / 2
    with np.errstate(under="ignore"):
        return float(np.sum(binom.pmf(positive, width, 0.5) * covered**n_samples))


def _runs_of_the_limit(frame: pd.DataFrame, needed: tuple[str, ...]) -> pd.DataFrame:
    """The rows of the limit without an error."""
    if not hasattr(frame, "columns"):
        raise InputError(f"`frame` is of type {type(frame).__name__}; pass the frame of a sweep.")
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise InputError(f"`frame` has no column {missing[0]!r}; pass the frame of a sweep.")
    keep = np.ones(len(frame), dtype=bool)
    if "error" in frame.columns:
        keep &= (frame["error"].fillna("") == "").to_numpy()
    if "log10_init_scale" in frame.columns:
        keep &= frame["log10_init_scale"].isna().to_numpy()
    if not keep.any():
        raise InputError("`frame` has no run of the limit without an error; sweep the limit first.")
    return frame[keep]


def _means(group: pd.DataFrame, column: str) -> tuple[Array, Array, Array]:
    """Mean and standard error of a column at each n."""
    of_n = group.groupby("n_samples")[column].agg(["mean", "sem"]).fillna(0.0)
    return of_n.index.to_numpy(), of_n["mean"].to_numpy(), of_n["sem"].to_numpy()


def _series_name(keys: list[str], key: tuple[Any, ...]) -> str:
    parts = dict(zip(keys, key, strict=True))
    width = f", m = {parts['width']}" if "width" in parts else ""
    return f"{parts['labels']} labels, {parts['norms']} norms, {parts['law']}{width}"


def _slope_text(group: pd.DataFrame) -> str:
    """The slope of log ‖θ‖² over log n with its 95% half-width, if there are three n."""
    from scipy.stats import linregress, t

    if group["n_samples"].nunique() < 3:
        return ""
    fit = linregress(np.log(group["n_samples"]), np.log(group["sq_norm"]))
    half = t.ppf(0.975, len(group) - 2) * fit.stderr
    return f": slope {fit.slope:.3f} ± {half:.3f}"


def _norm_theory(ax: Axes, runs: pd.DataFrame) -> None:
    """Lines for labels of mean square one on unit inputs."""
    of_unit_size = runs["labels"].isin(["sign", "gaussian"]) & (runs["norms"] == "unit")
    if not of_unit_size.any():
        return
    ends = np.array([runs["n_samples"].min(), runs["n_samples"].max()], dtype=float)
    for constant, style, name in (
        (NORM_CONSTANT, "--", r"$2\sqrt{2}\,(1+\sqrt{2})\sqrt{n}$"),
        (LEAST_CONSTANT, ":", r"least: $2\sqrt{2}\,\sqrt{n}$"),
    ):
        ax.plot(ends, constant * np.sqrt(ends), style, color=LIMIT, lw=1, label=name)
