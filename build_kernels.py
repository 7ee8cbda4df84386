"""Compile the kernels: all C files below src/saddlehop, into one shared library for each level.

    python build_kernels.py             the levels of this machine's processors, in place
    python build_kernels.py sanitized   with address and undefined-behaviour sanitizers
    python build_kernels.py coverage    counting the lines that run

The compiler is `CC` where that is set, else the wheel `ziglang`, else cc, gcc or clang on the path.
The name of a library holds a hash of all it is made from, so one that is out of date is never
taken for a new one; it appears under that name complete, however many processes build at once.

Needs the standard library only: the build hook, `make` and, in a checkout, the loader use it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parent / "src" / "saddlehop"
LIBRARIES = PACKAGE / "_support" / "libraries"
FLAGS = [
    *("-std=c11", "-Wall", "-Wextra", "-O3", "-fvisibility=hidden"),
    *("-fno-math-errno", "-fno-trapping-math"),  # nobody reads errno or the flags of the processor
    "-ffp-contract=off",  # a b + c is rounded twice, by every compiler at every level
    f"-I{PACKAGE / '_support'}",
]
CHECKED = {
    "sanitized": [
        "-O1",
        "-g",
        "-fno-omit-frame-pointer",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover",
    ],
    "coverage": ["-O0", "--coverage", "-fprofile-abs-path"],
}


class BuildError(Exception):
    """The kernels cannot be compiled."""


class Target(NamedTuple):
    """What a library is made for."""

    zig: str | None
    """Name of the target for zig; None for what zig takes this machine for."""
    tag: str
    """Platform in the name of a wheel."""
    suffix: str
    """Ending of a shared library."""
    levels: dict[str, str]
    """Processor by level, from the one that all processors have."""


_X86 = {"baseline": "x86-64", "avx2": "x86-64-v3"}
_ARM = {"baseline": "generic"}
TARGETS = {
    "linux-x86_64": Target("x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64", ".so", _X86),
    "linux-arm64": Target("aarch64-linux-gnu.2.17", "manylinux_2_17_aarch64", ".so", _ARM),
    "macos-x86_64": Target("x86_64-macos.10.13", "macosx_10_13_x86_64", ".dylib", _X86),
    "macos-arm64": Target("aarch64-macos.11.0", "macosx_11_0_arm64", ".dylib", _ARM),
    "windows-x86_64": Target("x86_64-windows-gnu", "win_amd64", ".dll", _X86),
}


def this_machine() -> Target:
    """Return the target that is this machine."""
    system = {"Darwin": "macos"}.get(platform.system(), platform.system().lower())
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    known = TARGETS.get(f"{system}-{machine}")
    if known and (system != "linux" or platform.libc_ver()[0] == "glibc"):
        return known
    tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return Target(None, tag, ".so", _X86 if machine == "x86_64" else {"baseline": ""})


def wheel_tag(target: Target) -> str:
    """Return the platform of a wheel: without zig, a library is for machines like this one only."""
    own = bool(os.environ.get("CC")) and target.tag.startswith("manylinux")
    return f"linux_{platform.machine()}" if own else target.tag


def compiler() -> list[str] | None:
    """Return the command of the compiler; None if there is none."""
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    found = filter(None, map(shutil.which, ("cc", "gcc", "clang")))
    return next(([path] for path in found), None)


def sources() -> list[Path]:
    """Return the C files and their headers; not below `libraries`, where folders come and go."""
    return sorted({*PACKAGE.glob("_support/*.[ch]"), *PACKAGE.glob("*/kernels/*.[ch]")})


def name(level: str, target: Target) -> str:
    """Return the file name of a library made from the present sources."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sources():
        digest.update(f"{path.relative_to(PACKAGE).as_posix()}\n".encode() + path.read_bytes())
    return f"saddlehop-{level}-{digest.hexdigest()[:12]}{target.suffix}"


def build(
    levels: Iterable[str] | None = None, target: Target | None = None, folder: Path = LIBRARIES
) -> list[Path]:
    """Compile the libraries into `folder`, take out those that they replace; return their paths."""
    target = target or this_machine()
    levels = list(levels or target.levels)
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda level: _build(level, target, folder), levels))
    for level, path in zip(levels, made, strict=True):
        for old in set(folder.glob(f"saddlehop-{level}-*")) - {path}:
            with contextlib.suppress(OSError):  # in use, or gone
                old.unlink()
    return made


def _build(level: str, target: Target, folder: Path) -> Path:
    path = folder / name(level, target)
    with _aside(level, folder) as aside:
        out = Path(aside) / path.name
        files = [path for path in sources() if path.suffix == ".c"]
        command = [*_command(level, target), "-o", str(out), *map(str, files)]
        if target.suffix != ".dll":
            command.append("-lm")
        done = subprocess.run(
            command, cwd=aside, env=_environment(), text=True, capture_output=True
        )
        if done.returncode:
            raise BuildError(f"{shlex.join(command)}\n{done.stderr}")
        print(done.stderr, end="", file=sys.stderr)
        os.replace(out, path)
    return path


def _aside(level: str, folder: Path) -> contextlib.AbstractContextManager[str]:
    """A folder to build in, which goes afterwards unless counts of lines will be kept there."""
    if level != "coverage":
        return tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True)
    (folder / level).mkdir(exist_ok=True)
    return contextlib.nullcontext(str(folder / level))


def _command(level: str, target: Target) -> list[str]:
    command = compiler()
    if command is None:
        raise BuildError(
            "The kernels need a C compiler and none was found: run `make kernels`, which brings one."
        )
    flags = [*FLAGS, "-shared", *CHECKED.get(level, [])]
    if target.suffix != ".dll":
        flags.append("-fPIC")
    cpu = target.levels.get(level)
    if "ziglang" not in command:
        return [*command, *flags, *_march(cpu)]
    flags += ["-target", target.zig] if target.zig else []
    return [*command, *flags, f"-mcpu={(cpu or 'baseline').replace('-', '_')}"]


def _march(cpu: str | None) -> list[str]:
    return [f"-march={cpu}"] if cpu and cpu.startswith("x86") else []


def _environment() -> dict[str, str]:
    """The environment, with a place for zig's cache where there is no home."""
    home = Path(os.path.expanduser("~"))
    if os.access(home, os.W_OK):
        return dict(os.environ)
    return {"ZIG_GLOBAL_CACHE_DIR": str(Path(tempfile.gettempdir()) / "zig"), **os.environ}


def main(arguments: Sequence[str] | None = None) -> None:
    """Build what the command line asks for, and print its paths."""
    parser = argparse.ArgumentParser(description="Compile the kernels of saddlehop.")
    parser.add_argument("levels", nargs="*", help="baseline, avx2, sanitized, coverage")
    parser.add_argument("--compiler-at-hand", action="store_true", help="only tell whether")
    chosen = parser.parse_args(arguments)
    if chosen.compiler_at_hand:
        sys.exit(compiler() is None)
    try:
        made = build(chosen.levels)
    except BuildError as error:
        sys.exit(str(error))
    print(*made, sep="\n")


if __name__ == "__main__":
    main()
