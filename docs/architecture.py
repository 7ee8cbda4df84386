"""The rooms of `src/saddlehop`, drawn from the imports in the code.

    python docs/architecture.py

writes `architecture.svg` beside this file and the list of rooms in CONTRIBUTING.md. The order of the
rooms, top to bottom, stands in `rooms.txt` only; `tests/test_rooms.py` checks the arrows against it.
"""

import ast
from pathlib import Path

DOCS = Path(__file__).parent
SOURCE = DOCS.parent / "src" / "saddlehop"
OPEN, CLOSE = "<!-- rooms: written by docs/architecture.py -->", "<!-- end of rooms -->"
WIDTH, HEIGHT, GAP, RISE = 116, 44, 22, 92


def rooms():
    """Map each room to what it is for, top to bottom."""
    lines = (DOCS / "rooms.txt").read_text().splitlines()
    return dict(line.split(None, 1) for line in lines)


def modules():
    """Map the dotted name of each module, below `saddlehop`, to its file."""
    found = {}
    for file in sorted(SOURCE.rglob("*.py")):
        parts = file.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports_of(name, file, known):
    """Return the modules that a module imports, anywhere in it."""
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) + 1 - node.level] + (node.module or "").split(".")
            base = ".".join(part for part in base if part)
            for alias in node.names:
                full = f"{base}.{alias.name}".strip(".")
                found.add(full if full in known else base)
    return found - {name}


def arrows():
    """Map each module to the modules it imports."""
    known = modules()
    return {name: imports_of(name, file, known) for name, file in known.items()}


def room_of(module):
    """Return the room that a module stands in; none for the door `saddlehop` itself and its version."""
    room = module.split(".")[0]
    return None if room in ("", "__main__", "_version") else room


def room_arrows():
    """Return the pairs of rooms of which the first imports from the second."""
    pairs = {(room_of(a), room_of(b)) for a, targets in arrows().items() for b in targets}
    return {(a, b) for a, b in pairs if a and b and a != b}


def shown_arrows(pairs):
    """Return the arrows that do not follow from others: a → c goes where a → b → c is."""
    below = {}

    def reach(room):
        if room not in below:
            direct = {b for a, b in pairs if a == room}
            below[room] = direct.union(*(reach(b) for b in direct))
        return below[room]

    return {(a, c) for a, c in pairs if not any(c in reach(b) for x, b in pairs if x == a)}


def floors(pairs):
    """Return the rooms of each floor, the lowest first: a room stands above all it imports."""
    level = {}

    def height(room):
        if room not in level:
            level[room] = 1 + max((height(b) for a, b in pairs if a == room), default=-1)
        return level[room]

    for room in rooms():
        height(room)
    return [[room for room in rooms() if level[room] == i] for i in range(max(level.values()) + 1)]


def svg():
    """Draw the house."""
    pairs = room_arrows()
    stacked = floors(pairs)
    widest = max(map(len, stacked)) * (WIDTH + GAP) + GAP
    place = {}
    for floor, row in enumerate(reversed(stacked)):
        left = (widest - len(row) * (WIDTH + GAP) + GAP) / 2
        for i, room in enumerate(row):
            place[room] = (left + i * (WIDTH + GAP), GAP + floor * RISE)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {widest} {len(stacked) * RISE}"'
        ' font-family="sans-serif" font-size="15" text-anchor="middle">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for upper, lower in sorted(shown_arrows(pairs)):
        (x, y), (x2, y2) = place[upper], place[lower]
        lines.append(
            f'<line x1="{x + WIDTH / 2:g}" y1="{y + HEIGHT:g}" x2="{x2 + WIDTH / 2:g}" y2="{y2:g}"'
            ' stroke="#999"/>'
        )
    for room, (x, y) in place.items():
        lines.append(
            f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#eef3f8"'
            f' stroke="#0072B2"/><text x="{x + WIDTH / 2:g}" y="{y + 27:g}">{room}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def listed():
    """Return the list of rooms as it stands in CONTRIBUTING.md."""
    rows = [f"| `{room}` | {purpose} |" for room, purpose in rooms().items()]
    return "\n".join([OPEN, "| room | what for |", "|---|---|", *rows, CLOSE])


def write():
    """Write the picture and the list."""
    (DOCS / "architecture.svg").write_text(svg())
    page = DOCS.parent / "CONTRIBUTING.md"
    before, rest = page.read_text().split(OPEN)
    page.write_text(before + listed() + rest.split(CLOSE)[1])


if __name__ == "__main__":
    write()
