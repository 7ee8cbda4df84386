"""Drawn active sets: fair coins, the same wherever and in whatever pieces they are drawn."""

import numpy as np
import pytest

import saddlehop as sh
from saddlehop.limit.active_sets import Coins


@pytest.mark.parametrize("width", [1, 40, 64, 65, 200])
def test_only_samples_of_the_neuron_s_sign_are_in_its_set(width):
    problem = sh.Problem(np.concatenate([[0.0], sh.make_orthogonal(500, rng=0).y]))
    sets = sh.ActiveSets.draw(problem, width, rng=1)
    allowed = np.sign(problem.y) == sets.signs[:, None]
    active = sets.to_bool()
    assert not active[~allowed].any()
    assert 0.4 < active[allowed].mean() < 0.6


def test_coins_are_fair_and_independent_of_their_neighbours():
    n, width = 20000, 70
    signs, bits = np.ones(width, dtype=np.int8), None
    coins = Coins(np.array([3, 4], dtype=np.uint64), signs)
    bits = sh.ActiveSets(coins.words(np.ones(n)), signs).to_bool() - 0.5
    spread = 0.25 / np.sqrt(n)
    assert np.abs(bits.mean(axis=1)).max() < 5 * 0.5 / np.sqrt(n)
    between_neurons = bits @ bits.T / n - np.eye(width) / 4
    assert np.abs(between_neurons).max() < 5.5 * spread
    between_samples = (bits[:, 1:] * bits[:, :-1]).mean(axis=1)
    assert np.abs(between_samples).max() < 5 * spread


@pytest.mark.parametrize("width", [40, 100, 200])
@pytest.mark.parametrize(("start", "stop"), [(0, 7), (1, 400), (333, 334), (498, 500)])
def test_any_samples_can_be_drawn_again_alone(width, start, stop):
    problem = sh.make_orthogonal(500, rng=0)
    sets = sh.ActiveSets.draw(problem, width, rng=5)
    coins = Coins.draw(width, np.random.default_rng(5))
    np.testing.assert_array_equal(coins.signs, sets.signs)
    again = coins.words(problem.y[start:stop], start)
    np.testing.assert_array_equal(again, sets.words[start:stop])


def test_threads_change_nothing(monkeypatch):
    problem = sh.make_orthogonal(1000, rng=0)
    whole = sh.ActiveSets.draw(problem, 130, rng=2)
    monkeypatch.setattr("saddlehop.limit.active_sets._CHUNK", 64)
    monkeypatch.setattr("saddlehop.limit.active_sets.n_threads", lambda: 3)
    np.testing.assert_array_equal(sh.ActiveSets.draw(problem, 130, rng=2).words, whole.words)


def test_drawn_sets_interpolate_as_often_as_the_formula_says():
    y = np.repeat([1.0, -1.0], 50)
    hits = sum(
        sh.solve_jumps(sh.Problem(y), sh.ActiveSets.draw(sh.Problem(y), 20, rng=seed)).interpolates
        for seed in range(400)
    )
    expected = sh.interpolation_probability(50, 50, 20)
    assert abs(hits / 400 - expected) < 4 * np.sqrt(expected * (1 - expected) / 400)


@pytest.mark.parametrize(
    ("width", "rng", "message"),
    [
        (0, 1, "`width` is 0"),
        (2**62, 1, "GiB of this machine; pass fewer neurons"),
        (3, -1, "`rng` is -1"),
    ],
)
def test_bad_input(width, rng, message):
    with pytest.raises(sh.SaddlehopError, match=message):
        sh.ActiveSets.draw(sh.Problem([1.0]), width, rng)


SIGNS = np.ones(70, dtype=np.int8)
WORDS = np.zeros((3, 2), dtype=np.uint64)
STRAY = WORDS + np.array([0, 1 << 6], dtype=np.uint64)  # of neuron 70, which is not there


@pytest.mark.parametrize(
    ("words", "signs"),
    [
        ([[0, 0]], SIGNS),
        (WORDS.astype(np.int64), SIGNS),
        (WORDS[:, :1], SIGNS),
        (WORDS[0], SIGNS),
        (np.asfortranarray(WORDS), SIGNS),
        (STRAY, SIGNS),
        (WORDS, SIGNS.astype(float)),
        (WORDS, [1] * 70),
        (WORDS, 2 * SIGNS),
    ],
)
def test_the_bare_constructor_takes_only_what_kernels_can_follow(words, signs):
    with pytest.raises(sh.SaddlehopError, match=r"`words` is .*; pass .*`ActiveSets.from_bool`"):
        sh.ActiveSets(words, signs)


def test_the_bare_constructor_takes_what_is_right():
    words = WORDS + np.array([5, 1 << 5], dtype=np.uint64)
    assert np.flatnonzero(sh.ActiveSets(words, SIGNS).to_bool()[:, 0]).tolist() == [0, 2, 69]
