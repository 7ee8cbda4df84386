"""General problems, starts and recordings on them, in files and as Datasets."""

import json
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sparse

import saddlehop as sh
from results import DOCUMENT, assert_equal, resize, rewritten, round_trip
from saddlehop.errors import DataFileError, InputError
from saddlehop.storage import files as storage


def rows(n, d, rank):
    rng = np.random.default_rng([n, d])
    return rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))


PROBLEMS = {
    "full rank": (rows(9, 3, 3), False),
    "bias": (rows(9, 3, 3), True),
    "low rank, bias": (rows(6, 8, 2), True),
    "sparse": (sparse.random_array((6, 9), density=0.4, rng=0), False),
    "sparse, bias": (sparse.random_array((6, 9), density=0.4, rng=0), True),
    "one sample": ([[2.0]], True),
}


@pytest.fixture(params=PROBLEMS)
def problem(request):
    X, bias = PROBLEMS[request.param]
    n = X.shape[0] if sparse.issparse(X) else len(X)
    return sh.GeneralProblem(X, np.random.default_rng(0).standard_normal(n), bias)


def recorded(problem, width=4):
    """A recording with numbers in every field."""
    rng = np.random.default_rng(0)
    return sh.Recording(
        problem,
        -3.0,
        np.array([0, 1, 5]),
        np.array([0.0, 0.1, 0.5]),
        rng.standard_normal((3, width)),
        rng.standard_normal((3, width, problem.rank)),
        1e-9,
        rng.uniform(0, 1, width),
        rng.integers(0, 9, (width, problem.n_samples)),
        np.array([0.23] * (width - 1) + [np.nan]),
        12,
    )


@pytest.mark.parametrize("suffix", [".npz", ".nc", ".zarr", ".zarr.zip"])
def test_what_is_of_a_general_problem_comes_back_equal(tmp_path, problem, suffix):
    if suffix != ".npz":
        pytest.importorskip("xarray")
    init = sh.Initialization.draw(problem, 4, rng=0)
    for obj in (problem, init, init.network, recorded(problem)):
        assert_equal(obj, round_trip(obj, tmp_path, suffix))
    again = round_trip(problem, tmp_path, suffix)
    assert "basis" in vars(again)
    for name in ("basis", "coordinates"):
        np.testing.assert_array_equal(getattr(again, name), getattr(problem, name))
    assert sparse.issparse(again.X) == sparse.issparse(problem.X)
    assert again.n_features == problem.n_features


def test_a_loaded_recording_reads_like_the_one_saved(tmp_path, problem):
    recording = recorded(problem)
    again = round_trip(recording, tmp_path)
    np.testing.assert_array_equal(again.losses, recording.losses)
    np.testing.assert_array_equal(again.imbalance, recording.imbalance)
    assert_equal(again.departure(), recording.departure())
    assert_equal(again(0.2), recording(0.2))


def test_the_basis_in_the_file_is_the_one_that_counts(tmp_path):
    """Another machine may find another basis of the same span; weights saved stay what they are."""
    problem = sh.GeneralProblem(rows(6, 8, 2), np.ones(6))
    network = sh.Network([1.0], [[0.3, -0.4]])
    turned = sh.GeneralProblem(problem.X, problem.y)
    vars(turned)["basis"] = problem.basis[::-1].copy()
    outputs = network.outputs(turned)
    assert np.abs(outputs - network.outputs(problem)).max() > 0.1
    np.testing.assert_array_equal(network.outputs(round_trip(turned, tmp_path)), outputs)


def test_recordings_of_older_files_know_nothing_of_walls(tmp_path):
    problem = sh.Problem([1.0, 2.0])
    recording = sh.Recording(
        problem,
        -3.0,
        np.array([0, 1]),
        np.array([0.0, 0.1]),
        np.ones((2, 3)),
        np.ones((2, 3, 2)),
        1e-9,
    )
    sh.save(tmp_path / "a.npz", recording)

    def without_what_is_new(document, arrays):
        for name in ("off_span", "zigzags", "zigzag_since", "bursts"):
            document["root"]["fields"].pop(name)
            document["arrays"].pop(name, None)
            arrays.pop(name, None)

    again = sh.load(rewritten(tmp_path / "a.npz", without_what_is_new))
    assert_equal(again, recording)
    assert again.bursts == 0


