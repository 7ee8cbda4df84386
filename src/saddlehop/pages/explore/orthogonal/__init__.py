"""The page on orthogonal data: `state.py` computes, `layout.py` is the page, `callbacks.py` ties them."""
