"""Every public function on problems at the edges of floats, searched and shrunk by Hypothesis."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import hostile
import public_calls
import saddlehop as sh

EDGES = [5e-324, 2.0**-1022, 1.6e-154, 1e-150, 1.0, 1 + 2.0**-52, 2.0, 1e150, 1e154, 1e307]
SIZES = st.one_of(st.sampled_from(EDGES), st.floats(1e-150, 1e150), st.floats(0.5, 2))
LABELS = st.one_of(st.just(0.0), SIZES, SIZES.map(lambda size: -size))


@st.composite
def matrices(draw, rows, columns, entries):
    """Rows of drawn entries, some rows copies of the first."""
    first = draw(st.lists(entries, min_size=columns, max_size=columns))
    other = st.one_of(st.just(first), st.lists(entries, min_size=columns, max_size=columns))
    return np.array([first, *(draw(other) for _ in range(rows - 1))])


@st.composite
def problems(draw):
    n = draw(st.integers(1, 5))
    labels = draw(st.one_of(matrices(1, n, LABELS), LABELS.map(lambda y: np.full((1, n), y))))
    norms = draw(st.one_of(st.none(), matrices(1, n, SIZES).map(lambda rows: rows[0])))
    return sh.Problem(labels[0], norms)


@st.composite
def starts(draw, problem):
    m = draw(st.integers(1, 5))
    scale = draw(st.sampled_from([1.0, 1e-140, 1e140, 5e-324]))
    weights = draw(matrices(m, problem.n_samples + 1, st.floats(-2, 2, width=16)))
    return sh.Initialization(weights[:, 0] * scale, weights[:, 1:] * scale)


@pytest.mark.parametrize("call", public_calls.CALLS, ids=lambda call: call.__name__)
@settings(max_examples=60)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_answers_hold_together_or_refuse(call, data, seed):
    try:
        problem = data.draw(problems())
        init = data.draw(starts(problem))
    except sh.SaddlehopError as err:
        refusal = err
    else:
        refusal = public_calls.refusal(call, problem, init, seed)
    event("answers" if refusal is None else "refuses")
    assert refusal is None or public_calls.is_one_sentence(refusal)


@settings(max_examples=60)
@given(data=st.data())
def test_every_form_of_the_same_numbers_gives_the_same_jumps(data):
    values = data.draw(matrices(1, 4, st.integers(0, 3).map(float)))[0]
    weights = data.draw(matrices(3, 5, st.integers(-2, 2).map(float)))
    output, hidden = weights[:, 0], weights[:, 1:]
    for arrays in zip(*(data.draw(forms(a)) for a in (values, output, hidden)), strict=False):
        copies = [np.array(array) for array in arrays]
        try:
            expected = sh.solve_jumps(sh.Problem(values), sh.Initialization(output, hidden))
        except sh.SaddlehopError as err:
            with pytest.raises(type(err)):
                sh.solve_jumps(sh.Problem(arrays[0]), sh.Initialization(*arrays[1:]))
            continue
        jumps = sh.solve_jumps(sh.Problem(arrays[0]), sh.Initialization(*arrays[1:]))
        assert jumps.neurons == expected.neurons
        assert np.array_equal(jumps.times, expected.times)
        assert all(map(np.array_equal, arrays, copies))


def forms(values):
    """The same numbers in other forms, in any order."""
    return st.permutations([form for _, form in hostile.layouts(values)])
