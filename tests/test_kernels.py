"""The kernels as a whole: what their door refuses, how they are built, the same bits from every build."""

import hashlib
import os
import pickle
import shlex
import shutil
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import saddlehop as sh
from saddlehop._support import native
from saddlehop.limit import heteroclinic
from saddlehop.limit.kernels import batch
from saddlehop.limit.kernels import jumps as kernel

BUILDER = native._builder()
LEVELS = list(BUILDER.this_machine().levels) if BUILDER else []
needs_a_checkout = pytest.mark.skipif(BUILDER is None, reason="only a checkout builds")
needs_a_compiler = pytest.mark.skipif(
    BUILDER is None or BUILDER.compiler() is None, reason="no compiler here"
)


@pytest.mark.parametrize(
    ("array", "shape", "what"),
    [
        (np.zeros(3, dtype=np.float32), (3,), "an array of float32, shape .3,."),
        (np.zeros(3, dtype=">f8"), (3,), "an array of >f8"),
        (np.zeros(3), (4,), r"shape \(3,\), .* of float64, shape \(4,\)"),
        (np.zeros((2, 3)), (3, 2), r"shape \(2, 3\), .* shape \(3, 2\)"),
        (np.zeros((2, 3)), (6,), r"shape \(2, 3\), .* shape \(6,\)"),
        (np.zeros((4, 2))[:, 0], (4,), r"strides \(16,\); pass a contiguous one"),
        (np.zeros((2, 3)).T, (3, 2), r"strides \(8, 24\); pass a contiguous one"),
        (np.zeros(6)[::-1], (), r"strides \(-8,\); pass a contiguous one of float64\.$"),
    ],
)
def test_a_kernel_refuses_arrays_that_it_would_misread(array, shape, what):
    with pytest.raises(TypeError, match=what):
        native.address(array, np.float64, *shape)


def test_a_kernel_is_given_the_place_of_the_entries():
    for array in (np.arange(5.0), np.arange(12.0).reshape(3, 4)[1:], np.empty(0)):
        assert native.address(array, np.float64, *array.shape) == array.ctypes.data


def carried(value):
    """Out of a pickle whose buffers lie at odd addresses, as those that Dask brings may do."""
    buffers = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(pickled, buffers=[_oddly_laid(buffer.raw()) for buffer in buffers])


def _oddly_laid(raw):
    room = bytearray(len(raw) + 8)
    start = 1 + -np.frombuffer(room, dtype=np.uint8).ctypes.data % 8
    view = memoryview(room)[start : start + len(raw)]
    view[:] = raw
    return view.toreadonly()


def test_a_kernel_refuses_odd_addresses():
    with pytest.raises(TypeError, match="A kernel got an unaligned array of float64"):
        native.address(carried(np.zeros(3)), np.float64, 3)


def test_what_arrives_at_odd_addresses_is_put_right():
    problem = sh.make_orthogonal(20, rng=0)
    init = sh.Initialization.draw(problem, 5, rng=0)
    jumps, flow = sh.solve_jumps(problem, init), sh.simulate_flow(problem, init, init_scale=1e-8)
    there = sh.solve_jumps(carried(problem), carried(init))
    assert not carried(problem).y.flags.writeable
    for path in (carried(jumps), there, sh.solve_jumps(problem, carried(jumps.sets))):
        assert np.array_equal(path.times, jumps.times)
    assert np.array_equal(carried(jumps).corrections, jumps.corrections)
    assert carried(flow)(flow.t[-1] / 2).sq_norm == flow(flow.t[-1] / 2).sq_norm


def test_a_door_refuses_before_the_kernel_runs():
    y, words = np.ones(3), np.zeros((3, 1), dtype=np.uint64)
    with pytest.raises(TypeError, match=r"an array of float64, shape \(2,\)"):
        kernel.scale_of(y, np.ones(2), np.arange(3, dtype=np.uint32))
    with pytest.raises(
        TypeError, match=r"an array of int64, shape .*pass a contiguous one of uint64"
    ):
        kernel.open_samples(words.astype(np.int64), y, y, words, words)


