"""The result of `solve_jumps`: J jumps between J + 1 saddles.

After the jump of neuron j onto its open samples B, with β_k = y_k / ‖x_k‖,

    |a_j| = ‖u_j‖ = sqrt(‖β_B‖),    u_jk = |β_k| / |a_j| on B    (so a_j u_jk = β_k)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, frozen, norm
from .._support.labelled import Labelled
from ..model.network import Network
from ..model.problem import Problem
from ..model.scale import parse_small_scale
from .jump_course import JumpCourse
from .kernels import squares
from .prediction import Prediction, resolving_scale
from .saddle_path import SaddlePath
from .saddles import Saddle, SaddleCheck, check_saddle, saddle_facts
from .ties import Part, samples_apart, split_tie

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class JumpPath(JumpCourse, SaddlePath, Labelled):
    """The jump process: J jumps between J + 1 saddles.

    Calling it with a clock time gives the network there; a jump belongs to what follows it.
    What needs more than the order of the jumps (ties, `corrections`, `predict`) is computed when
    it is asked for, and needs the start or its alignment.
    """

    @cached_property
    def sq_norms(self) -> Array:
        """Squared norm at each saddle, shape (J+1,).

        nan from the first tie on that leaves the norm to the start, if only active sets are known:
        then it lies within `sq_norm_bounds`.
        """
        return known(self.sq_norm_bounds)

    @cached_property
    def sq_norm_bounds(self) -> Array:
        """Least and largest that the squared norm at each saddle can be, shape (J+1, 2).

        Both are `sq_norms` where that is known. Neurons that tie and share samples B add between
        2 ‖β_B‖, all of them along β_B, and 2 Σ_j ‖β on S_j ∩ B‖, each at the most it can fit.
        """
        together = [[part.samples for part in parts] for parts in self._parts]
        low = _added_sq_norms(self.problem, together)
        high = low.copy()
        shared = [
            jump
            for jump, parts in enumerate(self._parts)
            if not all(part.same_open_set for part in parts)
        ]
        if self.alignment is not None:
            for jump in shared:
                low[jump] = high[jump] = self._followed_sq_norm(jump)
        else:
            apart = [samples_apart(self.sets, self._parts[jump]) for jump in shared]
            for jump, most in zip(shared, _added_sq_norms(self.problem, apart), strict=True):
                high[jump] = most
        return frozen(np.cumsum([[0.0, *low], [0.0, *high]], axis=1).T)

    @cached_property
    def resolving_scale(self) -> Array:
        """log10 of the λ below which each jump stands apart from its neighbours, shape (J,).

        By then 99% of the loss of one jump is gone when 1% of the next is, and no dormant neuron
        that shares samples with the jump has grown above a tenth of its size.
        """
        return resolving_scale(self)

    def saddle(self, index: int) -> Network:
        """Return the network after `index` jumps.

        Parameters
        ----------
        index : int
            From 0 (all weights zero) to J (`final`).

        Returns
        -------
        Network

        Raises
        ------
        UnresolvedTieError
            If neurons that tied before share samples and only their active sets are known.
        """
        self._require_saddle(index)
        output = np.zeros(self.width)
        hidden = np.zeros((self.width, self.problem.n_samples))
        for jump in range(index):
            for part in self._parts[jump]:
                self._activate(jump, part, output, hidden)
        return Network(output, hidden)

    def saddle_facts(self, index: int) -> Saddle:
        """Return the saddle after `index` jumps with every way out of it and its gradient."""
        network = self.saddle(index)
        fitted = np.concatenate([np.empty(0, np.int64), *self.samples[:index]])
        loss = float(self.losses[index])
        return saddle_facts(self.problem, self.sets, network, fitted, loss)

    def check_saddle(self, index: int) -> SaddleCheck:
        """Compare the saddle after `index` jumps with finite differences of the loss."""
        return check_saddle(self.problem, self.saddle_facts(index))

    def predict_times(
        self, init_scale: float | str | None = None, log_init_scale: float | None = None
    ) -> Array:
        """Return the times t_i of the jumps at a finite λ, right to o(1) as λ → 0, shape (J,).

        Parameters
        ----------
        init_scale : float or str
            The scale λ; a string such as "1e-1000" may be below the smallest float.
        log_init_scale : float
            log λ, instead of `init_scale`.

        Returns
        -------
        ndarray, shape (J,)
            nan where λ is too large to say: the expansion would put the jump before the start.
        """
        return self.predict(init_scale, log_init_scale).times

    def predict(
        self, init_scale: float | str | None = None, log_init_scale: float | None = None
    ) -> Prediction:
        """Return the next-order picture at a finite λ: times, loss curve, sizes of neurons.

        Parameters
        ----------
        init_scale : float or str
            The scale λ < 1; a string such as "1e-1000" may be below the smallest float.
        log_init_scale : float
            log λ, instead of `init_scale`.
        """
        log_scale = parse_small_scale(init_scale, log_init_scale)
        return Prediction(self, log_scale)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with one row per jump.

        Columns: `clock`, `neurons`, `sign`, `samples` (how many are fitted), `loss` and `sq_norm`
        after the jump, `escape_rate` of the saddle it leaves, `margin`.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "clock": self.times,
                "neurons": [" ".join(map(str, group)) for group in self.neurons],
                "sign": [sign_label(self.sets.signs, group) for group in self.neurons],
                "samples": [fitted.size for fitted in self.samples],
                "loss": self.losses[1:],
                "sq_norm": self.sq_norms[1:],
                "escape_rate": self.escape_rates[:-1],
                "margin": self.margins,
            },
            index=pd.RangeIndex(1, self.n_jumps + 1, name="jump"),
        )

    @cached_property
    def _parts(self) -> list[list[Part]]:
        return [
            split_tie(self.sets, group, fitted)
            for group, fitted in zip(self.neurons, self.samples, strict=True)
        ]

    def _activate(self, jump: int, part: Part, output: Array, hidden: Array) -> None:
        """Write the weights of the neurons that fit `part` together."""
        targets = np.abs(self.problem.targets[part.samples])
        size = np.sqrt(norm(targets))
        for member, neuron in zip(part.members, part.neurons, strict=True):
            if part.same_open_set:
                share = self._share(jump, part, neuron)
                a, u = share * size, share * (targets / size)
            else:
                solved = self.solved[jump]
                classes = solved.classes[np.searchsorted(solved.samples, part.samples)]
                a, u = solved.output[member], solved.weights[member, classes] * targets
            output[neuron] = self.sets.signs[neuron] * a
            hidden[neuron, part.samples] = u

    def _share(self, jump: int, part: Part, neuron: int) -> float:
        """Fraction of the common size that falls to one of neurons with one open set."""
        if len(part.neurons) == 1:
            return 1.0
        sizes = self.solved[jump].arrivals[list(part.neurons)]
        return float(
            np.exp(self.solved[jump].arrivals[neuron] - np.logaddexp.reduce(2 * sizes) / 2)
        )

    def _followed_sq_norm(self, jump: int) -> float:
        return 2 * float(np.sum(self.solved[jump].output ** 2))


def sign_label(signs: NDArray[np.int8], group: tuple[int, ...]) -> str:
    """Name the signs of the neurons in a group: "+", "-" or "both"."""
    present = {int(signs[neuron]) for neuron in group}
    return "both" if len(present) > 1 else "+" if present == {1} else "-"


def known(bounds: Array) -> Array:
    """The numbers that their bounds determine, nan for the others."""
    return frozen(np.where(bounds[:, 0] == bounds[:, 1], bounds[:, 0], np.nan))


def _added_sq_norms(problem: Problem, jumps: list[list[NDArray[np.int64]]]) -> list[float]:
    """Σ 2 ‖β_B‖ over the groups of samples B of each jump, the same for any order of the samples."""
    groups = [group for groups in jumps for group in groups]
    if not groups:
        return []
    offsets = np.cumsum([0, *(group.size for group in groups)])
    _, of_targets = squares.squares_by_group(
        problem.y, problem.norms, np.concatenate(groups), offsets
    )
    sizes = iter(squares.square_roots(of_targets).tolist())
    return [sum(2 * next(sizes) for _ in groups) for groups in jumps]
