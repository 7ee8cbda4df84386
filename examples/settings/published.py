"""Published numbers beside ours, and what more than one setting counts."""

import numpy as np
import pandas as pd


def beside(*rows):
    """Return the table of rows (quantity, published, here, why they differ), with the difference."""
    table = pd.DataFrame(rows, columns=["quantity", "published", "here", "why they differ"])
    table.insert(3, "difference", table["here"] - table["published"])
    return table


def show(table):
    """Print the table."""
    with pd.option_context("display.width", 250, "display.max_colwidth", 90):
        print(table.to_string(index=False, float_format="{:.9g}".format, na_rep=""))


def n_directions(network):
    """Count the directions of the neurons that are not 0."""
    size = np.linalg.norm(network.hidden, axis=1)
    unit = network.hidden[size > 0] / size[size > 0, None]
    return len(np.unique(np.round(unit, 6), axis=0))
