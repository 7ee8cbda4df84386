import contextlib
import dataclasses
import importlib.util
import pickle
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import saddlehop as sh
from helpers import orthonormal_rows, problems_with_starts
from results import DOCUMENT, assert_equal, resize, results, rewritten, round_trip
from saddlehop.errors import DataFileError, InputError, MissingExtraError
from saddlehop.storage import codec as _codec
from saddlehop.storage import files as storage

EARLIER = Path(__file__).parent / "earlier"


@pytest.fixture(scope="module")
def setting():
    problem = sh.Problem(
        [1.0, -0.5, 2.0, 0.0], [1.0, 2.0, 0.5, 1.0], sparse.csr_array(orthonormal_rows(4, 6, 0))
    )
    return problem, sh.Initialization.draw(problem, 70, rng=0)


@given(problems_with_starts())
@settings(max_examples=25)
def test_every_result_comes_back_equal(tmp_path_factory, drawn):
    problem, init = drawn
    folder = tmp_path_factory.mktemp("npz")
    weights = np.concatenate([init.output, init.hidden.ravel()])
    for obj in results(problem, init) if weights.any() else [problem, init]:
        assert_equal(obj, round_trip(obj, folder))


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".zarr.zip"])
def test_every_result_comes_back_equal_through_xarray(tmp_path, setting, suffix):
    pytest.importorskip("xarray")
    made = results(*setting)
    unmade = set() if importlib.util.find_spec("flint") else {"Certificate"}
    assert {type(obj).__name__ for obj in made} | unmade == set(_codec.CLASSES)
    for obj in made:
        assert_equal(obj, round_trip(obj, tmp_path, suffix))
    empty = sh.solve_jumps(sh.Problem([0.0, 0.0]), sh.Initialization([1.0], [[1.0, 2.0]]))
    assert empty.n_jumps == 0
    assert_equal(empty, round_trip(empty, tmp_path, suffix))


def test_certificates_that_contradict_or_stay_undecided_come_back_equal(tmp_path, setting):
    pytest.importorskip("flint")
    problem, init = setting
    jumps = sh.solve_jumps(problem, init)
    wrong = dataclasses.replace(jumps, times=1.01 * jumps.times)
    close = sh.Problem([2.0**110, 1.0, 2.0**110, 1 + 2.0**-52])
    sets = sh.ActiveSets.from_bool([[1, 1, 0, 0], [0, 0, 1, 1]], [1, 1])
    stuck = sh.certify(close, sets, sh.solve_jumps(close, sets), tie_tol=0, max_bits=128)
    for certificate in (sh.certify(problem, init, wrong), stuck):
        assert not certificate.is_decided
        again = round_trip(certificate, tmp_path)
        assert_equal(again, certificate)
        assert again.to_frame().equals(certificate.to_frame())
    assert again.jumps is not certificate.jumps


def test_a_certificate_whose_parts_do_not_fit_is_refused(tmp_path, setting):
    pytest.importorskip("flint")
    path = tmp_path / "a.npz"
    certificate = sh.certify(*setting, sh.solve_jumps(*setting))

    def change(**fields):
        def write(document, _):
            document["root"]["fields"].update(fields)

        return write

    for fields in (
        {"verdicts": {"tuple": ["certified"] * 9}},
        {"verdicts": {"tuple": [1] * len(certificate.verdicts)}},
        {"reasons": {"tuple": []}},
        {"rounded": {"tuple": ["no number"]}},
        {"bits": "many"},
    ):
        sh.save(path, certificate)
        rewritten(path, change(**fields))
        with pytest.raises(DataFileError, match="damaged or cut short"):
            sh.load(path)


