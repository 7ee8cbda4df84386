"""Print all benchmark tables: `make bench`."""

from rich.console import Console

import bench_jumps
from timing import machine

if __name__ == "__main__":
    console = Console()
    console.print(machine())
    console.print(bench_jumps.table())
