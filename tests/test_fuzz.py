import shlex

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import fuzz
import saddlehop as sh
import trials
from saddlehop.model.tables import read_samples
from saddlehop.sweeps import Spec


def assert_no_failure(counts):
    """Failures are outcomes with a word in capitals after the colon."""
    failures = [
        name
        for name in counts
        if ": " in name and any(w.isupper() and len(w) > 2 for w in name.split(": ")[1].split())
    ]
    assert not failures, counts


def test_damaged_files_are_read_or_refused():
    counts = trials.run("damaged files", 400)
    assert sum(counts.values()) == 400
    assert_no_failure(counts)


def test_hostile_problems_are_right_or_refused():
    counts = trials.run("hostile problems", 150)
    assert counts["outcome: right"] > 75
    assert_no_failure(counts)


def test_public_functions_are_right_or_refuse():
    counts = trials.run("public functions", 60)
    assert sum(count for name, count in counts.items() if name.endswith(": right")) > 400
    assert_no_failure(counts)


def test_pickles_are_never_opened(tmp_path):
    path = tmp_path / "pickled.npz"
    path.write_bytes(fuzz.SEEDS["pickled NPZ"][1](np.random.default_rng(0)))
    with pytest.raises(sh.SaddlehopError, match="not a readable NPZ file of plain arrays"):
        read_samples(path)
    assert not fuzz.Tripwire.sprung


def test_two_columns_of_one_name_are_refused(tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text("a,y,y\n1,2,3\n")
    with pytest.raises(sh.SaddlehopError, match="names more than one column 'y'"):
        read_samples(path)


P = sh.Problem([1.0, 2.0, -1.0])
INIT = sh.Initialization.draw(P, 4, rng=0)


def _wide_rows(n_features):
    return sparse.csr_array(([1.0, 1.0], ([0, 1], [0, 1])), shape=(2, n_features))


WIDE = sh.Problem([1.0, 1.0], [1e-10, 1e10])
WRONG = {
    "`orth_tol` is 'a'": lambda: sh.Problem.from_data(np.eye(3), [1, 2, 3], orth_tol="a"),
    "`tie_tol` is 'a'": lambda: sh.solve_jumps(P, INIT, tie_tol="a"),
    "`problem` is of type str": lambda: sh.solve_jumps("a", INIT),
    "`init` is of type str": lambda: sh.simulate_flow(P, "a", init_scale=1e-8),
    "`probability` is 'a'": lambda: sh.required_width(1, 1, "a"),
    "`problem` is of type NoneType": lambda: sh.align(None, None),
    "`init` is of type NoneType": lambda: sh.align(P, None),
    "`signs` has shape": lambda: sh.ActiveSets.from_bool([[1, 0]], 1),
    "`active` has rows of different": lambda: sh.ActiveSets.from_bool([[1], [1, 0]], [1, 1]),
    "`flow` is of type": lambda: sh.compare(None, None),
    "Input norms from 1e-10 to 1e\\+10 make the flow too stiff": lambda: sh.simulate_flow(
        WIDE, sh.Initialization([1.0], [[1.0, 1.0]]), init_scale=1e-8
    ),
    "Input norms from 1e-10 to 1e\\+10 differ too much": lambda: (
        sh.solve_jumps(WIDE, sh.Initialization([1.0], [[1.0, 1.0]])).corrections
    ),
    "have squares beyond floating-point numbers": lambda: (
        sh.solve_jumps(sh.Problem([1e-200]), sh.Initialization([1.0], [[1.0]])).corrections
    ),
    "outputs of the network leave the range": lambda: sh.Network([1e200], [[1e200]]).loss(
        sh.Problem([1.0])
    ),
    "rates of this network leave the range": lambda: sh.asymptotic_rate(
        sh.Problem([1.0]), sh.Network([1e200], [[1e-100]])
    ),
    "Decomposing `X` of shape .* would take": lambda: sh.orthogonalize(_wide_rows(10**11)),
    "The map of 1000000 × 1000000 numbers would take": lambda: sh.orthogonalizing_map(
        _wide_rows(10**6)
    ),
    "`network` is of type": lambda: sh.asymptotic_rate(P, None),
    "`clock` is 'a'": lambda: sh.solve_jumps(P, INIT)("a"),
    "`width` is 1000000000, whose": lambda: sh.interpolation_probability(1, 1, 10**9),
    "A problem of 1000000000000000 samples would": lambda: sh.make_orthogonal(10**15),
    "`width` is 1000000000000: .* weights would take": lambda: sh.Initialization.draw(P, 10**12),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_wrong_arguments_are_named(sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        WRONG[sentence]()


GOOD_SPEC = (
    'compute = "flow"\nn_samples = [3, 5]\nwidth = 4\nlabels = "sign"\nnorms = ["unit"]\n'
    'law = "balanced"\ninit_scale = ["1e-4", 1e-1000]\nrepeats = 2\nseed = 1\nrtol = 1e-6\n'
)


@given(st.data())
@settings(max_examples=300)
def test_damaged_specs_are_read_or_refused(tmp_path_factory, data):
    text = GOOD_SPEC
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 6))
        text = text[:at] + data.draw(st.text(max_size=6)) + text[at + length :]
    file = tmp_path_factory.mktemp("spec") / "spec.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    refusal = ""
    try:
        assert Spec.read(file).n_trials >= 1
    except sh.SaddlehopError as err:
        refusal = str(err)
    assert not refusal or (refusal.endswith(".") and "\n" not in refusal)


KNOWN = shlex.split(
    "jumps flow compare check report sweep digits none.csv --width 0 --seed -1 --init-scale 1e-8 nan "
    "--json --target --law odd --rtol 5 --csv --plot / .. --out --scheduler --certify --help"
)
WORDS = st.one_of(st.sampled_from(["", *KNOWN]), st.text(max_size=8))


@given(st.lists(WORDS, max_size=6))
@settings(max_examples=200)
def test_any_words_on_the_command_line_end_in_order(tmp_path_factory, words):
    from typer.testing import CliRunner

    from saddlehop.cli import app

    if {"demo", "claims", "explore"} & set(words) or words[:2] == ["report", "digits"]:
        return  # long runs, which are tested elsewhere
    folder = tmp_path_factory.mktemp("cli")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner().invoke(app, words)
    error = result.exception
    assert error is None or isinstance(error, (SystemExit, sh.SaddlehopError, OSError)), words
    assert not list(folder.iterdir())
