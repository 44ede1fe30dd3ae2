"""``skillsmap test``: everything that must hold, in one command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from app.cli.runtime import home_folder, say
from app.settings import PROJECT_ROOT


def test(
    context: typer.Context,
    all_tests: Annotated[bool, typer.Option("--all", help="包括慢测试 · The slow tests too.")] = False,
) -> None:
    """规范、类型、分层与测试;其余参数转交 pytest · Lint, types, layers and tests; other arguments go to pytest."""
    home_folder()
    outcomes = []
    for name, command in steps(context.args, all_tests=all_tests):
        say(f"▶ {name}", " ".join(command[1:] if command[0] == sys.executable else command))
        started = time.monotonic()
        code = subprocess.run(command, cwd=PROJECT_ROOT, env=dict(os.environ), check=False).returncode
        outcomes.append((name, code, time.monotonic() - started))
    for name, code, seconds in outcomes:
        result = "ok" if code == 0 else f"failed with code {code}"
        say(f"{'✓' if code == 0 else '✗'} {name}", f"{result}, {seconds:.1f} s")
    if any(code != 0 for _, code, _ in outcomes):
        sys.exit(1)


def steps(pytest_arguments: list[str], *, all_tests: bool) -> list[tuple[str, list[str]]]:
    """Name and command of each step, quick ones first; all of them run, whatever fails."""
    python = sys.executable
    chosen = ["-m", ""] if all_tests else []  # the project's own setting leaves the slow ones out
    return [
        ("ruff", [python, "-m", "ruff", "check", "."]),
        ("mypy", [python, "-m", "mypy"]),
        ("import-linter", [str(Path(python).parent / "lint-imports"), "--no-cache"]),
        ("pytest", [python, "-m", "pytest", *chosen, *pytest_arguments]),
    ]
