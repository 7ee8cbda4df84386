"""Tables of draws: made of records, cut down to some rows, and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Frame = Any  # a pandas DataFrame: what its columns hold goes by name, which types cannot see


def as_table(rows: Sequence[dict[str, Any]]) -> Frame:
    """Return records as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(rows)


def where(table: Frame, **values: object) -> Frame:
    """Return the rows that hold these values in the columns of these names."""
    for column, value in values.items():
        table = table[table[column] == value]
    return table


def by_size(table: Frame, column: str, key: str = "n") -> Frame:
    """Return mean, standard error, spread and largest of `column` for each value of `key`."""
    rows = []
    for value, part in table.dropna(subset=[column]).groupby(key):
        draws = part[column].to_numpy()
        spread = draws.std(ddof=1)
        rows.append(
            {
                key: value,
                "mean": draws.mean(),
                "spread": spread,
                "error": spread / np.sqrt(draws.size),
                "largest": draws.max(),
            }
        )
    return as_table(rows)