def test_files_of_earlier_versions_load():
    problem = sh.Problem([1.0, -0.5, 2.0, 0.0], [1.0, 2.0, 0.5, 1.0])
    init = sh.Initialization.draw(problem, 5, rng=0)
    jumps = sh.solve_jumps(problem, init)
    blocks = sh.solve_jumps_blocks(sh.SampleBlocks.from_sets(problem, jumps.sets, 2))
    earlier = {path.stem: sh.load(path) for path in EARLIER.glob("*.npz")}
    assert set(earlier) == {"jumps", "blocks", "flow", "comparison"}
    assert_equal(earlier["jumps"], jumps)
    assert_equal(earlier["blocks"], blocks)
    flow = sh.simulate_flow(problem, init, init_scale=1e-3, t_end=30.0)
    losses = earlier["flow"].losses
    np.testing.assert_allclose(flow.loss_at(earlier["flow"].t), losses, rtol=1e-6)
    assert earlier["comparison"].flow.final.sq_norm == pytest.approx(flow.final.sq_norm, rel=1e-6)


def test_objects_shared_before_are_shared_after(tmp_path, setting):
    comparison = next(obj for obj in results(*setting) if isinstance(obj, sh.Comparison))
    again = round_trip(comparison, tmp_path)
    assert again.flow.problem is again.jumps.problem
    assert again.flow.problem is again.jumps.alignment.problem


def test_a_loaded_flow_is_read_in_between_like_the_one_saved(tmp_path, setting):
    problem, init = setting
    for options in ({}, {"t_end": 20.0, "rtol": 1e-6}):
        flow = sh.simulate_flow(problem, init, init_scale=1e-4, **options)
        again = round_trip(flow, tmp_path)
        assert again._trajectory is None
        np.testing.assert_array_equal(again.activation_times, flow.activation_times)
        assert_equal(again.final, flow.final)
        assert "_replay" not in vars(again)
        t = np.linspace(0, flow.t[-1], 23)
        np.testing.assert_array_equal(again.loss_at(t), flow.loss_at(t))
        np.testing.assert_array_equal(again.log_output_at(t), flow.log_output_at(t))
        assert_equal(again(t[7]), flow(t[7]))
    with pytest.raises(sh.FlowError) as caught:
        sh.simulate_flow(problem, init, init_scale=1e-4, max_steps=12)
    again = round_trip(caught.value.path, tmp_path)
    assert (again.status, again.max_steps) == ("max_steps", 12)
    assert_equal(again(again.t[9]), caught.value.path(again.t[9]))


def test_loaded_arrays_cannot_be_written(tmp_path, setting):
    jumps = round_trip(sh.solve_jumps(*setting), tmp_path)
    for array in (jumps.times, jumps.problem.y, jumps.sets.words, jumps.alignment.stalled):
        assert not array.flags.writeable


def test_what_is_saved_twice_replaces_the_first(tmp_path, setting):
    for suffix in storage.SUFFIXES:
        if suffix != ".npz":
            pytest.importorskip("xarray")
        path = tmp_path / f"a{suffix}"
        sh.save(path, setting[1])
        sh.save(str(path), setting[0])
        assert isinstance(sh.load(str(path)), sh.Problem)
    assert len(list(tmp_path.iterdir())) == 4


def test_other_tools_find_the_arrays_by_name(tmp_path, setting):
    jumps = sh.solve_jumps(*setting)
    sh.save(tmp_path / "a.npz", jumps)
    with np.load(tmp_path / "a.npz") as archive:
        np.testing.assert_array_equal(archive["times"], jumps.times)
        np.testing.assert_array_equal(archive["problem.y"], jumps.problem.y)
        np.testing.assert_array_equal(archive["alignment.initialization.hidden"], setting[1].hidden)
    xarray = pytest.importorskip("xarray")
    sh.save(tmp_path / "a.nc", jumps)
    with xarray.open_dataset(tmp_path / "a.nc") as dataset:
        assert dataset["times"].dims == ("jump",)
        assert dataset["exponents"].dims == ("saddle", "neuron")
        assert dataset["alignment.initialization.hidden"].dims == ("neuron", "sample")
        assert dataset.attrs["saddlehop"] == sh.__version__


def test_a_newer_file_is_refused(tmp_path, setting):
    path = tmp_path / "new.npz"
    sh.save(path, setting[0])
    rewritten(path, lambda d, _: d.update(format=storage.FORMAT + 1, saddlehop="9.1"))
    with pytest.raises(DataFileError, match=r"by saddlehop 9\.1 in format 2, .* update saddlehop"):
        sh.load(path)
    rewritten(path, lambda d, _: d.update(format=storage.FORMAT, kind="Oracle"))
    with pytest.raises(DataFileError, match="holds a 'Oracle', which this saddlehop"):
        sh.load(path)


