"""What is for orthogonal rows only says what to call on data as they are."""

import copy
import pickle
from dataclasses import fields

import numpy as np
import pytest

import saddlehop as sh
from saddlehop import plot


@pytest.fixture(scope="module")
def skew():
    rng = np.random.default_rng(0)
    problem = sh.GeneralProblem(rng.normal(size=(6, 2)), rng.normal(size=6))
    init = sh.Initialization.draw(problem, 5, rng=0)
    return problem, init, sh.solve_jumps(problem, init)


@pytest.fixture(scope="module")
def flat():
    problem = sh.make_orthogonal(6, rng=0)
    init = sh.Initialization.draw(problem, 5, rng=0)
    return problem, init, sh.solve_jumps(problem, init)


def public(kind):
    return {item.name for item in fields(kind)} | {n for n in dir(kind) if not n.startswith("_")}


@pytest.mark.parametrize("name", sorted(public(sh.JumpPath) - public(sh.GeneralJumpPath)))
def test_what_a_jump_path_has_beyond_says_what_to_do(skew, name):
    with pytest.raises(
        sh.SaddlehopError, match=f"has no `{name}`, which is for orthogonal rows only; "
    ):
        getattr(skew[2], name)
    assert not hasattr(skew[2], name)


def test_other_names_are_not_there_either(skew):
    with pytest.raises(AttributeError, match="A GeneralJumpPath has no `predicts`"):
        _ = skew[2].predicts
    for again in (copy.deepcopy(skew[2]), pickle.loads(pickle.dumps(skew[2]))):
        np.testing.assert_array_equal(again.times, skew[2].times)


def test_functions_of_orthogonal_limits_say_what_to_call(skew, flat):
    jumps = skew[2]
    with pytest.raises(
        sh.SaddlehopError, match=r"`jumps` is a GeneralJumpPath .* `plot.jump_figure"
    ):
        plot.assignment_map(jumps)
    with pytest.raises(
        sh.SaddlehopError, match=r"`jumps` is a GeneralJumpPath .* `sh.second_opinion"
    ):
        sh.certify(flat[0], flat[1], jumps)
    flow, general = (sh.simulate_flow(*start[:2], init_scale=1e-4) for start in (flat, skew))
    with pytest.raises(
        sh.SaddlehopError, match=r"`jumps` is a GeneralJumpPath .* `plot.loss_stair"
    ):
        plot.pl_constant(flow, jumps=jumps)
    with pytest.raises(sh.SaddlehopError, match="`flows` is of type GeneralJumpPath"):
        plot.pl_constant(jumps)
    with pytest.raises(sh.SaddlehopError, match=r"is a GeneralProblem .* `plot.loss_staircase`"):
        plot.pl_constant(general)
    with pytest.raises(sh.SaddlehopError, match="`frame` is of type GeneralJumpPath"):
        plot.norm_law(jumps)
