"""Kinds of jobs for tests, workers that know them, and waiting for what becomes of a job.

``python -m tests.support.jobs`` is a worker as ``./skillsmap jobs work`` is one, on DATABASE_URL, with these kinds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import ErrorItem, Refused
from app.models.vocabularies import AreaLevel, Role
from app.repositories import jobs as repo
from app.repositories.jobs import JobRow
from app.services.actors import Actor
from app.services.job_kinds import Cancelled, JobCancelled, JobKind, JobWorld, Progress
from app.services.jobs import start_job
from app.settings import PROJECT_ROOT, JobSettings
from tests.support.accounts import actor

SECRET = "secret 113.264385"
STALLED_SECONDS = 1.0
MANY = JobSettings(jobs_open=100)


class NapParameters(BaseModel):
    """Sleep for so long; ``path`` is a file that gets a line with the process at the start, and one at the end."""

    seconds: float
    path: str


def nap(world: JobWorld, parameters: NapParameters, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
    with Path(parameters.path).open("a") as file:
        file.write(f"start {os.getpid()}\n")
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < parameters.seconds:
        if cancelled():
            raise JobCancelled
        progress(passed / parameters.seconds, "小睡", "asleep")
        time.sleep(0.02)
    with Path(parameters.path).open("a") as file:
        file.write(f"end {os.getpid()}\n")
    return {"pid": os.getpid()}


class Nothing(BaseModel):
    """No parameters."""


def fall(world: JobWorld, parameters: Nothing, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
    raise RuntimeError(SECRET)


def refuse(world: JobWorld, parameters: Nothing, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
    item = ErrorItem("sites", "太多", "too many", value="900", remedy_zh="少一些", remedy_en="fewer")
    raise Refused("无法回答此题。", "This has no answer.", errors=[item])


def die(world: JobWorld, parameters: Nothing, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


NAP = JobKind("nap", "小睡", "Nap", Role.DISTRICT_OFFICER, NapParameters, nap)
FALL = JobKind("fall", "跌倒", "Fall", Role.VIEWER, Nothing, fall)
REFUSE = JobKind("refuse", "拒答", "Refuse", Role.VIEWER, Nothing, refuse)
DIE = JobKind("die", "死亡", "Die", Role.VIEWER, Nothing, die)
KINDS = {kind.name: kind for kind in (NAP, FALL, REFUSE, DIE)}


def officer(engine: Engine, role: Role = Role.ADMINISTRATOR) -> Actor:
    """Write an account of the city, and act as it."""
    with Session(engine) as session, session.begin():
        return actor(session, role, "T1", level=AreaLevel.CITY)


def start(engine: Engine, who: Actor, kind: JobKind[Any], **parameters: Any) -> UUID:
    with Session(engine) as session, session.begin():
        return start_job(session, who, kind, kind.parameters(**parameters), MANY).id


def job_of(engine: Engine, job_id: UUID) -> JobRow:
    with Session(engine) as session:
        found = repo.get_job(session, job_id)
    assert found is not None
    return found


def wait_for(engine: Engine, job_id: UUID, *states: str, seconds: float = 15.0) -> JobRow:
    """The job as soon as it is in one of the states."""
    until = time.monotonic() + seconds
    while (found := job_of(engine, job_id)).state not in states:
        assert time.monotonic() < until, f"still {found.state} {found.progress} after {seconds} s"
        time.sleep(0.02)
    return found


@contextmanager
def worker(url: str, home: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process; killed at the end if it is still there."""
    environment = {
        **os.environ, "DATABASE_URL": url, "SKILLSMAP_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT),
        "SKILLSMAP_JOB_STALLED_SECONDS": str(STALLED_SECONDS), **settings,
    }  # fmt: skip
    with (home / "workers.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.jobs"], cwd=PROJECT_ROOT, env=environment, stderr=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def main() -> None:
    from app.api import logs
    from app.db.engine import make_engine, usable_role
    from app.services.job_worker import Worker, world_of
    from app.settings import home_settings, job_settings

    logs.configure("info")
    url = os.environ["DATABASE_URL"]
    role = usable_role(url)
    engine = make_engine(url, role=role)
    Worker(
        url=url, role=role, world=world_of(engine, home_settings()), kinds=lambda: KINDS, settings=job_settings(),
        poll_seconds=1.0, describe=logs.describe,
    ).work()  # fmt: skip


if __name__ == "__main__":
    main()
