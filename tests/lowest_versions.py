"""Prints the oldest versions that pyproject.toml allows, one requirement on a line, without torch."""

import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
names = ("parquet", "sweep", "explore", "xarray", "certify")
wanted = project["dependencies"] + [one for name in names for one in extras[name]]
print("\n".join(sorted({one.replace(">=", "==") for one in wanted})))
