"""The worker: takes jobs from the queue, one at a time, and looks after those whose worker died.

Procrastinate runs the loop (queue, heartbeat, being told of new and of cancelled jobs); the work itself is done in a
thread, so that the loop goes on meanwhile. What computes is loaded with the first job: an idle worker is small.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import AbortReason
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.engine import connection_options, libpq_url
from app.repositories.job_queue import QUEUE, TASK
from app.services.job_kinds import JobWorld
from app.services.job_runner import Describe, Entry, Kinds, Stop, carry_out, take_up_again
from app.settings import HomeSettings, JobSettings

if TYPE_CHECKING:
    from app.services.snapshot import Snapshot
    from app.services.snapshot_holder import SnapshotHolder

CANCEL_POLL_SECONDS = 1.0  # a worker is told of a cancelled job at once; this is for when it was not
STOPS = {AbortReason.USER_REQUEST: Stop.CANCELLED, AbortReason.SHUTDOWN: Stop.SHUTDOWN}

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Worker:
    """What a worker is given. ``role``: the role of the database that it acts as, like ``engine``."""

    url: str
    role: str | None
    world: JobWorld
    kinds: Kinds
    settings: JobSettings
    poll_seconds: float
    describe: Describe

    def work(self, *, once: bool = False) -> None:
        """Work until SIGTERM or SIGINT (``once``: until the queue is empty). A job that is cut off is queued again.

        Raises DBAPIError or ConnectorException when the database is lost.
        """
        _forward_library_log()
        asyncio.run(self._run(once))

    async def _run(self, once: bool) -> None:
        seconds = self.settings.job_stalled_seconds
        asyncio.get_running_loop().set_exception_handler(_note_of_loop)
        app = self._app()
        async with app.open_async():
            await self._look_for_stalled(app)
            watching = asyncio.create_task(self._watch_stalled(app))
            log.info("job_worker.started")
            try:
                await app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=1,
                    wait=not once,
                    fetch_job_polling_interval=self.poll_seconds,
                    abort_job_polling_interval=CANCEL_POLL_SECONDS,
                    shutdown_graceful_timeout=0,  # whoever stops the service does not wait for a job to end
                    update_heartbeat_interval=seconds / 4,
                    stalled_worker_timeout=seconds,
                    delete_jobs="always",  # what came of a job stands in our own table
                )
            finally:
                watching.cancel()
                log.info("job_worker.stopped")

    def _app(self) -> App:
        options = connection_options(self.role)
        app = App(connector=PsycopgConnector(conninfo=libpq_url(self.url), kwargs=options, min_size=1, max_size=4))

        @app.task(name=TASK, queue=QUEUE, pass_context=True)
        def run_job(context: JobContext, job_id: str) -> None:
            assert context.job.id is not None
            entry = Entry(context.job.id, lambda: STOPS.get(reason) if (reason := context.abort_reason()) else None)
            carry_out(self.world, self.kinds, entry, tries=self.settings.job_tries, describe=self.describe)

        return app

    async def _watch_stalled(self, app: App) -> None:
        while True:
            await asyncio.sleep(self.settings.job_stalled_seconds / 4)
            try:
                await self._look_for_stalled(app)
            except (ConnectorException, DBAPIError) as fault:  # the queue's own loop will find it, too
                log.warning("job_worker.stalled_not_looked_for", error=type(fault).__name__)

    async def _look_for_stalled(self, app: App) -> None:
        """Queue the jobs again of workers that have not been heard of for too long."""
        seconds = self.settings.job_stalled_seconds
        for entry in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=seconds):
            assert entry.id is not None
            job_id = await asyncio.to_thread(self._take_up_again, entry.id)
            if job_id is not None:
                log.warning("job.taken_up_again", job=job_id)

    def _take_up_again(self, queue_id: int) -> str | None:
        with Session(self.world.engine) as session, session.begin():
            found = take_up_again(session, queue_id)
        return None if found is None else str(found)


def world_of(engine: Engine, home: HomeSettings) -> JobWorld:
    """The world of this process: a snapshot is loaded when the first job asks for one, and then kept up to date."""
    held: list[SnapshotHolder] = []

    def snapshot() -> Snapshot:
        from app.services.snapshot_holder import SnapshotHolder

        if not held:
            held.append(SnapshotHolder(engine, home))
        held[0].refresh()
        return held[0].current()

    return JobWorld(engine, snapshot)


class _Forward(logging.Handler):
    """What procrastinate has to say, as lines of this service's log: without arguments and without traces."""

    def emit(self, record: logging.LogRecord) -> None:
        log.warning("job_worker.library", text=record.getMessage()[:200])


def _note_of_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """E.g. the queue's complaint that an entry is gone, of a worker that was taken for dead and lived."""
    fault = context.get("exception")
    log.warning("job_worker.loop", text=str(context.get("message"))[:200], error=type(fault).__name__)


def _forward_library_log() -> None:
    library = logging.getLogger("procrastinate")
    library.setLevel(logging.WARNING)
    library.propagate = False
    if not library.handlers:
        library.addHandler(_Forward())
