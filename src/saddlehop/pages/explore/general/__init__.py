"""The page on data as they are: points that can be dragged.

`state.py` computes, `moment.py` is the limit and the flow at one clock, `figures.py` draws them,
`layout.py` is the page, `callbacks.py` ties them, `points.js` moves points and plays along the clock.
"""
