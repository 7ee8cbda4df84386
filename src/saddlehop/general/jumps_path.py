"""The result of `solve_jumps` on data as they are: J jumps between J + 1 saddles.

At saddle i the active neurons rest, a_j D_j = 0 with D_j = (1/n) Σ_k θ_jk r_k x_k, and |a_j| = ‖w_j‖, so
the squared norm is 2 Σ_j a_j². Jump i happens at t_i = s_i log(1/λ) + c_i + o(1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .._support.brief import Brief
from .._support.labelled import Labelled
from .._support.validate import instance_of
from ..errors import InputError, OrthogonalOnlyError
from ..limit.jump_path import JumpPath, sign_label
from ..limit.prediction import after_start
from ..limit.saddle_path import SaddlePath
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.network import Network
from ..model.scale import parse_small_scale
from .walls import ZERO, Flags, Sides

if TYPE_CHECKING:
    import pandas as pd

_ONLY = {
    "predict": "call `predict_times(λ)`, or follow `sh.simulate_flow(problem, init, init_scale=λ)`",
    "saddle_facts": "see `growth_rates`, `states` and `active`, or list every way out with "
    "`sh.extremal_vectors(problem, jumps.residuals[i])`",
    "check_saddle": "call `sh.second_opinion(jumps)`",
    "sq_norm_bounds": "see `sq_norms`",
    "sets": "see `active`",
    "samples": "see `residuals` and `active`",
    "unfit": "see `residuals`",
    "alignment": "call `sh.align(problem, init)`",
    "require_alignment": "call `sh.align(problem, init)`",
    "solved": "see `corrections` and `resolving_scale`",
    "tie_tol": "see `margins`, which are 0 in a tie",
}
"""What a JumpPath has beyond this, and what to do instead."""
_SAME = 1e-7  # directions closer than this are one


@dataclass(frozen=True, eq=False, repr=False)
class GeneralJumpPath(Brief, SaddlePath, Labelled):
    """The jump process on data as they are; call it at a clock for the network there.

    A jump belongs to what follows it.
    """

    problem: GeneralProblem
    """The data."""
    initialization: Initialization
    """The start, at unit scale."""
    times: Array
    """When each jump happens, on the clock t / log(1/λ), shape (J,)."""
    neurons: tuple[tuple[int, ...], ...]
    """The neurons that activate at each jump: those of one direction, or of several in a tie."""
    losses: Array
    """Loss (1/2n) Σ r_k² at each saddle, shape (J+1,)."""
    sq_norms: Array
    """Squared norm at each saddle, shape (J+1,)."""
    exponents: Array
    """log|a_j| / log(1/λ) at each saddle, shape (J+1, m): −1 at the start, 0 once active."""
    escape_rates: Array
    """Largest growth rate of a dormant neuron at each saddle, per unit of t, 0 if none grows, shape
    (J+1,)."""
    growth_rates: Array
    """ρ_j of each dormant neuron at each saddle, per unit of t, 0 if it is active, shape (J+1, m):
    negative if it decays. It is the rate on arrival there; at a wall it may change later (`message`)."""
    margins: Array
    """Clock time from each jump to its runner-up in another direction, shape (J,): 0 in a tie, inf if
    none is left."""
    corrections: Array
    """c_i in t_i = times_i · log(1/λ) + c_i + o(1), in units of t, shape (J,); t_i is when the first neuron
    of the jump passes half of the a² it reaches; nan where it fades, or where several neurons crossed walls
    at once on the way (`message`)."""
    resolving_scale: Array
    """log10 of the λ below which each jump stands apart from its neighbours, shape (J,): 99% of the loss of
    one jump is gone when 1% of the next is, and no dormant neuron is above a tenth of the largest active
    one while the jump lasts."""
    settling_scale: Array
    """log10 of the λ below which the saddle after each jump is seen, shape (J,): weights are within 1e-6 of
    it (1e-5 where sizes fall like 1/√t) while all dormant neurons are still smaller than 1e-7, in the units
    of `distances`; -inf: not at rest."""
    residuals: Array
    """r_k = y_k − h(x_k) at each saddle, shape (J+1, n)."""
    states: NDArray[np.str_]
    """"active", or as in `GeneralAlignment.states`: "growing", "decaying", "resting", "dead",
    "stalled"; shape (J+1, m)."""
    signs: Sides
    """Sign of each a_j at each saddle, shape (J+1, m)."""
    active: NDArray[np.int8]
    """1 where sample k is active at a saddle, 0 where neuron j slides on its wall, −1 where it is not,
    shape (J+1, m, n)."""
    stationarity: Array
    """Largest ‖D_j‖ of an active neuron at each saddle, shape (J+1,)."""
    distances: Array
    """How far the weights were from each saddle when the flow was left for it, shape (J,), where all
    labels were divided by the largest and inputs by the longest; inf: not at rest."""
    n_steps: NDArray[np.int64]
    """Steps of the flow that each orbit took, shape (J,)."""
    chosen: Flags
    """Walls on which the side a neuron came from decided, since the flow is not unique there, shape
    (m, n)."""
    status: str
    """"done"; "not_at_rest": the last orbit did not come to rest; or "max_jumps"."""
    message: str
    """What the status means, and where the limit depends on more than the data and the start."""
    outputs: Array = field(repr=False)
    """a_j at each saddle, shape (J+1, m)."""
    hidden: Array = field(repr=False)
    """w_j at each saddle in the problem's coordinates, shape (J+1, m, r)."""
    sensitive: Flags | None = None
    """Neurons that rounding may have turned another way while they were dormant, shape (m,): on an orbit a
    copy of theirs, pushed aside by 1e-10 now and then, went off by 1e-3; None: not known, in files of
    earlier versions."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Say what to do instead of what is known of orthogonal rows only."""
            if name in _ONLY:
                raise OrthogonalOnlyError(
                    f"A GeneralJumpPath has no `{name}`, which is for orthogonal rows only; {_ONLY[name]}."
                )
            raise AttributeError(f"A GeneralJumpPath has no `{name}`.")

    @property
    def n_jumps(self) -> int:
        """Number of jumps J."""
        return self.times.size

    @property
    def width(self) -> int:
        """Number of neurons m."""
        return int(self.outputs.shape[1])

    @cached_property
    def n_directions(self) -> NDArray[np.int64]:
        """Number of different directions of active neurons, and signs, at each saddle, shape (J+1,)."""
        pairs = zip(self.outputs, self.hidden, strict=True)
        counts = np.array([_count_directions(*pair) for pair in pairs], dtype=np.int64)
        counts.flags.writeable = False
        return counts

    @property
    def success(self) -> bool:
        """Whether the process came to its end."""
        return self.status == "done"

    @property
    def interpolates(self) -> bool:
        """Whether every label is fitted in the end."""
        return bool((np.abs(self.residuals[-1]) <= ZERO * np.max(np.abs(self.problem.y))).all())

    def saddle(self, index: int) -> Network:
        """Return the network after `index` jumps.

        Parameters
        ----------
        index : int
            From 0 (all weights zero) to J (`final`).

        Returns
        -------
        Network
        """
        self._require_saddle(index)
        return Network(self.outputs[index], self.hidden[index])

    def predict_times(
        self, init_scale: float | str | None = None, log_init_scale: float | None = None
    ) -> Array:
        """Return the times t_i of the jumps at a finite λ, right to o(1) as λ → 0, shape (J,).

        Parameters
        ----------
        init_scale : float or str
            The scale λ < 1; a string such as "1e-1000" may be below the smallest float.
        log_init_scale : float
            log λ, instead of `init_scale`.

        Returns
        -------
        ndarray, shape (J,)
            nan where λ is too large to say: the expansion would put the jump before the start.
        """
        log_scale = parse_small_scale(init_scale, log_init_scale)
        return after_start(self.times * -log_scale + self.corrections)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with one row per jump.

        Columns: `clock`, `neurons`, `sign`, `loss` and `sq_norm` after the jump, `escape_rate` of the saddle
        it leaves, `margin`.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "clock": self.times,
                "neurons": [" ".join(map(str, group)) for group in self.neurons],
                "sign": [
                    sign_label(signs, group)
                    for signs, group in zip(self.signs[1:], self.neurons, strict=True)
                ],
                "loss": self.losses[1:],
                "sq_norm": self.sq_norms[1:],
                "escape_rate": self.escape_rates[:-1],
                "margin": self.margins,
            },
            index=pd.RangeIndex(1, self.n_jumps + 1, name="jump"),
        )


def orthogonal_jumps(jumps: object, what: str, instead: str) -> JumpPath:
    """Return a `JumpPath`; raise for anything else, for a `GeneralJumpPath` with what to do instead."""
    if isinstance(jumps, GeneralJumpPath):
        raise InputError(
            f"`jumps` is a GeneralJumpPath but {what} for orthogonal rows only; {instead}, or solve "
            "`sh.Problem.from_data(sh.orthogonalize(X), y)`."
        )
    return instance_of(jumps, "jumps", JumpPath)  # type: ignore[no-any-return]


def _count_directions(output: Array, hidden: Array) -> int:
    """Count the different rows (sign of a_j, w_j / ‖w_j‖) among neurons with a_j ≠ 0."""
    active = output != 0
    headings = hidden[active] / np.linalg.norm(hidden[active], axis=1, keepdims=True)
    rows = np.column_stack([np.sign(output[active]), headings])
    kept: list[Array] = []
    for row in rows:
        if not any(np.abs(row - other).max() < _SAME for other in kept):
            kept.append(row)
    return len(kept)
