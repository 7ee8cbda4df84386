"""Local pages on which to move λ, drag points and watch.

`orthogonal` and `general` are the two pages: in each `state.py` computes what is asked for and
remembers it, `layout.py` is the page, `callbacks.py` ties the two together. `parts.py` and `given.py`
are what they share, `server.py` runs them.
"""

from .server import explore

__all__ = ["explore"]
