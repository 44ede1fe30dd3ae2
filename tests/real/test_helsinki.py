"""Walking times agree with Conveyal R5's as docs/method.md reports them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.settings import PROJECT_ROOT
from tests.real.helsinki import compare


@pytest.mark.parametrize("results", ["not_snapped", "snapped"])
def test_times_agree_with_r5_as_reported(shared_data: Path, results: str) -> None:
    found = compare(shared_data / "helsinki", results)
    assert found.pairs > 300
    assert found.correlation > 0.99
    assert found.mean_absolute_error < 1.0
    method = (PROJECT_ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{results}` \| (\d+) \| ([\d.]+) \| ([\d.]+) \|", method, re.MULTILINE)
    assert row is not None, "docs/method.md reports the comparison"
    assert int(row[1]) == found.pairs
    assert float(row[2]) == pytest.approx(found.correlation, abs=0.002)
    assert float(row[3]) == pytest.approx(found.mean_absolute_error, abs=0.03)