@pytest.mark.parametrize("suffix", [".npz", ".nc", ".zarr.zip"])
def test_a_truncated_file_is_refused(tmp_path, setting, suffix):
    if suffix != ".npz":
        pytest.importorskip("xarray")
    path = tmp_path / f"short{suffix}"
    sh.save(path, sh.solve_jumps(*setting))
    whole = path.read_bytes()
    for part in (0.0, 0.01, 0.3, 0.7, 0.99):
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(DataFileError, match=r"damaged or cut short.*; save the result again"):
            sh.load(path)


@given(st.data())
@settings(max_examples=150)
def test_changed_bytes_never_pass_or_break(tmp_path_factory, data):
    """A byte of an NPZ file changed: refused with a sentence, or it was one that says nothing."""
    path = tmp_path_factory.mktemp("bytes") / "a.npz"
    obj = sh.solve_jumps(sh.Problem([1.0, -2.0]), sh.Initialization([1.0, -1.0], np.eye(2)))
    sh.save(path, obj)
    whole = bytearray(path.read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    with contextlib.suppress(DataFileError):
        assert_equal(sh.load(path), obj)


def test_a_zarr_folder_with_a_piece_missing_is_refused(tmp_path, setting):
    pytest.importorskip("zarr")
    path = tmp_path / "a.zarr"
    sh.save(path, sh.align(*setting).sets)
    shutil.rmtree(path / "words" / "c")  # Zarr itself reads zeros
    with pytest.raises(DataFileError, match="damaged or cut short"):
        sh.load(path)
    sh.save(path, setting[0])
    shutil.rmtree(path / "y")
    with pytest.raises(DataFileError, match="damaged or cut short"):
        sh.load(path)
    (path / "zarr.json").unlink()
    with pytest.raises(DataFileError, match="damaged or cut short"):
        sh.load(path)


class Bomb:
    def __reduce__(self):
        return (print, ("it ran",))


def test_pickled_arrays_are_refused_and_never_run(tmp_path, setting, capsys):
    path = tmp_path / "a.npz"
    for arrays in ({DOCUMENT: np.array([Bomb()])}, {"X": np.ones(2), DOCUMENT: np.array([Bomb()])}):
        np.savez(path, **arrays)
        with pytest.raises(DataFileError, match="pickled objects, which could run code"):
            sh.load(path)
    sh.save(path, setting[0])
    rewritten(path, lambda _, arrays: arrays.update(y=np.array([Bomb()])))
    with pytest.raises(DataFileError, match="pickled objects, which could run code"):
        sh.load(path)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataFileError, match=r"refused|damaged"):
        sh.load(path)
    assert capsys.readouterr().out == ""


def test_files_of_another_kind_are_refused(tmp_path, setting):
    path = tmp_path / "a.npz"
    np.savez(path, X=np.eye(2), y=np.ones(2))
    with pytest.raises(DataFileError, match="not a file of saddlehop"):
        sh.load(path)
    with open(path, "wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(DataFileError, match="not a file of saddlehop"):
        sh.load(path)
    path.write_text("x,y\n1,2\n")
    with pytest.raises(DataFileError, match=r"refused|damaged"):
        sh.load(path)
    with pytest.raises(DataFileError, match="There is no file"):
        sh.load(tmp_path / "none.npz")
    with pytest.raises(DataFileError, match=r"ends in \.npz, \.nc, \.zarr or \.zarr\.zip"):
        sh.load(tmp_path / "a.csv")
    xarray = pytest.importorskip("xarray")
    xarray.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "a.nc")
    with pytest.raises(DataFileError, match="not a file of saddlehop"):
        sh.load(tmp_path / "a.nc")
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(DataFileError, match="damaged or cut short"):
        sh.load(tmp_path / "a.zarr")


