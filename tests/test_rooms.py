"""Data flow downwards: a room imports only rooms below it, and no two files know each other in turn."""

import importlib.util
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "docs" / "architecture.py"
if not SCRIPT.exists():
    pytest.skip("the pages are not installed with the package", allow_module_level=True)
spec = importlib.util.spec_from_file_location("architecture", SCRIPT)
house = importlib.util.module_from_spec(spec)
spec.loader.exec_module(house)


def arrows_up(pairs):
    order = list(house.rooms())
    return [(a, b) for a, b in sorted(pairs) if order.index(a) >= order.index(b)]


def test_every_name_at_the_top_is_a_room():
    at_top = {name.split(".")[0] for name in house.modules()}
    assert at_top - {""} == {*house.rooms(), "__main__", "_version"}
    assert len(house.rooms()) <= 17  # sixteen and `errors`


def test_no_arrow_points_up():
    assert arrows_up(house.room_arrows()) == []


def test_an_arrow_up_is_found():
    assert arrows_up({("model", "flow"), ("flow", "model")}) == [("model", "flow")]


def test_no_files_know_each_other_in_turn():
    list(TopologicalSorter(house.arrows()).static_order())
    with pytest.raises(CycleError):
        list(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())


def test_rooms_open_with_what_they_do():
    for room in house.rooms():
        door = house.SOURCE / room / "__init__.py"
        if door.exists():
            text = door.read_text().split('"""')[1].strip()
            assert 3 <= len(text.splitlines()) <= 8, room
            assert all(part in text for part in ("In:", "Out:", "Read first:")), room


def test_picture_and_list_are_of_this_code():
    """`python docs/architecture.py` draws both anew."""
    assert (ROOT / "docs" / "architecture.svg").read_text() == house.svg()
    assert house.listed() in (ROOT / "CONTRIBUTING.md").read_text()