def test_jumps_of_older_files_do_not_know_who_is_sensitive(tmp_path):
    problem, init = solved()
    jumps = sh.solve_jumps(problem, init)
    assert jumps.sensitive.tolist() == [False] * 8
    sh.save(tmp_path / "a.npz", jumps)

    def without_what_is_new(document, arrays):
        document["root"]["fields"].pop("sensitive")
        document["arrays"].pop("sensitive")
        arrays.pop("sensitive")

    again = sh.load(rewritten(tmp_path / "a.npz", without_what_is_new))
    assert again.sensitive is None
    assert_equal(again.hidden, jumps.hidden)
    assert "sensitive" in jumps.to_xarray()
    assert "sensitive" not in again.to_xarray()


def test_dims_by_name(tmp_path):
    xarray = pytest.importorskip("xarray")
    problem = sh.GeneralProblem(rows(6, 8, 2), np.ones(6), bias=True)
    sh.save(tmp_path / "a.nc", recorded(problem))
    with xarray.open_dataset(tmp_path / "a.nc") as data:
        assert data["hidden"].dims == ("time", "neuron", "coordinate")
        assert data["zigzags"].dims == ("neuron", "sample")
        assert data["problem.X"].dims == ("sample", "feature")
        assert data["problem.basis"].dims == ("coordinate", "feature")
    orthogonal = sh.make_orthogonal(5, rng=0)
    init = sh.Initialization.draw(orthogonal, 4, rng=0)
    for obj, dim in (
        (sh.align(orthogonal, init), "initialization.hidden"),
        (sh.min_norm_interpolator(orthogonal), "network.hidden"),
    ):
        sh.save(tmp_path / "b.nc", obj)
        with xarray.open_dataset(tmp_path / "b.nc") as data:
            assert data[dim].dims == ("neuron", "sample")
    sh.save(tmp_path / "c.nc", init)
    with xarray.open_dataset(tmp_path / "c.nc") as data:
        assert data["hidden"].dims == ("neuron", "coordinate")


@pytest.mark.parametrize("bias", [False, True])
def test_as_datasets(tmp_path, bias):
    xarray = pytest.importorskip("xarray")
    problem = sh.GeneralProblem(rows(6, 8, 2), np.ones(6), bias)
    recording = recorded(problem)
    data = recording.to_xarray()
    assert dict(data.sizes) == {"time": 3, "neuron": 4, "coordinate": problem.rank, "sample": 6}
    assert data["hidden"].dims == ("time", "neuron", "coordinate")
    for name in ("hidden", "imbalance", "off_span"):
        np.testing.assert_array_equal(data[name], getattr(recording, name))
    np.testing.assert_array_equal(data["zigzag"], recording.zigzags)
    np.testing.assert_array_equal(data["loss"], recording.losses)
    np.testing.assert_allclose(data["norm"], np.linalg.norm(problem.X, axis=1), rtol=1e-15)
    expected = {"n_features": problem.n_features, "n_samples": 6, "bursts": 12}
    assert expected.items() <= data.attrs.items()
    pytest.importorskip("netCDF4")
    data.to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    with xarray.open_dataset(tmp_path / "a.nc") as again:
        xarray.testing.assert_identical(again.load(), data)


