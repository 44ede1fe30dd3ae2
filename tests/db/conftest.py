"""Homes for private clusters: short-lived, and where PostgreSQL's user can reach them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.db.cluster import ClusterFault, find_programs
from app.db.embedded import PrivateCluster
from app.db.processes import processes_in, wait_until


@pytest.fixture(scope="session")
def local_postgres() -> None:
    """Skips where DATABASE_URL is the only database there is."""
    try:
        find_programs(Path("/nowhere"))
    except ClusterFault as fault:
        pytest.skip(f"no PostgreSQL on this machine: {fault}")


@pytest.fixture
def make_home(local_postgres: None) -> Iterator[Callable[[str], Path]]:
    """Makes home folders of the given name; whatever runs in one afterwards fails the test."""
    bases: list[Path] = []

    def make(name: str = "home") -> Path:
        base = Path(tempfile.mkdtemp(prefix="skillsmap-home-", dir="/tmp"))
        base.chmod(0o755)
        bases.append(base)
        return base / name

    yield make
    try:
        for base in bases:
            for data in base.glob("**/postgres/data"):
                assert wait_until(lambda data=data: not processes_in(data), seconds=20), f"still running in {data}"
    finally:
        for base in bases:
            shutil.rmtree(base)


@pytest.fixture
def home(make_home: Callable[[str], Path]) -> Path:
    return make_home("home")


@pytest.fixture(scope="session")
def pristine_home(local_postgres: None) -> Iterator[Path]:
    """A home with a cluster that has run once; only to be copied."""
    base = Path(tempfile.mkdtemp(prefix="skillsmap-home-", dir="/tmp"))
    base.chmod(0o755)
    with PrivateCluster(base / "home", durable=False):
        pass
    yield base / "home"
    shutil.rmtree(base)


@pytest.fixture
def stopped_home(home: Path, pristine_home: Path) -> Path:
    """A home with a cluster that has run before and is not running."""
    subprocess.run(["cp", "-a", str(pristine_home), str(home)], check=True)
    return home
