"""Data as they are, rows not orthogonal: walls, alignment, extremal vectors, the flow at any λ.

In: a `GeneralProblem` and an `Initialization`. Out: a `GeneralAlignment`, a `GeneralFlowPath`.
Read first: `walls.py`, which says how a neuron moves on kinks; then `pieces.py`, which carries
neurons while the residuals stand still, and `flow_steps.py`, the steps of the flow. `verbs.py` is the
public door for either kind of problem.
"""
