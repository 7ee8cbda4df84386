"""Timing for the benchmark tables: warm, several runs, medians; the machine beside the numbers."""

import os
import platform
import statistics
import time

import numpy as np
import scipy

import saddlehop as sh
from saddlehop._support.native import level


def median_seconds(call, runs=7):
    """Median time of `call()` after one run that is not counted."""
    call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def machine():
    """One line on what the numbers were measured with."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, scipy {scipy.__version__}, kernels {level()}, "
        f"saddlehop {sh.__version__}"
    )