def test_names_in_a_file_lead_nowhere_outside_it(tmp_path, setting):
    """Array names with paths in them are looked up in the file alone, and nothing is unpacked."""
    path = tmp_path / "in" / "a.npz"
    path.parent.mkdir()
    np.save(tmp_path / "secret.npy", setting[0].y)
    sh.save(path, setting[0])

    def point_outside(document, arrays):
        arrays["../../escaped"] = arrays["y"]
        document["arrays"]["../secret"] = document["arrays"]["y"]
        document["root"]["fields"]["y"] = {"array": "../secret"}

    rewritten(path, point_outside)
    with pytest.raises(DataFileError, match="damaged"):
        sh.load(path)
    assert {p.name for p in tmp_path.rglob("*")} == {"in", "a.npz", "secret.npy"}
    pytest.importorskip("zarr")
    folder = tmp_path / "in" / "b.zarr"
    sh.save(tmp_path / "c.zarr", setting[0])
    sh.save(folder, setting[0])
    text = (folder / DOCUMENT / "c" / "0").exists()
    assert text
    shutil.move(folder / "y", tmp_path / "y")
    (folder / "y").mkdir()
    with pytest.raises(DataFileError, match="damaged"):
        sh.load(folder)
    zipped = tmp_path / "d.zarr.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("../escaped.json", "{}")
    with pytest.raises(DataFileError, match="damaged"):
        sh.load(zipped)
    assert not (tmp_path.parent / "escaped.json").exists()


BREAK = {
    "an index beyond the samples": lambda d, a: resize(
        d, a, "samples.values", a["samples.values"] + 100
    ),
    "a negative index": lambda d, a: resize(d, a, "samples.values", -1 - a["samples.values"]),
    "a neuron beyond the width": lambda d, a: resize(
        d, a, "neurons.values", a["neurons.values"] + 100
    ),
    "lengths that do not add up": lambda d, a: resize(
        d, a, "samples.lengths", a["samples.lengths"] + 1
    ),
    "words too few": lambda d, a: resize(d, a, "sets.words", a["sets.words"][:, :1]),
    "words of another type": lambda d, a: resize(d, a, "sets.words", a["sets.words"].view(float)),
    "signs of another size": lambda d, a: resize(d, a, "sets.signs", a["sets.signs"][:5]),
    "signs out of range": lambda d, a: resize(d, a, "sets.signs", a["sets.signs"] * np.int8(5)),
    "times too many": lambda d, a: resize(d, a, "times", np.append(a["times"], 9.0)),
    "losses too few": lambda d, a: resize(d, a, "losses", a["losses"][:-1]),
    "exponents of too few neurons": lambda d, a: resize(
        d, a, "exponents", a["exponents"][:, :3].copy()
    ),
    "another size of the start": lambda d, a: resize(
        d, a, "alignment.initialization.output", np.ones(3)
    ),
    "labels that are no numbers": lambda d, a: resize(d, a, "problem.y", a["problem.y"] * np.nan),
    "labels of integers": lambda d, a: d["root"]["fields"].update(times={"array": "unfit"}),
    "no array": lambda d, a: a.pop("times"),
    "no field": lambda d, a: d["root"]["fields"].pop("times"),
    "a field too many": lambda d, a: d["root"]["fields"].update(other=3),
    "a string for a number": lambda d, a: d["root"]["fields"].update(tie_tol="x"),
    "an unknown class": lambda d, a: d["root"].update(type="Path"),
    "another class": lambda d, a: d["root"].update(type="Network"),
    "a class in the wrong place": lambda d, a: d["root"]["fields"].update(problem=None),
    "no root": lambda d, a: d.pop("root"),
    "a kind that is not that of the root": lambda d, a: d.update(kind="Network"),
    "an unknown reference": lambda d, a: d["root"]["fields"].update(sets={"same": "nothing"}),
    "a root that is a list": lambda d, a: d.update(root=[1]),
}


@pytest.mark.parametrize("how", BREAK)
def test_a_forged_file_is_refused(tmp_path, setting, how):
    path = tmp_path / "a.npz"
    sh.save(path, sh.solve_jumps(*setting))
    rewritten(path, BREAK[how])
    with pytest.raises((DataFileError, InputError), match=r"damaged|finite"):
        sh.load(path)


