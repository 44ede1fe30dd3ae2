"""The frame: quick to answer, and clear about what it does not know."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app import __version__
from app.settings import PROJECT_ROOT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_the_commands() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in ("up", "down", "test", "import", "coverage", "bench", "serve", "db"):
        assert f" {name} " in done.stdout


def test_starting_imports_nothing_heavy() -> None:
    """``--help`` must answer at once, so arrays, maps and the database are imported where they are used."""
    heavy = "alembic fastapi numba numpy osmium psycopg pyarrow pyogrio pyproj rasterio scipy shapely sqlalchemy"
    program = f"import sys, app.cli.main; print(*sorted(set('{heavy}'.split()) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_version() -> None:
    assert run("--version").stdout.strip() == f"skillsmap {__version__}"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["up", "--port", "x"], ["up", "--workers", "0"]])
def test_wrong_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert (arguments[1] if len(arguments) > 1 else arguments[0]) in done.stderr, "it names what is wrong"
    assert "Traceback" not in done.stderr


def test_a_wrong_database_url_is_explained() -> None:
    done = run("db", "upgrade", DATABASE_URL="postgresql://u:geheim@127.0.0.1:1/d")
    assert done.returncode == 1
    assert "DATABASE_URL = postgresql://u:***@127.0.0.1:1/d" in done.stderr
    assert "geheim" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_made_is_explained() -> None:
    done = run("db", "upgrade", SKILLSMAP_HOME="/proc/no/such/home")
    assert done.returncode == 1
    assert "SKILLSMAP_HOME = /proc/no/such/home" in done.stderr


def test_down_with_nothing_running(isolated_home: object) -> None:
    done = run("down", SKILLSMAP_HOME=str(isolated_home))
    assert (done.returncode, done.stdout.strip()) == (0, "没有在运行的服务 · nothing was running")


def test_ctrl_c_in_a_command_says_that_nothing_is_left_half_done() -> None:
    program = (
        "import typer; from app.cli import main\n"
        "def hang():\n    raise KeyboardInterrupt\n"
        "main.app.command('hang')(hang); main.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "hang"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert "已中断" in done.stderr and "Traceback" not in done.stderr
