"""What the dynamics start from: data and weights.

In: inputs and labels, from arrays, files or drawn. Out: a `Problem` (β_k, ‖x_k‖ and axes), an
`Initialization` (weights at unit scale) and `Network`s, all in sample coordinates. Read first:
`problem.py`, then `initialization.py`.
"""
