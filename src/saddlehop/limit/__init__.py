"""The limit λ → 0 on orthogonal data, without training.

In: a `Problem` and an `Initialization`. Out: a `JumpPath`. Read first: `jumps.py`, which runs the process
from saddle to saddle (its loop is `kernels/jumps.c`) on the active sets that `alignment.py` makes of
the start. What needs more than the order of the jumps is in `next_order.py`, with the orbits between
saddles in `lone.py` and `heteroclinic.py`; slow twins of the kernels are in `twins.py`.
"""
