"""The README, walked by one who only copies: every block, one after the other, in an empty folder."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# ([\w.]+)")  # the first line of a block that is a file
RUN_ELSEWHERE = ("make ", "pip ", "saddlehop explore", "saddlehop claims")


@pytest.fixture(scope="module")
def text():
    if not README.exists():
        pytest.skip("the README is not installed with the package")
    return README.read_text()


class Walker:
    """Copies block after block into files, a shell and one Python session."""

    def __init__(self, folder):
        self.folder, self.names, self.printed, self.commands = folder, {}, "", []

    def copy(self, language, block):
        name = FILE.match(block)
        if name:
            (self.folder / name[1]).write_text(block)
        elif language == "csv":
            (self.folder / "points.csv").write_text(block)
        elif language == "text":
            assert self.printed == block
        else:
            {"python": self.python, "console": self.console}[language](block)

    def python(self, block):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block, self.names)
        self.printed = printed.getvalue()

    def console(self, block):
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        for line in block.splitlines():
            self.commands.append(line)
            if not line.startswith(RUN_ELSEWHERE):
                done = subprocess.run(
                    line,
                    shell=True,
                    cwd=self.folder,
                    env=os.environ | {"PATH": path},
                    capture_output=True,
                    text=True,
                )
                assert done.returncode == 0, (line, done.stderr)
                assert done.stdout, line


def test_every_block_does_what_it_says(text, tmp_path, monkeypatch):
    for package in ("torch", "plotly", "pyarrow"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    walker = Walker(tmp_path)
    blocks = BLOCK.findall(text)
    for language, block in blocks:
        walker.copy(language, block)
    assert len(blocks) == text.count("\n```") / 2
    assert sum(language == "text" for language, _ in blocks) == 5
    written = {path.name for path in tmp_path.iterdir()}
    wanted = {"saddlehop-demo", "jumps.png", "compare.png", "my-sweep", "first-jumps"}
    assert wanted | {"points.png", "trained.png", "digits.html"} <= written
    assert any(line.startswith("saddlehop report") for line in walker.commands)


def test_five_lines_after_the_imports_take_a_table_to_a_picture(text):
    block = next(block for language, block in BLOCK.findall(text) if language == "python")
    lines = [line for line in block.splitlines() if line]
    work = [line for line in lines if "import" not in line]
    assert (len(work), work[0]) == (5, 'data = pd.read_csv("points.csv")')
    assert work[-1] == 'plot.function(rows, jumps).figure.savefig("points.png")'


def test_the_first_lines_after_the_picture_do_all_the_set_up(text):
    after = text[text.index("![") :]
    language, block = BLOCK.search(after).groups()
    assert language == "console"
    assert [line.split("#")[0].strip() for line in block.splitlines()] == ["make demo", "make test"]
    assert after.count("\n", 0, after.index("```console")) == 2
