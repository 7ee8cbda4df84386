import subprocess
import sys

import saddlehop as sh

PUBLIC = {
    "ActiveSets",
    "Alignment",
    "BlockJumpPath",
    "Comparison",
    "FlowError",
    "FlowPath",
    "Initialization",
    "JumpPath",
    "MinNormInterpolator",
    "Network",
    "Prediction",
    "Problem",
    "SampleBlocks",
    "SaddlehopError",
    "__version__",
    "align",
    "asymptotic_rate",
    "compare",
    "interpolation_probability",
    "load_digits",
    "local_pl_constant",
    "make_orthogonal",
    "min_norm_interpolator",
    "orthogonalize",
    "orthogonalizing_map",
    "read_sweep",
    "required_width",
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
    """Importing numba, pandas or matplotlib would take longer than all of saddlehop."""
    code = (
        "import sys, saddlehop; "
        "print(sorted({'numba', 'pandas', 'matplotlib', 'scipy.optimize'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_errors_are_value_errors():
    assert issubclass(sh.SaddlehopError, ValueError)
