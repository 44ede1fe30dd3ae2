"""The running service as seen from ``up``: started, asked whether it is ready, watched, stopped."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from app.cli.addresses import local_host
from app.cli.serve import rotated
from app.db.cluster import tail
from app.db.processes import dying_with_parent
from app.errors import NotReady
from app.settings import PROJECT_ROOT

READY_SECONDS = 300.0
STOP_SECONDS = 20.0


class Service:
    """The uvicorn child. Leaving the block stops it: requests under way are answered first."""

    def __init__(self, host: str, port: int, workers: int, database_url: str, log: Path) -> None:
        self.host = host
        self.port = port
        self.workers = workers
        self.database_url = database_url
        self.log = rotated(log)
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "app.cli.lifeline", "--host", self.host, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*command, "--workers", str(self.workers)],
                cwd=PROJECT_ROOT,
                env={**os.environ, "DATABASE_URL": self.database_url},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C of the terminal is handled by ``up``, in its order
                preexec_fn=dying_with_parent(signal.SIGKILL),
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        child = self._child
        if child is None:
            return
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    @property
    def pid(self) -> int:
        """The process that minds the workers. Only inside the block."""
        assert self._child is not None
        return self._child.pid

    def check(self) -> None:
        """Raises NotReady with the end of the log when the service has ended."""
        assert self._child is not None
        code = self._child.poll()
        if code is not None:
            said = tail(self.log, 15)
            raise NotReady(
                f"服务进程意外结束(代码 {code}),其日志末尾见下。",
                f"The service ended unexpectedly (code {code}). The end of its log {self.log}:\n{said}",
            )

    def wait_until_ready(self, check_others: Callable[[], None]) -> None:
        """Return once ``/readyz`` answers 200. Raises NotReady when the service ends, or never gets there."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            self.check()
            check_others()
            status, said = self.ask_ready()
            if status == http.client.OK:
                return
            if time.monotonic() > deadline:
                raise NotReady(
                    f"服务启动 {READY_SECONDS:.0f} 秒后仍未就绪(/readyz: {status} {said})。日志:{self.log}",
                    f"The service is not ready after {READY_SECONDS:.0f} s (/readyz: {status} {said}). Log: {self.log}",
                )
            time.sleep(0.05)

    def ask_ready(self) -> tuple[int | None, str]:
        """Status and body of ``/readyz``; None while nothing listens."""
        connection = http.client.HTTPConnection(local_host(self.host), self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status, answer.read(500).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as fault:
            return None, str(fault)
        finally:
            connection.close()
