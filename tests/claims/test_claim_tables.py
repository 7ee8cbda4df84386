"""What the claims share: tables that are cut and averaged, and how these are drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from saddlehop.claims.drawing import coloured, draw_means, draw_shares, draw_spread, dress
from saddlehop.claims.result import within
from saddlehop.claims.statistics import Estimate
from saddlehop.claims.tables import as_table, by_size, where
from saddlehop.yardsticks.intervals import wilson


@pytest.fixture
def table():
    values = np.random.default_rng(0).standard_normal(12)
    rows = [{"n": 10 ** (1 + i % 3), "law": "ab"[i % 2], "x": x} for i, x in enumerate(values)]
    return as_table([*rows, {"n": 10, "law": "a", "x": np.nan}])


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def ends_of_bars(ax):
    return np.array(ax.containers[0].lines[2][0].get_segments())[:, :, 1].T


def test_rows_are_kept_where_all_columns_hold_the_values(table):
    kept = where(table, law="b", n=100)
    assert len(kept) == 2
    assert set(kept["law"]) == {"b"}
    assert set(kept["n"]) == {100}
    assert where(table, law="c").empty


def test_averages_are_those_of_pandas(table):
    found, groups = by_size(table, "x"), table.groupby("n")["x"]
    expected = groups.agg(["mean", "std", "sem", "max"]).reset_index()
    names = ["n", "mean", "spread", "error", "largest"]
    pd.testing.assert_frame_equal(found[names], expected.set_axis(names, axis=1))


def test_bars_are_the_intervals_that_they_say(table):
    means = by_size(table, "x")
    for draw, size in ((draw_means, 1.96 * means["error"]), (draw_spread, means["spread"])):
        figure, ax = plt.subplots()
        draw(ax, means, fmt="o")
        np.testing.assert_allclose(ends_of_bars(ax), [means["mean"] - size, means["mean"] + size])
        plt.close(figure)


def test_bars_of_shares_are_wilson_intervals(ax):
    hits, total = np.array([0, 7, 20]), np.full(3, 20)
    draw_shares(ax, [1, 2, 3], hits, total, fmt="o")
    np.testing.assert_allclose(ends_of_bars(ax), wilson(hits, total))


def test_axes_are_dressed_as_told(ax):
    ax.plot([1, 10], [1, 10], label="line")
    dress(ax, "right", "up", "upper left", log="y")
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("right", "up")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["line"]


def test_each_value_has_its_own_colour(table):
    colours, values, parts = zip(*coloured(table), strict=True)
    assert len(set(colours)) == 3
    assert values == (10, 100, 1000)
    assert sum(map(len, parts)) == len(table)


def test_numbers_are_written_with_their_errors():
    assert f"{Estimate(1.236, 0.04):.2f}" == "1.24 ± 0.04"
    assert within(0.05, 2.0) == pytest.approx((1.9, 2.1))
