"""The flow at any λ on orthogonal data.

In: a `Problem`, an `Initialization` and λ, down to 1e-1000000. Out: a `FlowPath`. Read first:
`simulate.py`; it drives the steps of a `trajectory.py`, whose loop is `kernels/steps.c`, and
`reading.py` goes back between the steps.
"""
