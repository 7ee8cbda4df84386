"""A recorded training run, read like a flow: snapshots at times t = Σ lr, straight lines between.

Weights that grow exponentially are lines in log|a_j|, so sizes and activation times are read off
those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, frozen
from .._support.brief import Brief
from .._support.labelled import Labelled
from .._support.validate import as_floats, instance_of, real_number, require_one_time
from ..errors import InputError
from ..general.jumps_path import GeneralJumpPath
from ..limit.alignment import Alignment
from ..limit.jump_path import JumpPath
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.initialization import Initialization
from ..model.network import Network
from ..model.problem import Problem, row_norms
from ..yardsticks.comparison import AnyJumps, Comparison, beside, compare, start_of
from .departure import Departure, departure, relative_imbalance, sign_flips

_SLACK = 1e-9  # part of the path that a time may lie outside by rounding


@dataclass(frozen=True, eq=False, repr=False)
class Recording(Brief, Labelled):
    """A training run in the coordinates of the problem; call it at a time t for the network there.

    It has what a FlowPath has, with straight lines between its snapshots.
    """

    problem: Problem | GeneralProblem
    """The data."""
    log_init_scale: float
    """log λ."""
    steps: NDArray[np.int64]
    """Steps of the optimizer at which snapshots were taken, from 0, shape (T,)."""
    t: Array
    """Their times t = Σ lr in the convention of our loss, shape (T,)."""
    output: Array
    """Output weights a_j, shape (T, m)."""
    hidden: Array
    """Hidden weights u_jk in the coordinates of the problem, shape (T, m, r); r = n of a `Problem`."""
    rtol: float
    """Relative difference below which its numbers count as equal to others'."""
    off_span: Array = None  # type: ignore[assignment]
    """Norms of the parts of w_j outside the span of the samples at the start, shape (m,); gradient
    descent never moves them. Zeros if not given."""
    zigzags: NDArray[np.int64] = None  # type: ignore[assignment]
    """In how many of the watched bursts of steps w_j·x_k changed sign and changed back, shape (m, n)."""
    zigzag_since: Array = None  # type: ignore[assignment]
    """End of the first burst in which neuron j did so on any wall, shape (m,); nan: never seen."""
    bursts: int = 0
    """Number of bursts that were watched; with 0 nothing is known of zig-zags."""

    def __post_init__(self) -> None:
        width = self.output.shape[1]
        unseen = {
            "off_span": np.zeros(width),
            "zigzags": np.zeros((width, self.problem.n_samples), dtype=np.int64),
            "zigzag_since": np.full(width, np.nan),
        }
        for name, array in unseen.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, frozen(array))

    @property
    def clock(self) -> Array:
        """t / log(1/λ), shape (T,); plain t if λ ≥ 1, where there is no such clock."""
        return self.t / -self.log_init_scale if self.log_init_scale < 0 else self.t

    @cached_property
    def losses(self) -> Array:
        """Losses (1/2n) Σ (y − h)² over all samples at `t`, shape (T,)."""
        return frozen(np.array([self._at(i).loss(self.problem) for i in range(self.t.size)]))

    @cached_property
    def sq_norms(self) -> Array:
        """Squared norms Σ a_j² + Σ u_jk² at `t`, shape (T,)."""
        return frozen(np.array([self._at(i).sq_norm for i in range(self.t.size)]))

    @cached_property
    def log_output(self) -> Array:
        """log |a_j| at `t`, −inf where a_j is 0, shape (T, m)."""
        with np.errstate(divide="ignore"):
            return frozen(np.log(np.abs(self.output)))

    @cached_property
    def activation_times(self) -> Array:
        """First t at which a_j² passes half of its final value, shape (m,).

        0 if that holds at the start; nan if a_j ends at 0.
        """
        goal = self.log_output[-1] - 0.5 * np.log(2)
        after = np.argmax(self.log_output >= goal, axis=0)
        times = np.where(np.isfinite(goal), 0.0, np.nan)
        for j in np.flatnonzero(np.isfinite(goal) & (after > 0)):
            low, high = self.log_output[after[j] - 1 : after[j] + 1, j]
            part = (goal[j] - low) / (high - low) if np.isfinite(low) else 1.0
            t_low, t_high = self.t[after[j] - 1 : after[j] + 1]
            times[j] = t_low + part * (t_high - t_low)
        return frozen(times)

    @property
    def start(self) -> Initialization:
        """The first snapshot divided by λ: `simulate_flow` from it is the flow of this run's start."""
        first = Initialization(self.output[0], self.hidden[0], self.off_span)
        return _divided(first, math.exp(self.log_init_scale))

    @cached_property
    def hidden_norms(self) -> Array:
        """Norms ‖w_j‖ at `t`, the parts outside the span included, shape (T, m)."""
        inside = row_norms(self.hidden.reshape(-1, self.hidden.shape[2]))
        return frozen(np.hypot(inside.reshape(self.output.shape), self.off_span))

    @cached_property
    def imbalance(self) -> Array:
        """Change of a_j² − ‖w_j‖² since the start, relative to max(a_j², ‖w_j‖²), at `t`, shape (T, m).

        0 along a gradient flow.
        """
        return frozen(relative_imbalance(self.output, self.hidden_norms))

    @property
    def final(self) -> Network:
        """The network at the last snapshot."""
        return self._at(self.t.size - 1)

    def __call__(self, t: float) -> Network:
        """Return the network at time t, 0 ≤ t ≤ the end of the recording."""
        times = require_one_time(self._require_times(t))
        i, part = self._place(times)
        return Network(
            (1 - part) * self.output[i] + part * self.output[i + 1],
            (1 - part) * self.hidden[i] + part * self.hidden[i + 1],
        )

    def loss_at(self, t: Any) -> Array:
        """Return the losses at times `t` of any shape."""
        return np.asarray(np.interp(self._require_times(t), self.t, self.losses))

    def log_output_at(self, t: Any) -> Array:
        """Return log |a_j| at times `t` of any shape; the neurons are the last axis."""
        i, part = self._place(self._require_times(t))
        low, high = self.log_output[i], self.log_output[i + 1]
        part = part[..., None]
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(part == 0, low, (1 - part) * low + part * high))

    def departure(self, tol: float = 0.1) -> Departure:
        """Say what the run did that no gradient flow does, and when.

        Parameters
        ----------
        tol : float
            Relative change of a_j² − ‖w_j‖² up to which the run counts as one along the flow.

        Returns
        -------
        Departure
            Found at the snapshots; a sign that changed and changed back between two is not seen.
        """
        tol = real_number(tol, "tol")
        if not 0 < tol < math.inf:
            raise InputError(f"`tol` is {tol:g}; pass a positive number, such as 0.1.")
        flips = sign_flips(self.t, self.output, self.hidden_norms, self.rtol)
        walls = (self.zigzags, self.zigzag_since, self.bursts)
        return departure(self.t, flips, self.imbalance, tol, walls)

    def compare(self, jumps: AnyJumps) -> Comparison:
        """Say how far the run is from the limit, as `sh.compare` does for a flow.

        Parameters
        ----------
        jumps : JumpPath or GeneralJumpPath
            The limit of the same data and start. If it knows its start, the first snapshot has to be
            λ times that; if it is that start itself, λ is `log_init_scale` of the recording.

        Returns
        -------
        Comparison
        """
        return compare(self, jumps)

    def _at(self, index: int) -> Network:
        return Network(self.output[index], self.hidden[index])

    def _place(self, times: Array) -> tuple[Any, Array]:
        """Snapshot before each time and the part of the way to the next."""
        i = np.clip(np.searchsorted(self.t, times, side="right") - 1, 0, self.t.size - 2)
        return i, np.asarray((times - self.t[i]) / (self.t[i + 1] - self.t[i]))

    def _require_times(self, t: Any) -> Array:
        times = as_floats(t, "t")
        if self.t.size < 2:
            raise InputError("The recording has no step yet; call the recorder after each one.")
        end = float(self.t[-1])
        outside = ~((times >= 0) & (times <= end * (1 + _SLACK)))
        if outside.any():
            raise InputError(
                f"`t` is {float(times[outside].ravel()[0]):.6g}, outside the recording, which runs "
                f"from 0 to {end:.6g}; pass a time in between, or train longer."
            )
        return np.minimum(times, end)

    def beside(self, jumps: AnyJumps) -> tuple[Recording, AnyJumps]:
        """Return the recording with the problem and λ of `jumps`, and these; raise if not of one start.

        Jumps solved from the first weights as they are say nothing of λ: then it is that of the
        recording, and the start of the jumps is divided by it.
        """
        theirs = instance_of(jumps, "jumps", JumpPath, GeneralJumpPath).problem
        self._require_problem(theirs)
        if self.output.shape[1] != jumps.width:
            raise InputError(
                f"The recording has {self.output.shape[1]} neurons and `jumps` has {jumps.width}; "
                "train from the start that `jumps` was solved for."
            )
        ours = replace(self, problem=theirs)
        given = start_of(jumps)
        if given is None:
            return ours, jumps
        log_ratio = self._log_ratio(given)
        if abs(log_ratio) > self.rtol:
            return replace(ours, log_init_scale=log_ratio), jumps
        start = _divided(given, math.exp(self.log_init_scale))
        if isinstance(jumps, GeneralJumpPath):
            return ours, replace(jumps, initialization=start)
        alignment = cast(Alignment, jumps.alignment)  # which knew the start
        return ours, replace(jumps, alignment=replace(alignment, initialization=start))

    def _require_problem(self, theirs: AnyProblem) -> None:
        """Raise unless the recording is of this problem, to rounding in the recording's precision."""
        mine = self.problem
        if type(mine) is not type(theirs):
            kind, other = type(mine).__name__, type(theirs).__name__
            raise InputError(
                f"The recording is of a {kind} but `jumps` of a {other}, in other coordinates; record "
                f"with the {other} that `jumps` was solved for."
            )
        inputs = "norms" if isinstance(mine, Problem) else "coordinates"
        for name in ("y", inputs):
            ours, other = getattr(mine, name), getattr(theirs, name)
            slack = self.rtol * np.abs(other).max() if name == "coordinates" else 0.0
            if ours.shape != other.shape or not np.allclose(ours, other, self.rtol, slack):
                raise InputError(
                    "The recording and `jumps` are of different problems; record and solve the same "
                    "inputs and labels, in the same order."
                )

    def _log_ratio(self, init: Any) -> float:
        """Return log of the λ with first snapshot = λ · init."""
        ours = np.concatenate([self.output[:1].T, self.hidden[0]], axis=1)
        unit = np.concatenate([init.output[:, None], init.hidden], axis=1)
        scale = float(np.linalg.norm(ours) / np.linalg.norm(unit))
        if scale == 0 or not np.abs(ours / scale - unit).max() <= self.rtol * np.abs(unit).max():
            raise InputError(
                "The recording does not begin at a multiple of the start of `jumps`; train from "
                "`to_module(init, init_scale, problem)`, or solve from `from_module(module, X)` taken "
                "before the first step."
            )
        return math.log(scale)


beside.register(Recording)(Recording.beside)


def _divided(start: Initialization, scale: float) -> Initialization:
    return Initialization(start.output / scale, start.hidden / scale, start.off_span / scale)