def test_an_unknown_level_is_named():
    with pytest.raises(
        sh.SaddlehopError, match=r"no kernels of level 'sse9' here but of .*baseline"
    ):
        native._path("sse9")


@pytest.fixture
def checkout(tmp_path):
    """As much of a checkout as loads a library, with one C file; a kernel answers 1."""
    package = tmp_path / "src" / "saddlehop"
    support = package / "_support"
    support.mkdir(parents=True)
    for folder in (package, support):
        (folder / "__init__.py").touch()
    for name in ("errors.py", "_support/native.py", "_support/levels.c", "_support/api.h"):
        shutil.copy(native._PACKAGE / name, package / name)
    shutil.copy(native._PACKAGE.parents[1] / "build_kernels.py", tmp_path)
    with (support / "levels.c").open("a") as file:
        file.write("API int64_t answer(void);\nint64_t answer(void) { return 1; }\n")
    return tmp_path


ASK = """
import sys
from ctypes import c_int64
if "blind" in sys.argv:
    sys.modules["ziglang"] = None
from saddlehop._support.native import Kernel
try:
    print(Kernel("answer", c_int64)())
except ValueError as error:
    print(type(error).__name__, error)
"""


def asking(checkout, *how, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", ASK, *how],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout / "src"), **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(asked):
    out, _ = asked.communicate(timeout=120)
    return out.strip()


def edit(checkout):
    source = checkout / "src" / "saddlehop" / "_support" / "levels.c"
    source.write_text(source.read_text().replace("return 1", "return 2"))


def libraries(checkout):
    return sorted((checkout / "src" / "saddlehop" / "_support" / "libraries").iterdir())


@needs_a_compiler
def test_the_next_run_after_an_edit_is_of_the_new_code(checkout):
    assert answer(asking(checkout)) == "1"
    before = libraries(checkout)
    assert answer(asking(checkout)) == "1"
    assert libraries(checkout) == before
    edit(checkout)
    assert answer(asking(checkout)) == "2"
    assert len(libraries(checkout)) == len(LEVELS)
    assert not set(libraries(checkout)) & set(before)


@needs_a_compiler
def test_without_a_compiler_a_run_never_takes_a_stale_library(checkout):
    assert answer(asking(checkout)) == "1"
    edit(checkout)
    said = answer(asking(checkout, "blind", PATH="", CC=""))
    assert said.startswith("SaddlehopError The kernels need a C compiler and none was found: run ")
    assert "`make kernels`" in said
    assert "\n" not in said


SLOW = """
import subprocess, sys, time
out = sys.argv.index("-o") + 1
path, sys.argv[out] = sys.argv[out], "whole"
subprocess.run(sys.argv[1:], check=True)
whole = open("whole", "rb").read()
with open(path, "wb") as file:
    file.write(whole[:1000])
    file.flush()
    time.sleep(0.8)
    file.write(whole[1000:])
"""


@needs_a_compiler
def test_runs_that_build_at_once_all_get_a_whole_library(checkout):
    """The compiler dawdles while it writes; more runs come when the first has begun to."""
    (checkout / "slow.py").write_text(SLOW)
    slow = shlex.join([sys.executable, str(checkout / "slow.py"), *BUILDER.compiler()])
    asked = []
    for _ in range(4):
        asked.append(asking(checkout, CC=slow))
        time.sleep(0.3)
    assert [answer(one) for one in asked] == ["1"] * 4
    assert len(libraries(checkout)) == len(LEVELS)  # and nothing that they built it in


@needs_a_compiler
def test_an_error_of_the_compiler_is_shown(checkout):
    with (checkout / "src" / "saddlehop" / "_support" / "levels.c").open("a") as file:
        file.write("#error nothing can be made of this\n")
    assert "nothing can be made of this" in answer(asking(checkout))
    assert libraries(checkout) == []


def bits():
    """A hash of the bits of alignment, jumps, orbits and flows of some problems, degenerate ones too.

    And of trials of sweeps.
    """
    digest = hashlib.sha256()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        n, width = int(rng.integers(1, 40)), int(rng.integers(1, 80))
        levels, spread = [-2.0, -1.0, 0.0, 0.5, 1.0], 10.0 ** rng.uniform(-3, 3, n)
        y = rng.choice(levels, n) if seed % 2 else rng.standard_normal(n) * spread
        problem = sh.Problem(y, rng.uniform(0.5, 2, n))
        law = ["balanced", "gaussian"][seed // 2 % 2]
        init = sh.Initialization.draw(problem, width, law, rng=rng)
        for array in (
            *_limit(problem, init),
            *_flows(problem, init),
            *_orbit(rng),
            *_orbit(rng, n_neurons=1),
            *_orbit(rng, n_neurons=1, n_classes=50),
            *_general(seed),
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
    for labels in batch.LABELS:
        for array in _trials(labels):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _trials(labels):
    drawn = batch.draw_trials(50, 80, labels, "uniform", 3, np.arange(20))
    found = batch.run_trials(drawn, 1e-12)
    yield from (drawn.seeds, drawn.y, drawn.norms, drawn.keys, drawn.signs, *found)


def _limit(problem, init):
    jumps = sh.solve_jumps(problem, init)
    aligned = jumps.alignment
    yield from (aligned.sets.words, aligned.signs, aligned.log_growth, jumps.sq_norms)
    yield from (jumps.times, jumps.exponents, jumps.margins, jumps.escape_rates, jumps.losses)


def _flows(problem, init):
    for scale in ("0.5", "1e-8", "1e-1000"):
        try:
            flow = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-6, max_steps=300)
        except sh.FlowError as error:
            flow = error.path
        yield from (flow.t, flow.losses, flow.sq_norms, flow.log_output, flow.final.hidden)


def _general(seed):
    """Of data as they are: a start on walls, slides, decays, plateaus and implicit steps."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 14)), int(rng.integers(1, 4))
    grid = np.array([-2.0, -1.0, 0.0, 1.0])
    X = rng.choice(grid, (n, d)) if seed % 2 else rng.standard_normal((n, d))
    X[0] += 3
    problem = sh.GeneralProblem(X, rng.standard_normal(n), bias=seed % 3 == 0)
    init = sh.Initialization.draw(problem, 6, ["balanced", "gaussian"][seed // 2 % 2], rng=rng)
    aligned = sh.align(problem, init)
    yield from (aligned.directions, aligned.rates, aligned.active, aligned.log_growth)
    for scale in ("0.5", "1e-8", "1e-1000"):
        try:
            flow = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-6, max_steps=300)
        except sh.FlowError as error:
            flow = error.path
        yield from (flow.t, flow.losses, flow.sq_norms, flow.log_output, flow.chosen)


def _orbit(rng, n_neurons=3, n_classes=7):
    pulls = rng.uniform(0.5, 2, n_classes)
    masses = rng.uniform(0.5, 2, (n_neurons + 2, n_classes))
    rates = np.sqrt(masses @ pulls**2)
    head_starts = rng.uniform(-1, 1, n_neurons)
    group = heteroclinic.Group(rates[:n_neurons], head_starts, pulls, masses[:n_neurons])
    felt = masses[n_neurons:] / 2
    rests = rates[n_neurons:] * [0.2, 1.5]
    riders = heteroclinic.Passengers(np.sqrt(felt @ pulls**2 + rests**2), rests, felt)
    orbit = heteroclinic.solve_orbit(group, riders)
    tau = orbit.half_times[0] + np.linspace(-5, 5, 9)
    return orbit.output, orbit.weights, orbit.shifts, orbit.curve.fractions(tau)


def bits_elsewhere(folder=None, **environment):
    path = [str(folder)] if folder else []
    path += [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    out = subprocess.run(
        [sys.executable, "-c", "import test_kernels; print(test_kernels.bits())"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return out.stdout.strip()


@pytest.mark.skipif(not native._loaded("baseline").has_avx2(), reason="one level here")
def test_all_levels_give_the_same_bits():
    found = {level: bits_elsewhere(SADDLEHOP_LEVEL=level) for level in ("baseline", "avx2")}
    assert found["baseline"] == found["avx2"]


@needs_a_checkout
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is the other compiler")
def test_another_compiler_gives_the_same_bits(tmp_path):
    """And at the level at which gcc 12.2 once miscompiled a loop over limbs."""
    ignored = shutil.ignore_patterns("libraries", "__pycache__")
    shutil.copytree(native._PACKAGE, tmp_path / "src" / "saddlehop", ignore=ignored)
    shutil.copy(native._PACKAGE.parents[1] / "build_kernels.py", tmp_path)
    level = native.level() if native.level() in LEVELS else "baseline"
    subprocess.run(
        [sys.executable, "build_kernels.py", level],
        cwd=tmp_path,
        env={**os.environ, "CC": "gcc"},
        capture_output=True,
        check=True,
    )
    assert bits_elsewhere(tmp_path / "src", SADDLEHOP_LEVEL=level) == bits()


@pytest.mark.parametrize(
    ("n_samples", "decades"), [(1, 6), (7, 18), (63, 18), (2000, 6), (5000, 6)]
)
def test_weights_are_added_to_every_neuron_in_every_limb(n_samples, decades):
    """Against integers of Python, three limbs and all neurons of two words.

    A loop that walked over limbs and neurons at once was miscompiled by gcc 12.2, in some of them only.
    """
    rng = np.random.default_rng(n_samples)
    words = rng.integers(0, 2**64, (n_samples, 2), dtype=np.uint64)
    y = rng.standard_normal(n_samples) * 10.0 ** rng.uniform(-decades, 0, n_samples)
    norms = np.ones(n_samples)
    every = np.arange(n_samples, dtype=np.uint32)
    n_bits, scale = kernel.limb_bits(n_samples), kernel.scale_of(y, norms, every)
    sums = np.zeros((3, 128), dtype=np.int64)
    of_sign = rng.integers(0, 2**64, (2, 2), dtype=np.uint64)
    kernel.weigh_sides(words, y, norms, (every[:0], every), of_sign, scale, n_bits, sums)
    limbs = np.array([_limbs(Fraction(p) / Fraction(2) ** scale, n_bits) for p in y.tolist()])
    active = np.array(
        [[int(w) >> j & 1 for w in row for j in range(64)] for row in words & of_sign[1]]
    )
    assert n_samples == 1 or limbs[:, 2].any()
    assert sums.tolist() == (limbs.astype(object).T @ active.astype(object)).tolist()
    again, of_both = np.zeros_like(sums), of_sign[[1, 1]]
    sides = every[::2], every[1::2][::-1]
    kernel.weigh_sides(words, y, norms, sides, of_both, scale, n_bits, again)
    assert np.array_equal(again, sums)


@pytest.mark.parametrize("n_negative", [0, 1, 300, 9000, 20000])
def test_both_sides_are_weighed_as_one_after_the_other(n_negative):
    rng = np.random.default_rng(n_negative)
    n = 20000
    block = rng.integers(0, 2**64, (n, 2), dtype=np.uint64), rng.standard_normal(n), None
    of_sign = rng.integers(0, 2**64, (2, 2), dtype=np.uint64)
    shuffled = rng.permutation(n).astype(np.uint32)[: n_negative + 7000]
    sides = np.sort(shuffled[:n_negative]), np.sort(shuffled[n_negative:])
    together, apart = np.zeros((2, 3, 128), dtype=np.int64)
    kernel.weigh_sides(*block, sides, of_sign, 3, kernel.limb_bits(n), together)
    for alone in ((sides[0], sides[1][:0]), (sides[0][:0], sides[1])):
        kernel.weigh_sides(*block, alone, of_sign, 3, kernel.limb_bits(n), apart)
    assert together.any()
    assert np.array_equal(together, apart)


def _limbs(p, bits):
    square, limbs = Fraction(float(p) * float(p)), []
    for _ in range(3):
        square *= 2**bits
        limbs.append(int(square))
        square -= limbs[-1]
    return limbs
