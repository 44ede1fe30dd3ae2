"""One job carried out in this process: what each way of ending leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from app.db.engine import make_engine
from app.models.vocabularies import Role
from app.services import job_runner
from app.services.actors import Actor
from app.services.job_kinds import Cancelled, JobCancelled, JobKind, JobWorld, Progress
from app.services.job_runner import Entry, ProgressWriter, Stop, carry_out
from tests.conftest import MakeDatabase
from tests.support.jobs import Nothing, job_of, officer, start

Work = Callable[[Progress, Cancelled], dict[str, Any]]


@pytest.fixture(scope="module")
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def who(engine: Engine) -> Actor:
    return officer(engine)


def no_snapshot() -> Any:
    raise AssertionError("nobody asked for one")


def done(engine: Engine, who: Actor, work: Work, *, stop: Stop | None = None, tries: int = 3) -> UUID:
    """Start a job and carry it out once."""

    def run(world: JobWorld, parameters: BaseModel, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
        return work(progress, cancelled)

    kind = JobKind("here", "此处", "Here", Role.VIEWER, Nothing, run)
    job_id = start(engine, who, kind)
    again(engine, job_id, kind, stop=stop, tries=tries)
    return job_id


def again(engine: Engine, job_id: UUID, kind: JobKind[Any], *, stop: Stop | None = None, tries: int = 3) -> None:
    queue_id = job_of(engine, job_id).queue_id
    assert queue_id is not None
    world = JobWorld(engine, no_snapshot)
    carry_out(world, lambda: {"here": kind}, Entry(queue_id, lambda: stop), tries=tries, describe=lambda _: {})


def breaks_off(progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
    if cancelled():
        raise JobCancelled
    return {}


def loses_the_database(progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
    raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))


def test_a_whole_result_is_done_whoever_asked_to_stop_meanwhile(engine: Engine, who: Actor) -> None:
    row = job_of(engine, done(engine, who, lambda *_: {"run_id": "r", "n": 1}, stop=Stop.CANCELLED))
    assert (row.state, row.result, row.run_id, row.progress) == ("done", {"run_id": "r", "n": 1}, "r", 1.0)


@pytest.mark.parametrize(
    ("stop", "state", "attempts"), [(Stop.CANCELLED, "cancelled", 1), (Stop.SHUTDOWN, "queued", 0), (None, "done", 1)]
)
def test_why_it_broke_off_decides(
    engine: Engine, who: Actor, stop: Stop | None, state: str, attempts: int
) -> None:  # fmt: skip
    row = job_of(engine, done(engine, who, breaks_off, stop=stop))
    assert (row.state, row.attempts, row.finished_at is None) == (state, attempts, state == "queued")


def test_a_lost_database_is_tried_again_and_counted(engine: Engine, who: Actor) -> None:
    def run(world: JobWorld, parameters: BaseModel, progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
        return loses_the_database(progress, cancelled)

    kind = JobKind("here", "此处", "Here", Role.VIEWER, Nothing, run)
    job_id = done(engine, who, loses_the_database, tries=2)
    seen = []
    for _ in range(2):
        row = job_of(engine, job_id)
        seen.append((row.state, row.attempts))
        again(engine, job_id, kind, tries=2)
    row = job_of(engine, job_id)
    assert seen == [("queued", 1), ("queued", 2)] and row.state == "failed"
    assert row.problem is not None and row.problem["code"] == "job_interrupted"


def test_an_entry_of_the_past_works_on_nothing(engine: Engine, who: Actor) -> None:
    job_id = done(engine, who, loses_the_database)  # it has another entry now
    with engine.connect() as connection:
        entries = connection.scalars(
            text("SELECT id FROM procrastinate_jobs WHERE args->>'job_id' = :id ORDER BY id"), {"id": str(job_id)}
        ).all()
    before = job_of(engine, job_id)
    assert len(entries) == 2 and before.queue_id == entries[1]

    def never(*_: Any) -> dict[str, Any]:
        raise AssertionError("it has begun")

    kind = JobKind("here", "此处", "Here", Role.VIEWER, Nothing, never)
    world = JobWorld(engine, no_snapshot)
    carry_out(world, lambda: {"here": kind}, Entry(entries[0], lambda: None), tries=3, describe=lambda _: {})
    assert job_of(engine, job_id) == before


def test_progress_never_falls_and_stays_a_share(
    engine: Engine, who: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(job_runner, "WRITE_SECONDS", 0.0)
    seen: list[float] = []
    held: list[UUID] = []

    def work(progress: Progress, cancelled: Cancelled) -> dict[str, Any]:
        assert isinstance(progress, ProgressWriter)
        with engine.connect() as connection:
            held.append(connection.scalars(text("SELECT id FROM jobs WHERE state = 'running'")).one())
        for share in (0.2, 0.6, 0.4, 7.0):
            progress(share, "零", "zero")
            seen.append(job_of(engine, held[0]).progress)
        return {}

    done(engine, who, work)
    assert seen == [0.2, 0.6, 0.6, 1.0]
