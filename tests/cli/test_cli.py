import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import typer

import saddlehop as sh
from saddlehop import cli


def solve(path, width, seed):
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    problem = sh.Problem.from_data(table[:, :-1], table[:, -1])
    return sh.solve_jumps(problem, sh.Initialization.draw(problem, width, rng=seed))


def test_jumps_prints_a_table_of_the_path(run, data):
    code, out, err = run("jumps", data, "--width", 20, "--seed", 3)
    path = solve(data, 20, 3)
    assert (code, err) == (0, "")
    for time in path.times:
        assert f"{time:.5g}" in out
    assert f"{path.sq_norms[-1]:.6g}" in out
    assert "Chance that a random start of 20 neurons fits all labels" in out


def test_names_are_printed_as_they_are(run, data):
    other = data.rename(data.with_name("run[red]1.csv"))
    _, out, _ = run("jumps", other)
    assert "Jumps of run[red]1.csv" in out


def test_json_is_one_document_with_the_same_numbers(run, data):
    code, out, err = run("jumps", data, "--width", 20, "--seed", 3, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    path = solve(data, 20, 3)
    assert [jump["clock"] for jump in document["jumps"]] == path.times.tolist()
    assert [jump["samples"] for jump in document["jumps"]] == [s.tolist() for s in path.samples]
    assert document["jumps"][-1]["sq_norm"] == path.sq_norms[-1]
    assert document["initial_loss"] == path.losses[0]
    assert document["interpolates"] == path.interpolates


def test_json_has_null_where_a_number_is_not_finite(run, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("x,y\n1.5,1\n")
    _, out, _ = run("jumps", path, "--width", 1, "--seed", 0, "--json")
    document = json.loads(out, parse_constant=lambda name: pytest.fail(name))
    assert [jump["margin"] for jump in document["jumps"]] in ([], [None])


def test_picture_and_csv_are_written(run, data, tmp_path):
    for suffix in ("png", "pdf", "svg"):
        run("jumps", data, "--plot", tmp_path / f"a.{suffix}", "--csv", tmp_path / "a.csv")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    rows = (tmp_path / "a.csv").read_text().splitlines()
    assert len(rows) == 1 + solve(data, 40, 0).n_jumps
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.csv",
        "a.pdf",
        "a.png",
        "a.svg",
        "data.csv",
    ]


def test_orthogonalize_says_what_it_changed(run, tmp_path):
    path = tmp_path / "raw.csv"
    X, y = sh.load_digits(orthogonal=False)
    np.savetxt(path, np.column_stack([X, y]), delimiter=",")
    code, out, err = run(
        "jumps", path, "--target", "-1", "--orthogonalize", "--json", "--width", 24
    )
    assert code == 0
    assert "mean cosine with the given rows" in err
    problem = sh.Problem.from_data(*sh.load_digits())
    expected = sh.solve_jumps(problem, sh.Initialization.draw(problem, 24, rng=0))
    np.testing.assert_allclose(
        [jump["clock"] for jump in json.loads(out)["jumps"]], expected.times, rtol=1e-9
    )


def test_flow_and_its_json(run, data):
    arguments = ["flow", data, "--width", 12, "--init-scale", "1e-1000", "--rtol", 1e-6]
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert "λ = 1e-1000" in out
    assert "Nothing is left to learn" in out
    code, out, err = run(*arguments, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    path = solve(data, 12, 0)
    first = document["activation_times"][path.neurons[0][0]]
    assert document["log_init_scale"] == pytest.approx(-1000 * np.log(10), rel=1e-15)
    assert first / (1000 * np.log(10)) == pytest.approx(path.times[0], rel=0.02)


def test_flow_until_a_time(run, data, tmp_path):
    csv, plot = tmp_path / "flow.csv", tmp_path / "flow.png"
    arguments = ["--init-scale", "0.01", "--t-end", 5, "--csv", csv, "--plot", plot, "--json"]
    code, out, _ = run("flow", data, *arguments)
    assert code == 0
    assert json.loads(out)["t"][-1] == 5
    assert csv.read_text().startswith("t,clock,loss,sq_norm\n")
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_compare_several_scales(run, data, tmp_path):
    csv, plot = tmp_path / "c.csv", tmp_path / "c.png"
    arguments = ["compare", data, "--width", 12, "--init-scale", "1e-8, 1e-100"]
    code, out, err = run(*arguments, "--csv", csv, "--plot", plot)
    assert (code, err) == (0, "")
    for name in ("1e-8", "1e-100"):
        assert name in out
        assert name in csv.read_text()
    assert plot.exists()
    code, out, _ = run(*arguments, "--json")
    first, second = json.loads(out)["comparisons"]
    assert abs(second["norm_gap"]) < abs(first["norm_gap"])


def test_demo(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("demo")
    assert (code, err) == (0, "")
    assert "least possible for an interpolator" in out
    assert "saddlehop-demo/jumps.png" in out
    assert sorted(os.listdir("saddlehop-demo")) == ["jumps.csv", "jumps.png"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gone.csv"], "There is no file 'gone.csv'"),
        (["{data}", "--target", "label"], "no target column 'label'"),
        (["{data}", "--width", "0"], "`width` is 0"),
        (["{data}", "--law", "xavier"], "`law` is 'xavier'"),
        (["{data}", "--seed", "-1"], "`--seed` is -1"),
        (["{data}", "--plot", "a.gif"], "`--plot` is 'a.gif'"),
        (
            ["{data}", "--plot", "a.png", "--csv", "no/folder/a.csv"],
            "There is no folder 'no/folder'",
        ),
    ],
)
def test_bad_input_is_one_sentence_on_stderr_and_leaves_nothing(
    run, data, tmp_path, monkeypatch, arguments, sentence
):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("jumps", *[a.format(data=data) for a in arguments])
    assert code == 2
    assert out == ""
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert sentence in err
    assert os.listdir(tmp_path) == ["data.csv"]


@pytest.mark.parametrize(
    ("command", "scale", "sentence"),
    [
        ("flow", "0", "`init_scale` is '0'; pass a positive finite number"),
        ("flow", "tiny", "`init_scale` is 'tiny'"),
        ("flow", "1e-99999999", "it must lie between"),
        ("compare", "1e-8,,1e-9", "`init_scale` is ''"),
        ("compare", "1e-8,2", "pass scales below 1"),
    ],
)
def test_bad_scales_are_one_sentence(run, data, command, scale, sentence):
    code, out, err = run(command, data, "--width", 3, "--init-scale", scale)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_the_data_file_is_never_overwritten_and_links_are_followed(run, data, tmp_path):
    before = data.read_bytes()
    code, _, err = run("jumps", data, "--csv", data)
    assert code == 2
    assert "is the data file itself" in err
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    assert run("jumps", data, "--csv", link)[0] == 0
    assert link.is_symlink()
    assert target.read_text().startswith("jump,")
    assert data.read_bytes() == before


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no null device here")
def test_devices_are_written_and_stay(run, data):
    assert run("jumps", data, "--csv", "/dev/null")[0] == 0
    assert not os.path.isfile("/dev/null")


def test_version_and_help(run):
    assert run("--version") == (0, f"{sh.__version__}\n", "")
    code, out, _ = run("--help")
    assert code == 0
    for command in ("demo", "jumps", "flow", "compare"):
        assert command in out
    assert run("-h") == run("--help")
    assert run("jumps", "-h") == run("jumps", "--help")


def test_python_m_saddlehop_is_the_same_command():
    out = subprocess.run(
        [sys.executable, "-m", "saddlehop", "--version"], capture_output=True, text=True, check=True
    )
    assert out.stdout == f"{sh.__version__}\n"


def test_files_in_a_data_folder_are_not_overwritten(run, tmp_path):
    pytest.importorskip("pyarrow")
    folder = tmp_path / "samples"
    folder.mkdir()
    pd.DataFrame({"y": [1.0, -2, 3]}).to_parquet(folder / "a.parquet")
    before = (folder / "a.parquet").read_bytes()
    code, _, err = run("jumps", folder, "--csv", folder / "a.parquet")
    assert (code, (folder / "a.parquet").read_bytes()) == (2, before)
    assert "'a.parquet' lies in the data folder; pass another file to write." in err


def test_laws_are_checked_for_samples_too(run, tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"y": [1.0, -2, 3]}).to_parquet(tmp_path / "a.parquet")
    code, _, err = run("jumps", tmp_path / "a.parquet", "--law", "foo")
    assert code == 2
    assert "`law` is 'foo'; pass one of" in err


def test_a_sweep_in_which_every_trial_fails_is_an_error(run, tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "broken.py").write_text(
        "def fail(problem, init, rng):\n    raise ValueError('no')\n"
    )
    spec = tmp_path / "spec.toml"
    spec.write_text('compute = "broken:fail"\nn_samples = 3\nwidth = 2\nrepeats = 2\n')
    code, _, err = run("sweep", spec, "--out", tmp_path / "out", "--workers", 1)
    assert code == 2
    assert "No trial succeeded; mend that, and run it again with `--retry-failed`" in err


COMMANDS = {
    "jumps": (),
    "flow": ("--init-scale", "1e-4", "--rtol", "1e-4"),
    "compare": ("--init-scale", "1e-4", "--rtol", "1e-4"),
    "check": ("--init-scale", ""),
    "report": ("--init-scale", "", "-o", "{folder}/a.html"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_shipped_data_by_name(run, tmp_path, command):
    if command == "report":
        pytest.importorskip("plotly")
    options = [option.format(folder=tmp_path) for option in COMMANDS[command]]
    code, out, err = run(command, "digits", "--width", 6, *options)
    assert (code, err) == (0, "")
    page = (tmp_path / "a.html").read_text() if command == "report" else out
    assert "48 handwritten digits, 6 neurons, balanced start, seed 0" in " ".join(page.split())
    code, out, _ = run(command, "--help")
    assert (code, "shipped data: digits" in re.sub(r"[\s│]+", " ", out)) == (0, True)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["digit"], "no shipped data of that name; pass a CSV, Parquet or NPZ file, or one of"),
        (["digits", "--target", "z"], "`--target` is 'z' but 'digits' ships with its labels"),
        ([""], "`DATA` is ''; pass a path."),
    ],
)
def test_data_that_are_not_there_are_one_sentence(
    run, tmp_path, monkeypatch, command, arguments, sentence
):
    pytest.importorskip("plotly")
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.chdir(tmp_path)  # of which "" would be the name
    parquet.write_table(pytest.importorskip("pyarrow").table({"y": [1.0, -2.0]}), "a.parquet")
    options = [option.format(folder=tmp_path) for option in COMMANDS[command]]
    code, out, err = run(command, *arguments, *options)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_norm_that_ties_leave_open_is_given_as_bounds(run, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    labels = np.where(np.arange(60) % 2, 1.0, -1.0)
    table = pytest.importorskip("pyarrow").table({"y": labels})
    parquet.write_table(table, tmp_path / "signs.parquet")
    code, out, _ = run("jumps", tmp_path / "signs.parquet", "--width", 30, "--seed", 1)
    problem = sh.Problem(labels)
    jumps = sh.solve_jumps(problem, sh.ActiveSets.draw(problem, 30, rng=1))
    low, high = jumps.sq_norm_bounds[-1]
    assert (code, np.isnan(jumps.sq_norms[-1])) == (0, True)
    assert f"Squared norm reached: {low:.6g}…{high:.6g}; least" in out
    assert "it lies between the two numbers given" in out
    assert "nan" not in out
    _, out, _ = run("jumps", tmp_path / "signs.parquet", "--width", 30, "--seed", 1, "--json")
    last = json.loads(out)["jumps"][-1]
    assert (last["sq_norm"], last["sq_norm_bounds"]) == (None, [low, high])
    assert last["jump"] == jumps.n_jumps


def named_commands():
    return [command.name for command in cli.app.registered_commands]


def test_help_lists_every_command_with_what_it_does(run):
    _, out, _ = run("--help")
    for name in named_commands():
        assert re.search(rf"│ {name} +\w+", out), name


@pytest.mark.parametrize("name", named_commands())
def test_help_of_every_command_explains_every_option_and_does_nothing(tmp_path, name):
    command = [sys.executable, "-m", "saddlehop", name, "--help"]
    wide = os.environ | {"COLUMNS": "250"}
    done = subprocess.run(command, cwd=tmp_path, env=wide, capture_output=True, text=True)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (0, "", [])
    for parameter in typer.main.get_command(cli.app).commands[name].params:
        assert re.match(r"[A-Z].*\.$", parameter.help), parameter.name
        shown = " ".join(done.stdout.replace("│", " ").split())
        assert parameter.help.removesuffix(".") in shown


@pytest.fixture
def skew(tmp_path):
    """A CSV of 8 samples in 3 dimensions, as they are."""
    rng = np.random.default_rng(3)
    path = tmp_path / "skew.csv"
    table = pd.DataFrame(rng.standard_normal((8, 3)), columns=list("abc"))
    table.assign(y=rng.standard_normal(8)).to_csv(path, index=False)
    return path


def solve_as_they_are(path, width, seed, bias=False):
    table = pd.read_csv(path)
    problem = sh.GeneralProblem(table[["a", "b", "c"]], table["y"], bias=bias)
    return problem, sh.Initialization.draw(problem, width, rng=seed)


@pytest.mark.parametrize("bias", [False, True])
def test_rows_are_taken_as_they_are(run, skew, tmp_path, bias):
    words = [skew, "--width", 6, "--seed", 1, *["--bias"] * bias]
    jumps = sh.solve_jumps(*solve_as_they_are(skew, 6, 1, bias))
    code, out, err = run("jumps", *words, "--plot", tmp_path / "j.png", "--csv", tmp_path / "j.csv")
    assert (code, err) == (0, "")
    assert f"as they are (rank {3 + bias})" in out
    assert jumps.message in out.replace("\n", " ")
    for time in jumps.times:
        assert f"{time:.5g}" in out
    assert (tmp_path / "j.png").stat().st_size > 10_000
    assert pd.read_csv(tmp_path / "j.csv")["clock"].tolist() == pytest.approx(jumps.times)
    code, out, _ = run("jumps", *words, "--json")
    document = json.loads(out)
    assert (code, document["orthogonal"], document["status"]) == (0, False, jumps.status)
    assert [jump["clock"] for jump in document["jumps"]] == jumps.times.tolist()
    assert document["residuals"] == jumps.residuals[-1].tolist()


def test_flow_of_rows_as_they_are(run, skew):
    problem, init = solve_as_they_are(skew, 6, 1)
    words = ["--init-scale", "1e-3", "--width", 6, "--seed", 1, "--rtol", 1e-4, "--t-end", 20]
    flow = sh.simulate_flow(problem, init, init_scale=1e-3, rtol=1e-4, t_end=20)
    code, out, _ = run("flow", skew, *words)
    assert code == 0
    assert f"{flow.stats['crossings']} crossings of walls" in out
    code, out, _ = run("flow", skew, *words, "--json")
    assert json.loads(out)["losses"] == flow.losses.tolist()


def test_compare_of_rows_as_they_are(run, tmp_path):
    problem = sh.load_setting("three-points").problem
    init = sh.Initialization.draw(problem, 6, rng=1)
    words = ["three-points", "--width", 6, "--seed", 1, "--rtol", 1e-4]
    words += ["--init-scale", "1e-8,1e-40"]
    jumps = sh.solve_jumps(problem, init)
    flows = [sh.simulate_flow(problem, init, init_scale=s, rtol=1e-4) for s in ("1e-8", "1e-40")]
    found = [sh.compare(flow, jumps) for flow in flows]
    code, out, _ = run("compare", *words, "--plot", tmp_path / "c.png", "--csv", tmp_path / "c.csv")
    assert code == 0
    assert "as they are (rank 2)" in out
    assert jumps.message in out.replace("\n", " ")
    for one in found:
        assert f"{one.norm_gap:.3g}" in out
        assert f"{np.nanmax(np.abs(one.activation_errors)):.3g}" in out
    assert (tmp_path / "c.png").stat().st_size > 10_000
    table = pd.read_csv(tmp_path / "c.csv")
    assert len(table) == 2 * np.isfinite(found[0].limit_clock).sum()
    code, out, _ = run("compare", *words, "--json")
    document = json.loads(out)
    assert (code, document["orthogonal"], document["status"]) == (0, False, jumps.status)
    for one, record in zip(found, document["comparisons"], strict=True):
        assert record["distance"] == one.distance.tolist()
        assert record["resolved"] == one.resolved.tolist()
        assert record["norm_gap"] == one.norm_gap


def test_orthogonal_rows_go_to_the_orthogonal_modules(run, data):
    document = json.loads(run("jumps", data, "--json")[1])
    assert document["orthogonal"]
    assert "samples" in document["jumps"][0]


@pytest.mark.parametrize("words", [["jumps", "--certify"]])
def test_what_needs_orthogonal_rows_says_so(run, skew, words):
    code, out, err = run(words[0], skew, *words[1:])
    assert (code, out) == (2, "")
    assert "are not orthogonal, and" in err
    assert "--orthogonalize" in err


def test_settings_of_the_literature_by_name(run):
    code, out, _ = run("jumps", "three-points", "--width", 10, "--json")
    assert code == 0
    assert json.loads(out)["jumps"][-1]["loss"] == pytest.approx(0.0875213675)
