"""The service process that ``up`` starts, and its workers: none of them outlives its parent."""

from __future__ import annotations

import argparse
import multiprocessing
from typing import Any

from app.db.processes import die_with_parent

GRACE_SECONDS = 10  # for requests under way when the service is asked to stop


def create_app() -> Any:
    """The application; called in each worker, which the kernel then ends together with its supervisor."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None and supervisor.pid is not None:
        die_with_parent(supervisor.pid)
    from app.main import create_app as create

    return create()


def run_service(host: str, port: int, workers: int) -> None:
    """Serve until told to stop. No access log: its lines would hold the positions of residents."""
    import uvicorn

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
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    given = parser.parse_args()
    run_service(given.host, given.port, given.workers)