def test_jumps_alignments_and_directions_as_datasets(tmp_path):
    xarray = pytest.importorskip("xarray")
    problem, init = solved()
    jumps, aligned = sh.solve_jumps(problem, init), sh.align(problem, init)
    found = sh.extremal_vectors(problem, starts=init)
    data = jumps.to_xarray()
    sizes = {"jump": jumps.n_jumps, "saddle": jumps.n_jumps + 1, "neuron": 8}
    assert dict(data.sizes) == sizes | {"sample": 5, "coordinate": 2}
    for name, values in {
        "clock": jumps.times,
        "loss": jumps.losses,
        "state": jumps.states,
        "active": jumps.active,
        "residual": jumps.residuals,
        "hidden": jumps.hidden,
        "final_output": jumps.final.output,
        "correction": jumps.corrections,
        "jump": jumps.to_frame().index,
    }.items():
        np.testing.assert_array_equal(data[name], values)
    last = {j: number for number, group in enumerate(jumps.neurons, 1) for j in group}
    assert data["activated_at"].to_numpy().tolist() == [last.get(j, -1) for j in range(8)]
    expected = {"status": jumps.status, "kind": "GeneralJumpPath", "n_features": 2, "width": 8}
    assert expected.items() <= data.attrs.items()
    of_alignment, of_directions = aligned.to_xarray(), found.to_xarray()
    np.testing.assert_array_equal(of_alignment["state"], aligned.states)
    np.testing.assert_array_equal(of_alignment["direction"], aligned.directions)
    np.testing.assert_array_equal(of_directions["vector"], found.directions)
    np.testing.assert_array_equal(of_directions["share"], found.shares)
    assert of_directions.attrs["is_complete"] == 1
    pytest.importorskip("netCDF4")
    for one in (data, of_alignment, of_directions):
        one.to_netcdf(tmp_path / "a.nc", engine="netcdf4")
        with xarray.open_dataset(tmp_path / "a.nc") as again:
            xarray.testing.assert_equal(again.load(), one)


BREAK = {
    "weights in fewer coordinates": lambda d, a: resize(
        d, a, "hidden", a["hidden"][:, :, :1].copy()
    ),
    "weights of fewer neurons": lambda d, a: resize(d, a, "hidden", a["hidden"][:, :2].copy()),
    "norms of fewer neurons": lambda d, a: resize(d, a, "off_span", a["off_span"][:2]),
    "zig-zags of fewer samples": lambda d, a: resize(d, a, "zigzags", a["zigzags"][:, :2].copy()),
    "a basis of another space": lambda d, a: resize(
        d, a, "problem.basis", a["problem.basis"][:, :2].copy()
    ),
    "labels of fewer samples": lambda d, a: resize(d, a, "problem.y", a["problem.y"][:3]),
    "a bias that is a word": lambda d, a: d["root"]["fields"]["problem"]["fields"].update(
        bias="yes"
    ),
    "no inputs": lambda d, a: d["root"]["fields"]["problem"]["fields"].pop("X"),
    "no bias": lambda d, a: d["root"]["fields"]["problem"]["fields"].pop("bias"),
    "a network for a problem": lambda d, a: d["root"]["fields"]["problem"].update(type="Network"),
}


@pytest.mark.parametrize("how", BREAK)
def test_a_forged_file_is_refused(tmp_path, how):
    problem = sh.GeneralProblem(rows(6, 8, 2), np.ones(6), bias=True)
    sh.save(tmp_path / "a.npz", recorded(problem))
    with np.load(tmp_path / "a.npz") as archive:
        assert json.loads(bytes(archive[DOCUMENT]))["format"] == storage.FORMAT
    with pytest.raises((DataFileError, InputError), match="damaged"):
        sh.load(rewritten(tmp_path / "a.npz", BREAK[how]))


def test_they_print_in_a_few_lines():
    problem = sh.GeneralProblem(rows(400, 30, 20), np.ones(400), bias=True)
    recording = recorded(problem, 50)
    shown = {
        problem: "GeneralProblem(X=<float64 (400, 31)>, y=<float64 (400,)>, bias=True)",
        recording: "hidden=<float64 (3, 50, 21)>",
        recording.departure(): "Departure(t=0.1, sign_flips=<float64 (50,)>",
    }
    for result, part in shown.items():
        assert part in repr(result)
        assert len(repr(result)) < 600
        assert repr(result).startswith(type(result).__name__ + "(")


