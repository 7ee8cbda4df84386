"""The limit on samples that do not fit in memory, in threads or on a Dask cluster.

In: `SampleBlocks`, recipes for blocks of labels, norms and active sets. Out: a `BlockJumpPath`, bit
for bit that of `solve_jumps`. Read first: `jumps.py`; the process itself is `limit/block_process.py`.
"""
