"""The program as a person runs it: its own process, its own home, a real port."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.db.processes import has_ended, processes_in, wait_until
from app.settings import PROJECT_ROOT

READY_SECONDS = 120


def command(home: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    environment = {**os.environ, "SKILLSMAP_HOME": str(home)}
    environment.pop("DATABASE_URL", None)
    return [sys.executable, "-m", "app.cli", *arguments], environment


@contextmanager
def running_up(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An ``up --empty`` that has printed its ready line; the process and its address."""
    line, environment = command(home, "up", "--empty", "--port", "0", *arguments)
    errors = home.parent / "stderr.txt"
    with errors.open("a") as stream:
        process = subprocess.Popen(
            line, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, stderr=stream, text=True
        )
    try:
        assert process.stdout is not None
        address = ""
        for text in process.stdout:
            if text.startswith("ready: "):
                address = text.split()[1]
                break
        assert address, errors.read_text()
        yield process, address
    finally:
        process.kill()
        process.communicate()
        assert wait_until(lambda: not left_of(home), seconds=20), left_of(home)


def left_of(home: Path) -> list[str]:
    """Command lines of the processes that still belong to this home."""
    found = []
    for pid in processes_in(home / "postgres" / "data"):
        found.append(f"{pid} server")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and not has_ended(int(entry.name)):
            try:
                environment = (entry / "environ").read_bytes()
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if f"SKILLSMAP_HOME={home}\0".encode() in environment:
                found.append(f"{entry.name} {line}")
    return found


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line, environment = command(home, *arguments)
    return subprocess.run(
        line, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, timeout=READY_SECONDS, check=False
    )


def status_of(address: str) -> int:
    with urllib.request.urlopen(f"{address}/readyz", timeout=10) as answer:
        return int(answer.status)
