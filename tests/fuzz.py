"""Malformed files for the readers and the command line; `make fuzz` runs many."""

import io
import string
import tempfile
import zipfile
from pathlib import Path

import numpy as np

import saddlehop as sh
from saddlehop.model.tables import read_samples


class Tripwire:
    """Unpickled, it would leave a mark."""

    sprung = False

    def __reduce__(self):
        return (_spring, ())


def _spring():
    Tripwire.sprung = True


def _csv(rng):
    table = rng.standard_normal((3, 4))
    lines = [",".join("abcy"), *(",".join(map(repr, row.tolist())) for row in table)]
    return "\n".join(lines).encode()


def _npz(rng):
    buffer = io.BytesIO()
    np.savez(buffer, X=rng.standard_normal((3, 4)), y=rng.standard_normal(3))
    return buffer.getvalue()


def _pickled(rng):
    buffer = io.BytesIO()
    np.savez(buffer, X=np.array([[Tripwire()]], dtype=object), y=np.ones(1))
    return buffer.getvalue()


def _zip_of_junk(rng):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../y.npy", rng.bytes(40))
        archive.writestr("X.npy", b"\x93NUMPY\x01\x00" + rng.bytes(60))
    return buffer.getvalue()


def _text(rng):
    letters = [*string.printable, "é", "λ", "\x00", '"', "\ufeff", ",", ",", "\n"]
    words = "".join(rng.choice(letters, int(rng.integers(0, 200))))
    return words.encode(str(rng.choice(["utf-8", "utf-16", "utf-32"])))


SEEDS = {
    "CSV": (".csv", _csv),
    "NPZ": (".npz", _npz),
    "pickled NPZ": (".npz", _pickled),
    "NPZ of junk": (".npz", _zip_of_junk),
    "any text": (".csv", _text),
    "any bytes as CSV": (".csv", lambda rng: rng.bytes(int(rng.integers(0, 300)))),
    "any bytes as NPZ": (".npz", lambda rng: rng.bytes(int(rng.integers(0, 300)))),
    "any bytes as Parquet": (".parquet", lambda rng: b"PAR1" + rng.bytes(80) + b"PAR1"),
}


def _damaged(rng, content):
    """Cut, double or overwrite parts of a file."""
    data = bytearray(content)
    for _ in range(int(rng.integers(0, 4))):
        if not data:
            break
        at = int(rng.integers(len(data)))
        match int(rng.integers(4)):
            case 0:
                data[at] = int(rng.integers(256))
            case 1:
                del data[at:]
            case 2:
                data[at:at] = data[: int(rng.integers(30))]
            case _:
                data[at : at + 8] = str(
                    rng.choice(["nan", "1e999", "", ",,", "\n\n", "-inf"])
                ).encode()
    return bytes(data)


def trial(seed):
    """A file, damaged at random: read, or refused in one sentence; never unpickled."""
    rng = np.random.default_rng([5, seed])
    kind = str(rng.choice(list(SEEDS)))
    suffix, make = SEEDS[kind]
    name = str(rng.choice(["data", "d ä λ", "a'b\"c", "-x", "[b]$(x)"])) + suffix
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(_damaged(rng, make(rng)))
        yield f"{kind}: {_reading(path)}"
        if sorted(Path(folder).iterdir()) != [path]:
            yield f"{kind}: LEFT A FILE"
    if Tripwire.sprung:
        yield f"{kind}: UNPICKLED"


def _reading(path):
    try:
        X, y = read_samples(path)
        sh.Problem.from_data(X, y, assume_orthogonal=True)
    except sh.SaddlehopError as err:
        return "refused in one sentence" if "\n" not in str(err) else "REFUSED IN SEVERAL LINES"
    except Exception as err:
        return f"RAW {type(err).__name__}"
    return "read"
