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
LEFT, WIDTH, RIGHT, HEIGHT, STEP, GAP, BEND = 560, 116, 320, 32, 46, 14, 0.62


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


def svg():
    """Draw the rooms in their order, and the arrows between them as arcs that all lead down."""
    top = {room: GAP + i * STEP for i, room in enumerate(rooms())}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} '
        f'{GAP + len(top) * STEP}" font-family="sans-serif" font-size="15">',
        '<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
        '<path d="M0,0 L9,4 L0,8 z" fill="#777"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    edge = LEFT + WIDTH
    for upper, lower in sorted(shown_arrows(room_arrows())):
        y, y2 = top[upper] + 0.65 * HEIGHT, top[lower] + 0.35 * HEIGHT
        bend = edge + BEND * (y2 - y)
        lines.append(
            f'<path d="M{edge},{y:g} C{bend:g},{y:g} {bend:g},{y2:g} {edge},{y2:g}" fill="none" '
            'stroke="#777" marker-end="url(#tip)"/>'
        )
    for room, purpose in rooms().items():
        y = top[room]
        lines.append(
            f'<text x="{LEFT - 12}" y="{y + 21}" text-anchor="end" fill="#555">{purpose}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#eef3f8" '
            f'stroke="#0072B2"/><text x="{LEFT + WIDTH / 2:g}" y="{y + 21}" '
            f'text-anchor="middle">{room}</text>'
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
