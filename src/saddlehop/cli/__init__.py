"""The command line: read, compute, show.

In: words and files. Out: results on stdout, messages on stderr. Read first: `jumps.py`, one command
from its options to what it prints; `show.py` has the tables, `documents.py` what `--json` prints.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer

from .._version import __version__
from ..errors import NotOrthogonalError, SaddlehopError
from .check import check_command
from .claims import claims_command
from .compare import compare_command
from .demo import demo
from .explore import explore_command
from .flow import flow_command
from .jumps import jumps_command
from .report import report_command
from .show import say
from .sweep import sweep_command

app = typer.Typer(
    name="saddlehop",
    help="Exact training dynamics of two-layer ReLU networks from vanishing initialization.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo)
app.command("jumps")(jumps_command)
app.command("flow")(flow_command)
app.command("compare")(compare_command)
app.command("sweep")(sweep_command)
app.command("report")(report_command)
app.command("explore")(explore_command)
app.command("check")(check_command)
app.command("claims")(claims_command)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; a saddlehop error is one sentence on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no λ gets a question mark
    try:
        app()
    except MemoryError as err:
        say(f"Error: This does not fit in memory ({err}); pass fewer neurons or samples.")
        sys.exit(2)
    except NotOrthogonalError as err:
        say(f"Error: {err} Here: add `--orthogonalize`.")
        sys.exit(2)
    except SaddlehopError as err:
        say(f"Error: {err}")
        sys.exit(2)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as err:
        say(f"Error: {err.strerror}: {err.filename}")
        sys.exit(2)
