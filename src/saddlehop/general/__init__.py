"""Data as they are, rows not orthogonal: walls, alignment, extremal vectors.

In: a `GeneralProblem` and an `Initialization`. Out: what each neuron becomes while the residuals stand
still. Read first: `walls.py`, which says how a neuron moves on kinks.
"""
