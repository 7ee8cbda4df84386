"""The limit λ → 0 on orthogonal data, without training.

In: a `Problem` and an `Initialization`. `alignment.py` makes active sets of the start, `jumps.py` runs
the process from saddle to saddle (its loop is `kernels/jumps.py`), a `JumpPath` comes out. Read
first: `jumps.py`. What needs more than the order of the jumps is in `next_order.py`, with the orbits
between saddles in `heteroclinic.py`; slow twins of the kernels are in `twins.py`.
"""
