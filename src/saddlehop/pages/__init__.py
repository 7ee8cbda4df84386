"""Pages for a browser: a report in one file, and the explorer.

In: a `JumpPath` and flows, or the choices made on the page. Out: HTML. Read first: `report.py`;
`explore/server.py` for the explorer.
"""
