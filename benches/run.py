"""Print all benchmark tables and save the work-precision plot: `make bench`."""

import sys
from pathlib import Path

from rich.console import Console

import bench_explore
import bench_flow
import bench_jumps
import bench_recorder
import bench_scale
from timing import machine

if __name__ == "__main__":
    console = Console(width=150)
    console.print(machine())
    console.print(bench_jumps.table())
    console.print(bench_scale.size_table())
    console.print(bench_scale.cluster_table())
    console.print(bench_scale.throughput_table())
    console.print(bench_flow.corrections_table())
    console.print(bench_flow.scale_table())
    console.print(bench_flow.size_table())
    console.print(bench_flow.peers_table())
    console.print(bench_recorder.table())
    console.print(bench_explore.table())
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "bench-output")
    out.mkdir(exist_ok=True)
    bench_flow.work_precision(out / "work-precision.png")
    console.print(f"Picture: {out / 'work-precision.png'}")
