"""The processes for jobs beside the service: started with it, begun again when they end, stopped with it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

from app.settings import PROJECT_ROOT

START_SECONDS = 2.0  # the service itself starts first
AGAIN_SECONDS = (1.0, 30.0)  # until one that ended is begun again: doubled each time, up to the second
STEADY_SECONDS = 60.0  # one that lived so long had not ended of what it began with
STOP_SECONDS = 8.0
LOOK_SECONDS = 0.5


class JobProcesses:
    """``count`` children ``skillsmap jobs work``, each minded by a thread of this process.

    The kernel ends a child with the thread that started it, so none outlives this process, however it ends.
    """

    def __init__(self, count: int) -> None:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._mind, name=f"job-process-{k}", daemon=True) for k in range(count)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _mind(self) -> None:
        shortest, longest = AGAIN_SECONDS
        wait = shortest
        self._stopping.wait(START_SECONDS)
        while not self._stopping.is_set():
            child = self._started()
            lived = self._wait_for(child)
            wait = shortest if lived >= STEADY_SECONDS else min(wait * 2, longest)
            self._stopping.wait(wait)

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "app.cli", "jobs", "work", "--parent", str(os.getpid())]
        # a session of its own: a Ctrl-C of the terminal is handled by whoever started the service, in its order
        return subprocess.Popen(command, cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, start_new_session=True)

    def _wait_for(self, child: subprocess.Popen[bytes]) -> float:
        """Seconds until the child ended, by itself or because it was told to."""
        lived = 0.0
        while not self._stopping.wait(LOOK_SECONDS):
            if child.poll() is not None:
                return lived
            lived += LOOK_SECONDS
        child.terminate()  # a job under way is queued again
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        return lived
