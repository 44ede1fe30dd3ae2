"""A home for the programs under test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db.cluster import ClusterFault, find_programs


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home that PostgreSQL's user can reach."""
    try:
        find_programs(Path("/nowhere"))
    except ClusterFault as fault:
        pytest.skip(f"no PostgreSQL on this machine: {fault}")
    base = Path(tempfile.mkdtemp(prefix="skillsmap-home-", dir="/tmp"))
    base.chmod(0o755)
    yield base / "home"
    shutil.rmtree(base)
