"""A local page on which to move λ and watch.

`state.py` computes what is asked for and remembers it, `layout.py` is the page, `callbacks.py` ties
the two together, `server.py` runs it.
"""

from .server import explore

__all__ = ["explore"]
