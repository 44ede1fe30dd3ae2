"""The mini-program: its types, and its pages driven against the running service by its own tests (jest)."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.openapi import document
from app.db.engine import make_engine, session_scope
from app.demo.city import generate
from app.demo.load import load_city
from app.demo.spec import CitySpec
from app.main import create_app
from app.services.snapshot import ensure_snapshot
from app.settings import PROJECT_ROOT, HomeSettings
from tests.api.conftest import FixedHolder
from tests.api.test_concurrency import running
from tests.conftest import MakeDatabase

FOLDER = PROJECT_ROOT / "miniprogram"
LEAST_NODE = 20
# a Node that the launcher brought lies beside the Python that runs this
SEARCHED = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which(command[0], path=SEARCHED)
    assert program is not None, f"{command[0]} is not there"
    # a registry named in the caller's surroundings is the caller's matter; colours are for people
    surroundings = {**os.environ, "PATH": SEARCHED, "NO_COLOR": "1", "CI": "1", **more}
    return subprocess.run(
        [program, *command[1:]], cwd=FOLDER, env=surroundings, capture_output=True, text=True, check=False, timeout=280
    )


def node_version() -> int:
    """The major version of Node, 0 where there is none that works."""
    if shutil.which("node", path=SEARCHED) is None or shutil.which("npm", path=SEARCHED) is None:
        return 0
    found = run("node", "--version")
    return int(found.stdout.lstrip("v").split(".")[0]) if found.returncode == 0 else 0


@pytest.fixture(scope="module")
def packages() -> Path:
    """``node_modules`` as the lock file says; installed where it is not."""
    if node_version() < LEAST_NODE:
        pytest.skip(f"there is no Node {LEAST_NODE} or newer with npm on this machine")
    modules = FOLDER / "node_modules"
    stamp, wanted = modules / ".lock-sha256", hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        done = run("npm", "ci", "--no-audit", "--no-fund")
        assert done.returncode == 0, f"npm ci failed:\n{done.stdout}{done.stderr}"
        stamp.write_text(wanted)
    return modules


@pytest.fixture(scope="module")
def service(make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real service over a small demonstration city of its own."""
    engine = make_engine(make_database(), pool_size=10)
    with session_scope(engine) as writing:
        load_city(writing, generate(CitySpec(node_target=15_000, stations=120)))
    holder = FixedHolder(ensure_snapshot(engine, HomeSettings(home=tmp_path_factory.mktemp("home"))))
    with running(create_app(engine=engine, holder=holder)) as port:
        yield f"http://127.0.0.1:{port}"
    engine.dispose()


@pytest.mark.parametrize("project", [".", "tests"])
def test_types_are_clean(packages: Path, project: str) -> None:
    done = run("npx", "--no-install", "tsc", "-p", project)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_types_are_those_of_the_service(packages: Path, tmp_path: Path) -> None:
    """``skillsmap openapi`` and ``node tools/types.mjs`` make ``src/sdk/schema.ts`` anew."""
    told = tmp_path / "openapi.json"
    told.write_text(document(), encoding="utf-8")
    done = run("node", "tools/types.mjs", str(told))
    assert done.returncode == 0, done.stderr
    kept = (FOLDER / "src" / "sdk" / "schema.ts").read_text(encoding="utf-8")
    assert done.stdout == kept, "generate it anew: see miniprogram/README.md"


def test_residents_find_attend_and_cancel(packages: Path, service: str) -> None:
    done = run("npx", "--no-install", "jest", "--ci", SKILLSMAP_TEST_URL=service)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "27 passed" in done.stderr and "skipped" not in done.stderr


def test_nothing_names_a_registry_or_an_outside_host() -> None:
    lock = (FOLDER / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock and lock.count('"integrity"') > 100
    for path in sorted((FOLDER / "src").rglob("*")):
        if path.is_file() and path.suffix in (".ts", ".wxml", ".wxss", ".json"):
            for line in path.read_text(encoding="utf-8").splitlines():
                assert "://" not in line or "example.invalid" in line, f"{path.name}: {line}"
