"""The claims of the paper as measurements: `claim(quick=True)` gives numbers and a verdict.

In: `quick` or full sizes. Out: a `Claim`, which says what it measures (sizes → table), how it judges
(table → numbers with intervals) and how it is drawn. Read first: `agreement.py`; what claims share is
in `tables.py`, `drawing.py`, `draws.py`, `flows.py` and `norms.py`, and of the chapter on rows that are
not orthogonal in `beyond.py`. Statements are those of the
abstract of arXiv 2605.27097 and of arXiv 2502.16977; constants beside them were derived for this
project.
"""

from .agreement import agreement
from .descent_or_flow import descent_or_flow
from .finite_scale import finite_scale
from .interpolation import interpolation
from .jump_counts import jump_counts
from .limit import limit
from .limit_or_flow import limit_or_flow
from .lost_orthogonality import lost_orthogonality
from .norm_growth import norm_growth
from .norm_ratio import norm_ratio
from .not_orthogonal import not_orthogonal
from .one_neuron import one_neuron
from .rates import rates
from .result import Claim, ClaimResult, Number

CLAIMS = {
    claim.name: claim
    for claim in (
        limit,
        one_neuron,
        interpolation,
        agreement,
        norm_growth,
        norm_ratio,
        jump_counts,
        finite_scale,
        rates,
        not_orthogonal,
        lost_orthogonality,
        descent_or_flow,
        limit_or_flow,
    )
}

__all__ = ["CLAIMS", "Claim", "ClaimResult", "Number"]
