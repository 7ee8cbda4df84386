"""What a flow and a limit are measured against.

The least norm of an interpolator, chances that a random layer fits all labels, rates of the loss,
and `compare`, which puts a flow beside its limit. In: problems, networks, paths. Out: numbers with
their errors. Read first: `comparison.py`.
"""
