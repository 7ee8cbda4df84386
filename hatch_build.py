"""Compile the kernels whenever a wheel or an editable installation is made."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))
import build_kernels


class CustomBuildHook(BuildHookInterface):
    """Libraries go into the wheel, or into the checkout if the installation is editable."""

    def dependencies(self) -> list[str]:
        """Name the wheel that brings a compiler, where none is chosen by CC."""
        return [] if os.environ.get("CC") else ["ziglang>=0.13"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, for the machine that SADDLEHOP_TARGET names or for this one."""
        if version == "editable":
            build_kernels.build()
            return
        chosen = os.environ.get("SADDLEHOP_TARGET")
        target = build_kernels.TARGETS[chosen] if chosen else build_kernels.this_machine()
        self.folder = tempfile.TemporaryDirectory()
        inside = build_kernels.LIBRARIES.relative_to(build_kernels.PACKAGE.parent)
        for path in build_kernels.build(target=target, folder=Path(self.folder.name)):
            build_data["force_include"][str(path)] = str(inside / path.name)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{build_kernels.wheel_tag(target)}"
