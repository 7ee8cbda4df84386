"""Many runs: a grid of problems and starts, repeated with seeds of their own.

In: a spec, which `spec.py` reads. Out: a frame with a row for each trial. Read first: `run.py`, which
runs all of them in processes or on a cluster; `trials.py` runs one, and `store.py` keeps the results
where nothing gets lost.
"""

from .run import sweep
from .spec import Spec
from .store import read_sweep

__all__ = ["Spec", "read_sweep", "sweep"]
