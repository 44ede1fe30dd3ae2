"""Tables as CSV that Excel opens as they are meant."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

BOM = "\ufeff"  # without it Excel takes Chinese for another encoding


def sheet(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with a line of headings. Names of people's making go through ``as_text`` first."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows(rows)
    return BOM + out.getvalue()


def as_text(name: str) -> str:
    """A name that a spreadsheet would take for a formula, made text."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name
