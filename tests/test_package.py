import subprocess
import sys

import saddlehop as sh

PUBLIC = {
    "ActiveSets",
    "Alignment",
    "BlockJumpPath",
    "Certificate",
    "Comparison",
    "ExtremalVectors",
    "FlowError",
    "GeneralAlignment",
    "GeneralFlowPath",
    "GeneralJumpPath",
    "GeneralProblem",
    "FlowPath",
    "Initialization",
    "JumpPath",
    "MinNormInterpolator",
    "Network",
    "Prediction",
    "Problem",
    "SampleBlocks",
    "Recording",
    "SaddlehopError",
    "SecondOpinion",
    "Setting",
    "__version__",
    "align",
    "asymptotic_rate",
    "certify",
    "compare",
    "conventions",
    "extremal_vectors",
    "interpolation_probability",
    "load",
    "load_digits",
    "load_setting",
    "local_pl_constant",
    "make_orthogonal",
    "min_norm_interpolator",
    "orthogonalize",
    "orthogonalizing_map",
    "read_sweep",
    "required_width",
    "save",
    "second_opinion",
    "simulate_flow",
    "solve_jumps",
    "solve_jumps_blocks",
    "sweep",
}


def test_public_names_are_frozen():
    assert set(sh.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(sh, name) is not None


def test_import_loads_nothing_heavy():
    """Importing pandas, matplotlib or scipy would take longer than all of saddlehop."""
    code = (
        "import sys, saddlehop; print(sorted({'pandas', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_errors_are_value_errors():
    assert issubclass(sh.SaddlehopError, ValueError)


def test_results_print_in_a_few_lines():
    problem = sh.make_orthogonal(2000, rng=0)
    init = sh.Initialization.draw(problem, 40, rng=0)
    jumps = sh.solve_jumps(problem, init)
    blocks = sh.SampleBlocks.draw(2000, 40, rng=0, block_size=50)
    results = [problem, init, jumps, jumps.alignment, jumps.sets, jumps.final]
    results += [jumps.saddle_facts(1), jumps.predict("1e-100"), sh.min_norm_interpolator(problem)]
    results += [blocks, sh.solve_jumps_blocks(blocks)]
    for result in results:
        assert len(repr(result)) < 600
        assert repr(result).startswith(type(result).__name__ + "(")
    assert "times=<float64 (" in repr(jumps)
    assert "log_init_scale=-230.2" in repr(jumps.predict("1e-100"))
