"""Errors: each one sentence that says what was given, what is needed and how to mend it."""

from typing import Any


class SaddlehopError(ValueError):
    """Base of all errors raised by saddlehop; a `ValueError`."""


class InputError(SaddlehopError):
    """An argument is not usable as it stands."""


class NotOrthogonalError(InputError):
    """Rows that have to be orthogonal are not."""


class OrthogonalOnlyError(InputError, AttributeError):
    """What is known of orthogonal rows only was asked of a result on data as they are."""


class DataFileError(SaddlehopError):
    """A data file cannot be read as samples and labels."""


class UnresolvedTieError(SaddlehopError):
    """Neurons that activate together share samples in a way the jump order does not settle."""


class MissingExtraError(SaddlehopError, ImportError):
    """A feature needs an optional package that is not installed."""


class FlowError(SaddlehopError):
    """A flow cannot finish; `path` holds the `FlowPath` up to where it got."""

    def __init__(self, message: str, path: Any = None) -> None:
        super().__init__(message)
        self.path = path
