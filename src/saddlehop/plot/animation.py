"""A flow as a film: loss, neurons and what they learn moving together.

Frames are even along the way w(s) = s / s_end + what the loss has fallen by, each jump weighted
alike, so a plateau passes quickly and a jump takes its time.
"""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

import numpy as np

from .._support.arrays import Array
from .._support.files import write_whole
from .._support.validate import as_path, instance_of, positive_int
from ..errors import InputError
from ..flow.simulate import FlowPath
from ..general.flow import GeneralFlowPath
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath
from .curves import sample, whole_end
from .limit import AnyJumps
from .stages import stage_of

FILMS = (".mp4", ".gif")
_PLATEAU_SHARE = 0.35  # part of the film in which nothing but the clock moves


def animate(
    flow: FlowPath,
    jumps: AnyJumps,
    path: str | FilePath = "flow.mp4",
    *,
    frames: int = 180,
    fps: int = 20,
    dpi: int = 110,
) -> FilePath:
    """Write a film of a flow over its limit.

    Of orthogonal rows: loss, fan and who fits what. Of data as they are: loss, the circle of
    directions (as in `utility`), and the learned function if there is one input with a bias, the fan
    otherwise.

    Parameters
    ----------
    flow : FlowPath or GeneralFlowPath
        At a scale λ < 1.
    jumps : JumpPath or GeneralJumpPath
        Its limit.
    path : path-like
        A file that ends in .mp4 (needs the program ffmpeg) or .gif.
    frames : int
        Number of pictures.
    fps : int
        Pictures per second.
    dpi : int
        Dots per inch, on 7 × 7.5 inches (9 × 7 for data as they are).

    Returns
    -------
    pathlib.Path
        The file.
    """
    instance_of(flow, "flow", FlowPath)
    instance_of(jumps, "jumps", JumpPath, GeneralJumpPath)
    if isinstance(flow, GeneralFlowPath) != isinstance(jumps, GeneralJumpPath):
        raise InputError(
            f"`flow` is a {type(flow).__name__} but `jumps` a {type(jumps).__name__}; pass the flow and "
            "the limit of one problem."
        )
    target = as_path(path, "path")
    writer = _writer(target, positive_int(fps, "fps"))
    clock = eased_clock(flow, jumps, positive_int(frames, "frames"))
    figure, draw = stage_of(flow, jumps)

    def record(temporary: str) -> None:
        with writer.saving(figure, temporary, dpi):
            for moment in clock:
                draw(float(moment))
                writer.grab_frame()
                figure.set_layout_engine("none")  # places are slow to find, and stay

    write_whole(target, record, suffix=target.suffix.lower())
    return target


def eased_clock(flow: FlowPath, jumps: AnyJumps, frames: int) -> Array:
    """Return the clock time of each frame: slow where the loss falls, quick on plateaus."""
    curve = sample(flow, whole_end(jumps, flow))
    fallen = -np.minimum(np.diff(curve.losses), 0)
    moves = np.sqrt(fallen / max(fallen.sum(), np.finfo(float).tiny))
    waits = np.diff(curve.clock)
    way = _PLATEAU_SHARE * waits / waits.sum()
    way += (1 - _PLATEAU_SHARE) * moves / (moves.sum() or 1.0)
    passed = np.concatenate([[0.0], np.cumsum(way)])
    return np.interp(np.linspace(0, passed[-1], frames), passed, curve.clock)


def _writer(target: FilePath, fps: int) -> Any:
    from matplotlib import animation

    suffix = target.suffix.lower()
    if suffix not in FILMS:
        raise InputError(f"`path` is {target.name!r}; pass a file that ends in .mp4 or .gif.")
    if suffix == ".gif":
        return animation.PillowWriter(fps=fps)
    if not animation.FFMpegWriter.isAvailable():
        raise InputError(
            f"{target.name!r} needs the program ffmpeg, which is not here; install it, or pass a "
            "file that ends in .gif."
        )
    return animation.FFMpegWriter(fps=fps)
