"""Which ``up`` serves a home: one at most, and others can find it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from app.db.processes import FileLock, is_locked
from app.errors import Conflict, ErrorItem


@dataclass(frozen=True)
class Claim:
    """What a running ``up`` says of itself; ``url`` is None until the service has an address."""

    pid: int
    url: str | None = None
    ready: bool = False


class HomeClaim:
    """Held by a running ``up``; the kernel gives it back when the process ends, however it ends."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "up.lock"
        self._lock = FileLock(self.path)

    def __enter__(self) -> Self:
        if not self._lock.acquire():
            raise _already_running(self.home, self.read())
        self.write(Claim(os.getpid()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def write(self, claim: Claim) -> None:
        self.path.write_text(json.dumps(asdict(claim)) + "\n", encoding="utf-8")

    def read(self) -> Claim | None:
        """What the file says; of a dead holder too: ask ``is_held`` first."""
        try:
            return Claim(**json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def is_held(self) -> bool:
        return is_locked(self.path)


def _already_running(home: Path, claim: Claim | None) -> Conflict:
    pid = str(claim.pid) if claim else "?"
    address = (claim.url if claim else None) or "(正在启动 / starting)"
    return Conflict(
        f"{home} 已有一个 up 在运行:进程 {pid},{address}。",
        f"An `up` already runs on {home}: process {pid}, {address}.",
        errors=[
            ErrorItem(
                "SKILLSMAP_HOME",
                "一个状态目录同时只能运行一个 up",
                "one home serves one `up` at a time",
                value=str(home),
                remedy_zh="先执行 ./skillsmap down,或用 SKILLSMAP_HOME 指定另一目录",
                remedy_en="run ./skillsmap down first, or name another folder in SKILLSMAP_HOME",
            )
        ],
    )
