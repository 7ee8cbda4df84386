"""The pages of the documentation: examples run, commands parse, links lead somewhere."""

import inspect
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import saddlehop as sh
from saddlehop import plot
from saddlehop.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "site").glob("*.md"),
]
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs" / "site").exists(), reason="the pages are not installed with the package"
)


def test_python_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = [
        code
        for page in (ROOT / "docs" / "site").glob("*.md")
        for code in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    ]
    assert examples
    for code in examples:
        exec(code, {})
    assert (tmp_path / "jumps.png").stat().st_size > 10_000


def commands():
    """The lines that start with `saddlehop` in the console examples, without comments."""
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["saddlehop"]:
                    yield pytest.param(words[1:], id=" ".join(words))


@pytest.mark.parametrize("words", list(commands()))
def test_options_in_the_examples_exist(words):
    given = {word for word in words if re.fullmatch(r"--[a-z-]+|-[a-z]", word)}
    if words[0].startswith("-"):
        return
    result = CliRunner().invoke(app, [words[0], "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    offered = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", result.output))
    assert given <= offered


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_and_headings_resolve(page):
    text = page.read_text()
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    for groups in LINK.findall(text):
        target = next(filter(None, groups))
        if "://" in target:
            assert re.fullmatch(r"https?://[\w.-]+(/\S*)?", target)
        elif target.startswith("#"):
            assert target[1:] in headings, target
        else:
            file = page.parent / target.partition("#")[0]
            assert file.exists() or file.with_suffix(".md").exists(), target


def test_the_api_page_has_every_public_name():
    page = (ROOT / "docs" / "site" / "api.md").read_text()
    listed = set(re.findall(r"^   ([\w.]+)$", page, re.MULTILINE))
    public = {name for name in sh.__all__ if not name.startswith("__")}
    assert public | {f"plot.{name}" for name in plot.__all__} <= listed


def public_callables():
    for name in sh.__all__:
        thing = getattr(sh, name)
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing):
            for method, function in inspect.getmembers(thing, inspect.isfunction):
                if not method.startswith("_"):
                    yield f"{name}.{method}", function


@pytest.mark.parametrize(("name", "function"), list(public_callables()))
def test_docstrings_name_every_argument(name, function):
    text = inspect.getdoc(function)
    assert text
    names = [p for p in inspect.signature(function).parameters if p not in ("self", "cls")]
    missing = [p for p in names if not re.search(rf"\b{p}\b", text)]
    assert not missing, name
