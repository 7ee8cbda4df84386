import numpy as np
import pytest

import saddlehop as sh
from results import results

xarray = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def setting():
    problem = sh.make_orthogonal(12, norms="uniform", rng=0)
    return problem, sh.Initialization.draw(problem, 7, rng=0)


def test_jumps(setting):
    problem, init = setting
    jumps = sh.solve_jumps(problem, init, tie_tol=1e-11)
    data = jumps.to_xarray()
    assert dict(data.sizes) == {
        "jump": jumps.n_jumps,
        "saddle": jumps.n_jumps + 1,
        "neuron": 7,
        "sample": 12,
    }
    np.testing.assert_array_equal(data["clock"], jumps.times)
    np.testing.assert_array_equal(data["loss"], jumps.losses)
    np.testing.assert_array_equal(data["sq_norm"], jumps.sq_norms)
    np.testing.assert_array_equal(data["exponent"].sel(saddle=1), jumps.exponents[1])
    np.testing.assert_array_equal(data["correction"], jumps.corrections)
    np.testing.assert_array_equal(data["final_hidden"], jumps.final.hidden)
    np.testing.assert_array_equal(data["init_hidden"], init.hidden)
    np.testing.assert_array_equal(data["jump"], jumps.to_frame().index)
    np.testing.assert_array_equal(data["saddle"], np.arange(jumps.n_jumps + 1))
    for jump, (group, fitted) in enumerate(zip(jumps.neurons, jumps.samples, strict=True), 1):
        assert np.flatnonzero(data["activated_at"] == jump).tolist() == list(group)
        assert np.flatnonzero(data["fitted_at"] == jump).tolist() == fitted.tolist()
    np.testing.assert_array_equal(np.flatnonzero(data["fitted_at"] == -1), jumps.unfit)
    expected = {"tie_tol": 1e-11, "kind": "JumpPath", "width": 7, "saddlehop": sh.__version__}
    assert expected.items() <= data.attrs.items()
    assert data["clock"].attrs["units"] == "t / log(1/lambda)"


def test_jumps_of_sets_alone_leave_out_what_they_do_not_know(setting):
    problem, init = setting
    data = sh.solve_jumps(problem, sh.align(problem, init).sets).to_xarray()
    assert "final_hidden" in data
    assert not {"init_hidden", "correction"} & set(data)
    tied = sh.ActiveSets.from_bool([[1, 1, 0], [0, 1, 1]], [1, 1])
    data = sh.solve_jumps(sh.Problem([1.0, 1.0, 1.0]), tied).to_xarray()
    assert "final_hidden" not in data
    assert np.isnan(data["sq_norm"].sel(saddle=1))
    assert data["sq_norm_low"].sel(saddle=1) < data["sq_norm_high"].sel(saddle=1)


def test_flows(setting):
    problem, init = setting
    flow = sh.simulate_flow(problem, init, init_scale="1e-400", rtol=1e-7, t_end=900.0)
    data = flow.to_xarray()
    assert dict(data.sizes) == {"time": flow.t.size, "neuron": 7, "sample": 12}
    np.testing.assert_array_equal(data["time"], flow.t)
    np.testing.assert_array_equal(data["clock"], flow.clock)
    np.testing.assert_array_equal(data["log_output"], flow.log_output)
    np.testing.assert_array_equal(data["activation_time"], flow.activation_times)
    np.testing.assert_array_equal(data["final_output"], flow.final.output)
    settings = {"rtol": 1e-7, "t_end": 900.0, "max_steps": 1_000_000, "status": flow.status}
    settings |= {"log_init_scale": flow.log_init_scale, "stats_steps": flow.stats["steps"]}
    assert settings.items() <= data.attrs.items()
    assert sh.simulate_flow(problem, init, init_scale=0.1).to_xarray().attrs["t_end"] == np.inf


def test_recordings(setting):
    recording = next(one for one in results(*setting) if isinstance(one, sh.Recording))
    data = recording.to_xarray()
    assert data["hidden"].dims == ("time", "neuron", "sample")
    np.testing.assert_array_equal(data["hidden"], recording.hidden)
    np.testing.assert_array_equal(data["loss"], recording.losses)


def test_datasets_can_be_written(setting, tmp_path):
    pytest.importorskip("netCDF4")
    jumps = sh.solve_jumps(*setting)
    flow = sh.simulate_flow(*setting, init_scale=1e-3)
    for name, data in (("jumps", jumps.to_xarray()), ("flow", flow.to_xarray())):
        data.to_netcdf(tmp_path / f"{name}.nc", engine="netcdf4")
        with xarray.open_dataset(tmp_path / f"{name}.nc") as again:
            xarray.testing.assert_identical(again.load(), data)
