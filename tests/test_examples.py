"""The examples run at small size and show what they say they show."""

import importlib.util
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
EXAMPLES = Path(__file__).parent.parent / "examples"
pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="not installed with the package")


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Threads only wait for each other on matrices this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(name, *arguments):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([*map(str, arguments)])


def test_two_samples_reach_the_published_norm_in_three_ways(tmp_path, capsys):
    norms = run("two_samples", "--out", tmp_path / "a.png")
    for name in ("torch", "flow", "limit", "least"):
        assert norms[name] == pytest.approx(2.683282, abs=1e-6), name
    assert capsys.readouterr().out.count("2.683282") == 4
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_gradient_descent_leaves_the_flow_at_large_rates(tmp_path, capsys):
    gaps = run(
        *("gradient_descent", "--samples", 10, "--width", 6, "--scale", 1e-2),
        *("--rates", 0.02, 0.04, 40, "--out", tmp_path / "a.png"),
    )
    assert gaps[0.04] / gaps[0.02] == pytest.approx(2, rel=0.1)
    assert gaps[40] > 0.3
    assert capsys.readouterr().out.count("never") == 2
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_sgd_follows_the_staircase_of_the_digits_and_adam_does_not(tmp_path, capsys):
    comparisons = run(
        *("digits_optimizers", "--samples", 12, "--width", 8, "--scale", 1e-4),
        *("--steps", 2000, "--out", tmp_path / "a.png"),
    )
    norms = {name: one.flow.sq_norms[-1] for name, one in comparisons.items()}
    for name in ("SGD", "SGD, momentum"):
        assert norms[name] == pytest.approx(norms["flow"], rel=0.02)
    assert norms["Adam"] > 1.2 * norms["flow"]
    assert "Adam" in capsys.readouterr().out
    assert (tmp_path / "a.png").stat().st_size > 1000
