"""Proofs and second opinions.

In: a problem, a start and their `JumpPath` or `GeneralJumpPath`. Out: a `Certificate`, each jump proven in
ball arithmetic, or a `SecondOpinion`, the same numbers computed in other ways. Read first: `certificate.py`,
then `check.py` and, for data as they are, `general_check.py`.
"""
