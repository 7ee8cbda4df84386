"""`make demo` and `make test`: each sets up what it needs once, in any order."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/saddlehop"
fi
if [ -e "{log}.broken" ]; then case "$*" in *install*) exit 1;; esac; fi
"""
COMMANDS = {"demo": "saddlehop demo", "test": "python -m pytest -q -n 2"}

pytestmark = [
    pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="not installed with the package"),
    pytest.mark.skipif(shutil.which("make") is None, reason="no make here"),
]


@pytest.fixture
def checkout(tmp_path):
    """A folder with our Makefile and a Python that writes down what it is asked for."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / "fake-python"
    python.write_text(FAKE.format(log=tmp_path / "log"))
    python.chmod(0o755)
    return tmp_path


def make(folder, target):
    """Run a target: whether it succeeded, and the commands it ran."""
    (folder / "log").write_text("")
    command = ["make", target, f"PYTHON={folder / 'fake-python'}"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True)
    return done.returncode == 0, (folder / "log").read_text().splitlines()


def test_the_demo_needs_no_extras_and_no_tools(checkout):
    assert make(checkout, "demo") == (
        True,
        [
            "fake-python -m venv .venv",
            "python -m pip install --quiet --editable .",
            "saddlehop demo",
        ],
    )


@pytest.mark.parametrize("order", [("demo", "test"), ("test", "demo")])
def test_in_any_order_everything_is_installed_once(checkout, order):
    installed = []
    for target in order:
        ok, commands = make(checkout, target)
        assert ok
        installed += [line for line in commands if "install" in line]
        assert commands[-1] == COMMANDS[target]
    everything = "python -m pip install --quiet --editable .[all] --group dev"
    assert len(installed) == len(set(installed))
    assert installed[-1] == everything
    assert all(make(checkout, target)[1] == [last] for target, last in COMMANDS.items())


def test_what_was_cut_short_is_done_again(checkout):
    (checkout / "log.broken").touch()
    for target in COMMANDS:
        assert not make(checkout, target)[0]
    (checkout / "log.broken").unlink()
    for target, last in COMMANDS.items():
        ok, commands = make(checkout, target)
        assert (ok, commands[-1]) == (True, last)
        assert any("install" in line for line in commands)


def test_new_requirements_are_installed(checkout):
    make(checkout, "test")
    later = (checkout / ".venv" / ".ready").stat().st_mtime + 10
    os.utime(checkout / "pyproject.toml", (later, later))
    for target in COMMANDS:
        assert any("install" in line for line in make(checkout, target)[1])
