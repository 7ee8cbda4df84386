"""`saddlehop explore`: pages on which to move λ, drag points and watch."""

from __future__ import annotations

from typing import Annotated

import typer


def explore_command(
    port: Annotated[int | None, typer.Option(help="Port; a free one by default.")] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Show local pages on which to move λ, drag points and watch, until Ctrl-C."""
    from ..pages.explore import explore

    explore(port, browser)
