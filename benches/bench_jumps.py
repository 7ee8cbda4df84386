"""The jump process against the time of drawing its start, and with growing n."""

from rich.table import Table

import saddlehop as sh
from timing import median_seconds


def table(sizes=((10**3, 64), (10**4, 64), (10**5, 64)), runs=7):
    """Time `draw`, `solve_jumps` and the growth constants."""
    result = Table(
        "n", "m", "jumps", "draw (ms)", "solve / draw", "log_growth / draw", title="Jump process"
    )
    for n, m in sizes:
        problem = sh.make_orthogonal(n, rng=0)
        init = sh.Initialization.draw(problem, m, rng=0)
        draw = median_seconds(lambda: sh.Initialization.draw(problem, m, rng=0), runs)
        solve = median_seconds(lambda: sh.solve_jumps(problem, init), runs)
        grow = median_seconds(lambda: sh.align(problem, init).log_growth, runs)
        n_jumps = sh.solve_jumps(problem, init).n_jumps
        result.add_row(
            f"{n:.0e}",
            str(m),
            str(n_jumps),
            f"{1e3 * draw:.2f}",
            f"{solve / draw:.2f}",
            f"{grow / draw:.2f}",
        )
    return result
