import json

import numpy as np
import pytest
from hypothesis import given, settings

import saddlehop as sh
import trials
from helpers import problems_with_starts


@pytest.fixture(scope="module")
def solved():
    problem = sh.make_orthogonal(12, norms="uniform", rng=4)
    init = sh.Initialization.draw(problem, 10, rng=4)
    return problem, init, sh.solve_jumps(problem, init)


def test_everything_agrees(solved):
    problem, init, jumps = solved
    opinion = sh.second_opinion(problem, init, jumps, scales=["1e-100", "1e-1000"])
    frame = opinion.to_frame()
    assert opinion.agrees, frame
    assert {"walk in time", "all rates afresh", "first differences", "second differences"} < set(
        frame.method
    )
    assert (frame.method == "flow at λ = 1e-1000").any()


@pytest.mark.parametrize("name", trials.FAULTS)
def test_planted_faults_are_found_without_the_certificate(solved, name):
    problem, init, jumps = solved
    opinion = sh.second_opinion(problem, init, trials.FAULTS[name](jumps), scales=[])
    others = [one for one in opinion.agreements if one.method != "ball arithmetic"]
    if name == "a wrong rate":  # by 1e-8, which differences of the loss cannot see
        pytest.importorskip("flint")
        assert not opinion.agrees
    else:
        assert not all(one.agrees for one in others)


def test_differences_of_the_loss_see_a_wrong_rate(solved):
    problem, init, jumps = solved
    wrong = trials.replace(jumps, escape_rates=jumps.escape_rates * 1.001)
    rows = sh.second_opinion(problem, init, wrong, scales=[]).to_frame()
    assert not rows.loc[rows.method == "second differences", "agrees"].all()


@settings(max_examples=40)
@given(problems_with_starts())
def test_agrees_on_degenerate_problems(case):
    problem, init = case
    opinion = sh.second_opinion(problem, init, scales=[])
    assert opinion.agrees, opinion.to_frame()


def test_arguments_are_checked(solved):
    problem, init, _ = solved
    with pytest.raises(sh.SaddlehopError, match="`init` is of type NoneType"):
        sh.second_opinion(problem, None)
    with pytest.raises(sh.SaddlehopError, match="`scales` holds a scale of at least 1"):
        sh.second_opinion(problem, init, scales=[1e-8, 2])


def test_command_prints_agreements(run, data):
    code, out, err = run("check", data, "--width", 20, "--init-scale", "")
    assert (code, err) == (0, "")
    assert "Everything agrees." in out
    code, out, _ = run("check", data, "--width", 20, "--init-scale", "", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["agrees"] is True
    assert np.all([row["agrees"] for row in document["agreements"]])


def test_jumps_command_certifies(run, data):
    pytest.importorskip("flint")
    code, out, err = run("jumps", data, "--width", 20, "--certify")
    assert (code, err) == (0, "")
    assert "certified" in out
    _, out, _ = run("jumps", data, "--width", 20, "--certify", "--json")
    document = json.loads(out)
    assert set(document["certificate"]["verdicts"]) == {"certified"}
    for jump, (low, high) in zip(document["jumps"], document["certificate"]["clocks"], strict=True):
        assert jump["clock"] == pytest.approx(low, rel=1e-12) == pytest.approx(high, rel=1e-12)
