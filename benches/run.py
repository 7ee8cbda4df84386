"""Print the benchmark tables, all or those named: `make bench`, `python benches/run.py peers sizes`."""

import sys
from pathlib import Path

from rich.console import Console

import bench_explore
import bench_flow
import bench_general
import bench_jumps
import bench_recorder
import bench_scale
from timing import machine

TABLES = {
    "jumps": bench_jumps.table,
    "large": bench_scale.size_table,
    "cluster": bench_scale.cluster_table,
    "throughput": bench_scale.throughput_table,
    "corrections": bench_flow.corrections_table,
    "scales": bench_flow.scale_table,
    "sizes": bench_flow.size_table,
    "peers": bench_flow.peers_table,
    "general": bench_general.peers_table,
    "general-scales": bench_general.scale_table,
    "recorder": bench_recorder.table,
    "explore": bench_explore.table,
    "explore-points": bench_explore.points_table,
}
PICTURE = Path("bench-output") / "work-precision.png"


def main(names):
    unknown = [name for name in names if name not in (*TABLES, "picture")]
    if unknown:
        sys.exit(f"There is no table {unknown[0]!r}; pass some of {', '.join(TABLES)}, picture.")
    console = Console(width=150, markup=False)
    console.print(machine())
    for name in names:
        if name in TABLES:
            console.print(TABLES[name]())
    if "picture" in names:
        PICTURE.parent.mkdir(exist_ok=True)
        bench_flow.work_precision(PICTURE)
        console.print(f"Picture: {PICTURE}")


if __name__ == "__main__":
    main(sys.argv[1:] or [*TABLES, "picture"])
