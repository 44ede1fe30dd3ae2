"""data/SOURCES.md lists every file of data/ with its true hash."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"


def test_every_file_has_a_line_with_its_true_hash_and_no_line_lacks_its_file() -> None:
    lines = re.findall(r"^\| (\S+\.\w+) \|.*\| `([0-9a-f]{64})` \|$", (DATA / "SOURCES.md").read_text("utf-8"), re.M)
    listed = dict(lines)
    assert len(listed) == len(lines)
    found = {
        p.relative_to(DATA).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in DATA.rglob("*")
        if p.is_file() and p.name != "SOURCES.md"
    }
    assert listed == found


def test_every_line_fills_every_column() -> None:
    rows = [r for r in (DATA / "SOURCES.md").read_text("utf-8").splitlines() if r.startswith("| guangzhou/")]
    assert rows
    for row in rows:
        cells = [c.strip() for c in row.strip("|").split("|")]
        assert len(cells) == 6 and all(cells)
