"""The launcher: what it installs, when it skips, and how it repairs. In small projects of its own, without network."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from app.settings import PROJECT_ROOT

LAUNCHER = PROJECT_ROOT / "skillsmap"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the launcher, no requirements, and a command line that repeats its arguments."""
    folder = tmp_path / "技能 地图"
    (folder / "requirements").mkdir(parents=True)
    for kind in ("runtime", "dev", "peers", "node"):
        (folder / "requirements" / f"{kind}.txt").write_text("# nothing\n")
    (folder / "app").mkdir()
    (folder / "app" / "__init__.py").write_text("")
    (folder / "app" / "cli.py").write_text("import os, sys; print('ran', *sys.argv[1:], 'in', os.getcwd())\n")
    shutil.copy(LAUNCHER, folder)
    return folder


def launch(project: Path, *arguments: str, cwd: Path | None = None, **environment: str) -> str:
    """Run the launcher as somebody would whose shell has nothing set; what it printed, both streams."""
    done = start(project, *arguments, cwd=cwd, **environment)
    said, _ = done.communicate(timeout=120)
    assert done.returncode == 0, said
    return said


def start(project: Path, *arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    inherited["DATABASE_URL"] = "postgresql://named/so-that-no-package-is-looked-for"
    return subprocess.Popen(
        [str(project / "skillsmap"), *arguments],
        cwd=cwd or project,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_it_is_valid_bash() -> None:
    subprocess.run(["bash", "-n", str(LAUNCHER)], check=True)
    subprocess.run(["bash", "-n", str(PROJECT_ROOT / ".ci" / "run")], check=True)
    assert os.access(LAUNCHER, os.X_OK) and os.access(PROJECT_ROOT / ".ci" / "run", os.X_OK)


def test_help_and_down_install_nothing(project: Path) -> None:
    for arguments in ([], ["--help"], ["help"]):
        assert "./skillsmap up" in launch(project, *arguments)
    assert "nothing was running" in launch(project, "down")
    assert not (project / ".venv").exists()


def test_installed_once_then_skipped_then_kept_up_to_date(project: Path, tmp_path: Path) -> None:
    first = launch(project, "db", "a b", cwd=tmp_path)
    assert "installing Python packages" in first
    assert f"ran db a b in {tmp_path}" in first, "arguments and folder are the caller's"
    started = time.monotonic()
    assert "installing" not in launch(project, "db")
    assert time.monotonic() - started < 5, "the second time it only hands over"

    assert "installing" in launch(project, "test"), "the tests need more than the service"
    assert "installing" not in launch(project, "test")
    assert "installing" not in launch(project, "db"), "and what they need includes the service"

    (project / "requirements" / "runtime.txt").write_text("# changed\n")
    changed = launch(project, "db")
    assert "installing" in changed and "making the Python environment" not in changed


def test_a_broken_environment_is_made_anew(project: Path) -> None:
    launch(project, "db")
    (project / ".venv" / ".runtime").unlink()  # as an interrupted installation leaves it
    marker = project / ".venv" / "half-installed"
    marker.touch()
    assert "making the Python environment" in launch(project, "db")
    assert not marker.exists()

    moved = project.with_name("moved")
    project.rename(moved)
    assert "making the Python environment" in launch(moved, "db"), "scripts in it name the old folder"

    (moved / ".venv" / "bin" / "python").unlink()
    (moved / ".venv" / "bin" / "python").symlink_to("/gone/python")
    assert "making the Python environment" in launch(moved, "db"), "the system's Python was replaced"


def test_two_at_once_install_once(project: Path) -> None:
    both = [start(project, "db"), start(project, "db")]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("making the Python environment" in text for text in said) == 1
    assert all("ran db" in text for text in said)


def test_packages_that_cannot_be_had_are_explained_and_tried_again(project: Path, tmp_path: Path) -> None:
    wanted = "no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n"
    (project / "requirements" / "runtime.txt").write_text(wanted)
    nowhere = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(tmp_path / "empty")}
    for _ in range(2):
        process = start(project, "db", **nowhere)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "No matching distribution found for no-such-package" in said
        assert "安装 Python 软件包失败" in said and "ran" not in said.split()
    (project / "requirements" / "runtime.txt").write_text("# nothing\n")
    assert "ran db" in launch(project, "db")


def test_nothing_of_the_callers_python_gets_in(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "app").mkdir(parents=True)
    (elsewhere / "app" / "__init__.py").write_text("raise SystemExit('the wrong app')\n")
    assert "ran db" in launch(project, "db", cwd=elsewhere, PYTHONPATH=str(elsewhere), PYTHONHOME="/nowhere")


def test_bench_gets_its_peers_once_and_runs_without_those_that_cannot_be_had(project: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "wrk").write_text("#!/bin/sh\n")
    (tools / "wrk").chmod(0o755)
    path = {"PATH": f"{tools}:{os.environ['PATH']}"}
    assert "requirements/peers.txt" not in launch(project, "bench", "--help", **path)
    assert "requirements/peers.txt" in launch(project, "bench", **path)
    assert "requirements/peers.txt" not in launch(project, "bench", **path)
    (project / "requirements" / "peers.txt").write_text("no-such-package-anywhere==1.0 --hash=sha256:00\n")
    for _ in range(2):
        said = launch(project, "bench", "--json", PIP_INDEX_URL=tmp_path.as_uri(), **path)
        assert "without pandana" in said
        assert "ran bench --json" in said


def tool(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_node_is_brought_for_tests_alone_and_they_run_without_it(project: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    path = {"PATH": f"{tools}:{os.environ['PATH']}"}
    for name in ("node", "npm"):
        tool(tools, name, "exit 0")
    assert "node.txt" not in launch(project, "test", **path), "there is one"
    tool(tools, "node", "exit 1")  # too old
    tool(tools, "apt-get", "exit 1")
    assert "node.txt" not in launch(project, "db", **path)
    said = launch(project, "test", **path)
    assert "requirements/node.txt" in said and "without Node 20" in said and "ran test" in said
    for name in ("node", "npm"):  # what pip would have put there
        tool(project / ".venv" / "bin", name, "exit 0")
    said = launch(project, "test", **path)
    assert "node.txt" not in said and "ran test" in said
