"""The service process that ``up`` starts, and its workers: none of them outlives its parent.

Several workers are forked from one process that has imported the application (multiprocessing's fork server): they
share the memory of its modules, and each is ready sooner.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess
from typing import Any

from app.db.processes import die_with_parent

GRACE_SECONDS = 10  # for requests under way when the service is asked to stop


def create_app() -> Any:
    """The application; called in each worker, which then ends together with its supervisor, however that ends."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        die_with_parent(os.getppid())
        threading.Thread(target=_end_with, args=(supervisor,), name="lifeline", daemon=True).start()
    from app.main import create_app as create

    return create()


def _end_with(supervisor: BaseProcess) -> None:
    """The kernel watches the process that a worker was forked from; the supervisor is told by the end of its pipe."""
    supervisor.join()
    os.kill(os.getpid(), signal.SIGKILL)


def run_service(host: str, port: int, workers: int) -> None:
    """Serve until told to stop, with the processes for jobs beside it."""
    from app.cli.job_processes import JobProcesses
    from app.settings import job_settings

    with JobProcesses(job_settings().job_workers):
        _serve(host, port, workers)


def _serve(host: str, port: int, workers: int) -> None:
    """No access log: its lines would hold the positions of residents."""
    import uvicorn

    if workers > 1:
        _fork_workers()
    uvicorn.run(
        "app.cli.lifeline:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        access_log=False,
        server_header=False,
        # who is calling matters to sign-ins alone; looking it up costs every request, so a proxy must be named
        proxy_headers=bool(os.environ.get("FORWARDED_ALLOW_IPS")),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _fork_workers() -> None:
    """Let uvicorn start its workers by the fork server instead of each from nothing."""
    import uvicorn._subprocess

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["app.cli.preloaded"])
    uvicorn._subprocess.spawn = context  # type: ignore[assignment]  # uvicorn has no setting for it


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    given = parser.parse_args()
    from app.cli.serve import exit_quietly_on_termination

    exit_quietly_on_termination()  # uvicorn raises the signal again when it is done; jobs are still to be stopped
    run_service(given.host, given.port, given.workers)
