import numpy as np
import pandas as pd
import pytest

from saddlehop.errors import DataFileError, MissingExtraError
from saddlehop.model import tables
from saddlehop.model.tables import read_samples

X = np.array([[1.0, 2.0], [3.0, 4.5], [5.0, 6.0]])
Y = np.array([1.0, -1.0, 0.5])


@pytest.fixture
def frame():
    return pd.DataFrame({"first": X[:, 0], "y": Y, "last": X[:, 1]})


def assert_read(path, target):
    features, labels = read_samples(path, target)
    np.testing.assert_array_equal(features, X)
    np.testing.assert_array_equal(labels, Y)


@pytest.mark.parametrize("target", ["y", "1", "-2"])
def test_csv(tmp_path, frame, target):
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert_read(tmp_path / "a.csv", target)


def test_csv_with_a_byte_order_mark(tmp_path, frame):
    frame[["y", "first", "last"]].to_csv(tmp_path / "a.csv", index=False, encoding="utf-8-sig")
    assert_read(tmp_path / "a.csv", "y")


def test_csv_without_a_header_loses_no_row(tmp_path, frame):
    frame.to_csv(tmp_path / "a.csv", index=False, header=False)
    assert_read(tmp_path / "a.csv", "1")


@pytest.mark.parametrize("target", ["y", "1"])
def test_parquet(tmp_path, frame, target):
    pytest.importorskip("pyarrow")
    frame.to_parquet(tmp_path / "a.parquet")
    assert_read(tmp_path / "a.parquet", target)


def test_npz(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, y=Y, other=np.ones((2, 2)))
    assert_read(tmp_path / "a.npz", "y")
    np.savez(tmp_path / "b.npz", inputs=X, labels=Y)
    assert_read(tmp_path / "b.npz", "labels")


def test_a_missing_parquet_package_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "saddlehop\[parquet\]"'):
        read_samples(tmp_path / "a.parquet")


class _Pickled:
    def __reduce__(self):
        return (print, ("unpickled",))


def write_pickled_npz(path):
    np.savez(path, X=X, y=np.array([_Pickled()], dtype=object))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "a,b\n1,2\n", "no target column 'y'; pass one of a, b or a position from 0 to 1"),
        (
            "a.csv",
            "a,y\n1,2\nred,3\n",
            "Column 'a' of 'a.csv' holds 'red' in row 1, counted from 0",
        ),
        ("a.csv", "a,y\n1,\n", "Column 'y' of 'a.csv' holds nothing in row 0"),
        ("a.csv", "a,y\ninf,1\n", "Column 'a' of 'a.csv' holds 'inf' in row 0"),
        ("a.csv", "a,y\n", "has no rows"),
        ("a.csv", "y\n1\n", "has only the target column"),
        ("a.csv", "", "not a readable CSV file"),
        ("a.csv", "a,y\n1,2\n1,2,3,4\n", "not a readable CSV file"),
        ("a.csv", b"a,y\n\xff\xfe,2\n", "not a readable CSV file"),
        ("a.csv", "a,b,y\n1,0,1,7\n0,1,-1,5\n", "rows with more cells than its header"),
        ("a.csv", ",a,y\n0,1,2\n1,2,3\n", "Column 0 of 'a.csv' has no name, like row numbers"),
        ("a.csv", "a;y\n1,5;2\n", "separates its cells by semicolons"),
        ("a.csv", "a\ty\n1\t2\n", "separates its cells by tabs"),
        ("a.csv", "a,y\n" + "9" * 400 + ",1\n", "Column 'a' of 'a.csv' holds"),
        ("a.parquet", b"PAR1 but not really", "not a readable Parquet file"),
        ("a.npz", b"PK not a zip", "not a readable NPZ file"),
        ("a.npz", write_pickled_npz, "not a readable NPZ file of plain arrays"),
        ("a.npz", lambda path: np.savez(path, X=X), "no array 'y'; pass one of X"),
        ("a.npz", lambda path: np.savez(path, a=X, b=X, y=Y), "holds 2 matrices"),
        ("a.xlsx", b"", "ends in '.xlsx'; pass a file that ends in .csv"),
    ],
)
def test_bad_files_get_one_sentence(tmp_path, capsys, name, content, sentence):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataFileError, match=sentence) as caught:
        read_samples(path)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_missing_files_and_folders_are_named(tmp_path):
    for path in (tmp_path / "gone.csv", tmp_path):
        with pytest.raises(DataFileError, match="There is no file"):
            tables.read_samples(path)
