"""Optional packages, imported where they are used and named when they are missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ..errors import MissingExtraError


def require(package: str, feature: str, extra: str) -> ModuleType:
    """Import `package` or say which `feature` needs it and how to install it."""
    try:
        return import_module(package)
    except ImportError:
        raise MissingExtraError(
            f'{feature} needs the package {package}; install it with `pip install "saddlehop[{extra}]"`.'
        ) from None