def test_files_are_read_without_torch_and_xarray(tmp_path):
    problem = sh.GeneralProblem(rows(6, 8, 2), np.ones(6), bias=True)
    sh.save(tmp_path / "a.npz", recorded(problem))
    code = (
        "import sys\n"
        "for name in ('torch', 'xarray', 'netCDF4', 'zarr'): sys.modules[name] = None\n"
        "import saddlehop as sh; print(sh.load('a.npz').departure())"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert out.stdout.strip() == str(recorded(problem).departure())


def solved():
    """Data on which neurons slide, and a start."""
    problem = sh.load_setting("five-slide").problem
    return problem, sh.Initialization.draw(problem, 8, rng=1)


@pytest.mark.parametrize("suffix", [".npz", ".nc", ".zarr"])
def test_flows_jumps_and_directions_come_back_equal(tmp_path, suffix):
    if suffix != ".npz":
        pytest.importorskip("xarray")
    problem, init = solved()
    jumps = sh.solve_jumps(problem, init)
    assert len(set(jumps.states.ravel())) > 2
    nothing = sh.GeneralProblem([[1.0], [2.0]], [0.0, 0.0])
    none = sh.solve_jumps(nothing, sh.Initialization([1.0], [[1.0]]))
    assert none.n_jumps == 0
    flow = sh.simulate_flow(problem, init, init_scale="1e-400", rtol=1e-6)
    found = sh.extremal_vectors(problem, starts=init)
    comparison = sh.compare(flow, jumps)
    for obj in (jumps, none, sh.align(problem, init), flow, found, comparison):
        assert_equal(obj, round_trip(obj, tmp_path, suffix))
    again = round_trip(comparison, tmp_path, suffix)
    assert again.flow.problem is again.jumps.problem
    again = round_trip(jumps, tmp_path, suffix)
    assert again.message == jumps.message
    assert_equal(again.final, jumps.final)


def test_a_loaded_flow_takes_its_steps_again_when_read_in_between(tmp_path):
    problem, init = solved()
    for options in ({}, {"t_end": 150.0}):
        flow = sh.simulate_flow(problem, init, init_scale=1e-4, rtol=1e-5, **options)
        again = round_trip(flow, tmp_path)
        np.testing.assert_array_equal(again.activation_times, flow.activation_times)
        assert_equal(again.final, flow.final)
        assert again._trajectory is None
        assert "_replay" not in vars(again)
        t = np.linspace(0, flow.t[-1], 11)
        np.testing.assert_array_equal(again.loss_at(t), flow.loss_at(t))
        np.testing.assert_array_equal(again.log_output_at(t), flow.log_output_at(t))
        np.testing.assert_array_equal(again.active_at(t[5]), flow.active_at(t[5]))
        assert_equal(again(t[7]), flow(t[7]))
    with pytest.raises(sh.FlowError) as caught:
        sh.simulate_flow(problem, init, init_scale=1e-4, max_steps=20)
    again = round_trip(caught.value.path, tmp_path)
    assert (again.status, again.max_steps) == ("max_steps", 20)
    assert_equal(again(again.t[9]), caught.value.path(again.t[9]))


def fields_of(document):
    return document["root"]["fields"]


FORGE = {
    "a group for no jump": lambda d, a: resize(d, a, "neurons.lengths", a["neurons.lengths"][:-1]),
    "a neuron that is not there": lambda d, a: resize(
        d, a, "neurons.values", a["neurons.values"] + 100
    ),
    "states that are numbers": lambda d, a: fields_of(d).update(states={"array": "active"}),
    "states without words": lambda d, a: fields_of(d)["states"].update(words=["dead"]),
    "words that are numbers": lambda d, a: fields_of(d)["states"].update(words=[1] * 9),
    "a word before the first": lambda d, a: resize(d, a, "states", a["states"] - 1),
    "weights of fewer neurons": lambda d, a: resize(d, a, "outputs", a["outputs"][:, :2].copy()),
    "sides of fewer samples": lambda d, a: resize(d, a, "active", a["active"][:, :, :2].copy()),
    "signs that are whole numbers": lambda d, a: resize(d, a, "signs", a["signs"].astype(np.int64)),
    "a start of other coordinates": lambda d, a: resize(
        d, a, "initialization.hidden", a["initialization.hidden"][:, :1].copy()
    ),
}


@pytest.mark.parametrize("how", FORGE)
def test_forged_jumps_are_refused(tmp_path, how):
    sh.save(tmp_path / "a.npz", sh.solve_jumps(*solved()))
    with pytest.raises(DataFileError, match="damaged"):
        sh.load(rewritten(tmp_path / "a.npz", FORGE[how]))