def test_bad_input_gets_one_sentence(tmp_path, setting):
    with pytest.raises(InputError, match="of type dict; pass one of ActiveSets, Agreement"):
        sh.save(tmp_path / "a.npz", {})
    with pytest.raises(InputError, match=r"ends in \.npz, \.nc"):
        sh.save(tmp_path / "a.h5", setting[0])
    with pytest.raises(InputError, match="There is no folder"):
        sh.save(tmp_path / "no" / "a.npz", setting[0])
    (tmp_path / "b.npz").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        sh.save(tmp_path / "b.npz", setting[0])
    pytest.importorskip("zarr")
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "precious").write_text("keep")
    with pytest.raises(InputError, match=r"was not written by `sh\.save`"):
        sh.save(tmp_path / "mine.zarr", setting[0])
    assert (tmp_path / "mine.zarr" / "precious").read_text() == "keep"


def test_without_xarray_the_error_names_it_and_npz_works(tmp_path, setting, monkeypatch):
    jumps = sh.solve_jumps(*setting)
    install = r'needs the package {}; install it with `pip install "saddlehop\[xarray\]"`'
    for package, suffix, match in (
        ("xarray", ".nc", "Writing netCDF and Zarr files " + install.format("xarray")),
        ("xarray", ".zarr", "Writing netCDF and Zarr files " + install.format("xarray")),
        ("netCDF4", ".nc", "Writing netCDF files " + install.format("netCDF4")),
        ("zarr", ".zarr", "Writing Zarr files " + install.format("zarr")),
        ("zarr", ".zarr.zip", "Writing Zarr files " + install.format("zarr")),
    ):
        with monkeypatch.context() as hidden:
            hidden.setitem(sys.modules, package, None)
            with pytest.raises(MissingExtraError, match=match):
                sh.save(tmp_path / f"a{suffix}", jumps)
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(
        MissingExtraError, match="Making a Dataset of jumps needs the package xarray"
    ):
        jumps.to_xarray()
    (tmp_path / "b.nc").write_bytes(b"")
    with pytest.raises(MissingExtraError, match="Reading netCDF files needs the package xarray"):
        sh.load(tmp_path / "b.nc")
    assert_equal(jumps, round_trip(jumps, tmp_path))


def test_everything_else_works_with_all_extras_hidden(tmp_path):
    """A fresh interpreter in which torch, xarray, netCDF4, zarr and h5netcdf cannot be imported."""
    code = """
        import sys
        for name in ("torch", "xarray", "netCDF4", "zarr", "h5netcdf"):
            sys.modules[name] = None
        import numpy as np
        import saddlehop as sh
        from saddlehop import plot
        from saddlehop.bridges import torch as bridge
        problem = sh.make_orthogonal(5, rng=0)
        init = sh.Initialization.draw(problem, 4, rng=0)
        jumps = sh.solve_jumps(problem, init)
        flow = sh.simulate_flow(problem, init, init_scale=1e-4)
        sh.compare(flow, jumps)
        plot.loss_staircase(jumps, flow)
        sh.save("a.npz", flow)
        sh.load("a.npz")(1.0)
        sh.conventions.Convention("mean").time(10, 0.1, problem)
        calls = {
            "to_module": lambda: bridge.to_module(init, 1.0, problem),
            "to_tensors": lambda: bridge.to_tensors(problem),
            "from_module": lambda: bridge.from_module(None, np.eye(3)),
            "Recorder": lambda: bridge.Recorder(None, np.eye(3), np.ones(3)),
            "jumps": jumps.to_xarray,
            "flow": flow.to_xarray,
        }
        for name, call in calls.items():
            try:
                call()
            except sh.SaddlehopError as error:
                assert isinstance(error, ImportError), name
                print(error)
    """
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    sentences = out.stdout.splitlines()
    assert len(sentences) == 6
    for sentence, package in zip(sentences, ["torch"] * 4 + ["xarray"] * 2, strict=True):
        assert f"needs the package {package}; install it with" in sentence
        assert f'`pip install "saddlehop[{package}]"`' in sentence
