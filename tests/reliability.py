"""Write docs/reliability.md from the counters of the trials: `make reliability`.

`python tests/reliability.py KIND ...` runs only some kinds anew; the counts of the others are kept in
docs/reliability.json.
"""

import json
import sys
from pathlib import Path

import trials

DOCS = Path(__file__).parents[1] / "docs"
COUNTS = {
    "generic problems": 10_000,
    "planted ties": 1_000,
    "planted faults": 800,
    "hostile problems": 1_000,
    "public functions": 500,
    "damaged files": 3_000,
}
HEAD = """# What was tried, and what happened

Written by `make reliability` from the counters of `tests/trials.py`; do not edit. Trials are numbered
from 0; the number is the seed. An outcome in capitals is a failure. A bounded run of each kind is part
of the tests.
"""


def main(kinds):
    store = DOCS / "reliability.json"
    results = json.loads(store.read_text()) if store.exists() else {}
    for kind in kinds or COUNTS:
        count = COUNTS[kind]
        results[kind] = {"trials": count, "outcomes": dict(sorted(trials.run(kind, count).items()))}
        store.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (DOCS / "reliability.md").write_text(rendered(results))


def rendered(results):
    parts = [HEAD]
    for kind in COUNTS:
        if kind in results:
            what = " ".join((trials.KINDS[kind].__doc__ or "").split())
            parts.append(
                f"## {kind.capitalize()}\n\n{what} Trials: {results[kind]['trials']}, seeds 0 to "
                f"{results[kind]['trials'] - 1}.\n\n| outcome | count |\n|---|---:|\n"
                + "".join(f"| {name} | {n} |\n" for name, n in results[kind]["outcomes"].items())
            )
    return "\n".join(parts)


if __name__ == "__main__":
    main(sys.argv[1:])
