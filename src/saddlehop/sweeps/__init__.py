"""Many runs: a grid of problems and starts, repeated with seeds of their own.

`spec.py` says what to run, `trials.py` runs one, `run.py` runs all of them in processes or on a
cluster, and `store.py` keeps the results where nothing gets lost.
"""

from .run import sweep
from .spec import Spec
from .store import read_sweep

__all__ = ["Spec", "read_sweep", "sweep"]
