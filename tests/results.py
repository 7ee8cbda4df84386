"""One of every kind of result, and what it is to be equal to another."""

import dataclasses
import importlib.util
import json

import numpy as np
import scipy.sparse as sparse

import saddlehop as sh
from saddlehop.bridges.recording import Recording
from saddlehop.storage import codec as _codec
from saddlehop.storage import files as storage

DOCUMENT = "saddlehop_document"


def assert_equal(one, other, name="result"):
    """Assert that two results are equal in class and in every number, to the last bit."""
    if isinstance(one, np.generic):
        one = one.item()
    assert type(one) is type(other), name
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            if field.name not in _codec.LEFT_OUT:
                path = f"{name}.{field.name}"
                assert_equal(getattr(one, field.name), getattr(other, field.name), path)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, name
        np.testing.assert_array_equal(one, other, err_msg=name)
    elif sparse.issparse(one):
        assert_equal(one.toarray(), other.toarray(), name)
    elif isinstance(one, (tuple, list)):
        assert len(one) == len(other), name
        for i, pair in enumerate(zip(one, other, strict=True)):
            assert_equal(*pair, f"{name}[{i}]")
    elif isinstance(one, float) and np.isnan(one):
        assert np.isnan(other), name
    else:
        assert one == other, name


def round_trip(obj, folder, suffix=".npz"):
    sh.save(folder / f"one{suffix}", obj)
    return sh.load(folder / f"one{suffix}")


def results(problem, init, scale=1e-3):
    """One of every kind of result."""
    jumps = sh.solve_jumps(problem, init)
    made = [problem, init, jumps, jumps.alignment, jumps.sets, init.network]
    made += [sh.solve_jumps(problem, jumps.sets), sh.min_norm_interpolator(problem)]
    made.append(sh.solve_jumps_blocks(sh.SampleBlocks.from_sets(problem, jumps.sets, 2)))
    flow = sh.simulate_flow(problem, init, init_scale=scale, t_end=30.0)
    recording = Recording(
        problem,
        np.log(scale),
        np.array([0, 1, 5]),
        np.array([0.0, 0.1, 0.5]),
        np.array([init.output, 2 * init.output, 3 * init.output]),
        np.array([init.hidden, 2 * init.hidden, 3 * init.hidden]),
        1e-9,
    )
    made += [flow, sh.compare(flow, jumps), recording, jumps.predict(scale)]
    made += general_results(problem.y)
    opinion = sh.second_opinion(problem, init, jumps, scales=[])
    made += [opinion, opinion.agreements[0]]
    if importlib.util.find_spec("flint"):
        made.append(sh.certify(problem, init, jumps))
    return [*made, jumps.saddle_facts(0), jumps.check_saddle(0)]


def general_results(y, scale=1e-3):
    """One of every kind of result on data as they are, with a bias."""
    rng = np.random.default_rng(y.size)
    problem = sh.GeneralProblem(rng.standard_normal((y.size, 2)), y, bias=True)
    init = sh.Initialization.draw(problem, 3, rng=1)
    flow = sh.simulate_flow(problem, init, init_scale=scale, t_end=30.0, rtol=1e-6)
    jumps = sh.solve_jumps(problem, init)
    opinion = sh.second_opinion(problem, init, jumps, scales=[])
    made = [problem, sh.align(problem, init), flow, jumps, opinion, opinion.end]
    return [*made, sh.extremal_vectors(problem, starts=init)]


def rewritten(path, change):
    """The file with its document changed."""
    with np.load(path) as archive:
        arrays = dict(archive)
    document = json.loads(bytes(arrays[DOCUMENT]))
    change(document, arrays)
    arrays[DOCUMENT] = np.frombuffer(json.dumps(document).encode(), np.uint8)
    np.savez(path, **arrays)
    return path


def resize(document, arrays, name, array):
    """Put another array into a file, with a checksum that fits."""
    arrays[name] = array
    document["arrays"][name] = storage._fingerprint(array)
