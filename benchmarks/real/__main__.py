"""``python -m benchmarks.real FOLDER [--json]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.real import figures
from benchmarks.real.tables import as_text


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real", description="The figures of docs/method.md §10.")
    parser.add_argument("folder", type=Path, help="holds helsinki/ and porto-alegre/")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    missing = [name for name in ("helsinki", "porto-alegre") if not (asked.folder / name).is_dir()]
    if missing:
        print(f"{asked.folder} 中没有 · has no {', '.join(missing)}", file=sys.stderr)
        return 2
    found = figures(asked.folder)
    print(json.dumps(found, indent=1) if asked.json else as_text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
