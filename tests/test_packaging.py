"""What is shipped fits together: requirements, image, compose file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from app.settings import PROJECT_ROOT

REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def locked(kind: str) -> dict[str, set[str]]:
    """Name -> versions (several where they depend on the Python version) of a requirements file."""
    versions: dict[str, set[str]] = {}
    for name, version in REQUIREMENT.findall((PROJECT_ROOT / "requirements" / f"{kind}.txt").read_text()):
        versions.setdefault(normal(name), set()).add(version)
    return versions


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    wanted = {normal(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in project["project"]["dependencies"]}
    assert wanted <= set(locked("runtime"))
    wanted_dev = {normal(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in project["dependency-groups"]["dev"]}
    assert wanted_dev <= set(locked("dev"))


def test_the_tests_run_on_what_the_service_runs_on() -> None:
    dev = locked("dev")
    for name, versions in locked("runtime").items():
        assert dev[name] == versions


def test_peers_leave_the_versions_of_the_service_and_the_tests_alone() -> None:
    peers, dev = locked("peers"), locked("dev")
    assert {name: peers[name] for name in peers if name in dev} == {name: dev[name] for name in peers if name in dev}


@pytest.mark.parametrize("kind", ["runtime", "dev", "peers"])
def test_locks_hold_hashes_and_no_addresses(kind: str) -> None:
    text = (PROJECT_ROOT / "requirements" / f"{kind}.txt").read_text()
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text and "index-url" not in text


def test_the_image_copies_what_exists_and_the_ignore_file_lets_it_through() -> None:
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text()
    allowed = {line[1:] for line in (PROJECT_ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = []
    for line in dockerfile.splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from"):
            copied += words[1:-1]
    assert {"app", "migrations", "alembic.ini"} <= set(copied)
    for name in copied:
        assert (PROJECT_ROOT / name).exists(), name
        assert name in allowed, f"{name} is copied, but .dockerignore keeps it out"
    user = [line for line in dockerfile.splitlines() if line.startswith("USER ")]
    assert user == ["USER skillsmap"], "the service must not run as root"


def test_the_image_runs_a_command_that_there_is() -> None:
    from typer.main import get_command

    from app.cli.main import app

    (line,) = [line for line in (PROJECT_ROOT / "Dockerfile").read_text().splitlines() if line.startswith("CMD ")]
    words = re.findall(r'"([^"]+)"', line)
    assert words[:3] == ["python", "-m", "app.cli"]
    command = get_command(app).commands[words[3]]  # type: ignore[attr-defined]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words[4:] if word.startswith("--")} <= known
    assert any(parameter.envvar == "SKILLSMAP_DEMO" for parameter in command.params), "compose.yaml sets it"


def test_the_compose_file_names_the_database_that_the_service_expects() -> None:
    yaml = pytest.importorskip("yaml")
    compose = yaml.safe_load(Path(PROJECT_ROOT / "compose.yaml").read_text())
    service, database = compose["services"]["service"], compose["services"]["database"]
    assert service["depends_on"]["database"]["condition"] == "service_healthy"
    assert "healthcheck" in database
    names = database["environment"]
    expected = (
        f"postgresql://{names['POSTGRES_USER']}:{names['POSTGRES_PASSWORD']}@database:5432/{names['POSTGRES_DB']}"
    )
    assert service["environment"]["DATABASE_URL"] == expected
    assert "ports" not in database, "the database is not published"
    mounted = {volume.split(":")[0] for entry in (service, database) for volume in entry["volumes"]}
    assert mounted == set(compose["volumes"])
    home = next(volume.split(":")[1] for volume in service["volumes"])
    assert f"SKILLSMAP_HOME={home}" in (PROJECT_ROOT / "Dockerfile").read_text()
