"""Jobs in real worker processes: done once, cancelled, taken up again after a death, given back at the end."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import make_engine
from app.db.processes import wait_until
from app.models.vocabularies import Role
from app.services.actors import Actor
from app.services.jobs import cancel_job
from tests.conftest import MakeDatabase
from tests.support.jobs import DIE, FALL, NAP, REFUSE, SECRET, job_of, officer, start, wait_for, worker


@pytest.fixture(scope="module")
def url(make_database: MakeDatabase) -> str:
    return make_database()


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    made = make_engine(url)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def who(engine: Engine) -> Actor:
    return officer(engine, Role.DISTRICT_OFFICER)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def cancel(engine: Engine, who: Actor, job_id: UUID) -> str:
    with Session(engine) as session, session.begin():
        return cancel_job(session, who, job_id).state


def is_emptied(engine: Engine) -> bool:
    """Is the queue empty, or soon? An entry is taken out when its worker is done with it, just after the end."""

    def is_empty() -> bool:
        with engine.connect() as connection:
            return connection.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0

    return wait_until(is_empty, seconds=5)


def test_two_workers_do_every_job_once(url: str, engine: Engine, who: Actor, tmp_path: Path) -> None:
    jobs = [start(engine, who, NAP, seconds=0.15, path=str(tmp_path / str(k))) for k in range(8)]
    with worker(url, tmp_path), worker(url, tmp_path):
        done = [wait_for(engine, job, "done") for job in jobs]
        pids = {row.result["pid"] for row in done if row.result}
        assert is_emptied(engine)
    assert len(pids) == 2, "both have worked"
    for k, row in enumerate(done):
        assert row.attempts == 1 and row.progress == 1.0 and row.result
        assert lines(tmp_path / str(k)) == [f"start {row.result['pid']}", f"end {row.result['pid']}"]


def test_a_queued_job_is_cancelled_at_once_and_never_begun(
    url: str, engine: Engine, who: Actor, tmp_path: Path
) -> None:
    job, other = (start(engine, who, NAP, seconds=0.1, path=str(tmp_path / name)) for name in ("one", "other"))
    assert cancel(engine, who, job) == cancel(engine, who, job) == "cancelled"
    with worker(url, tmp_path):
        wait_for(engine, other, "done")
        assert is_emptied(engine)
    row = job_of(engine, job)
    assert (row.state, row.attempts, row.finished_at is not None) == ("cancelled", 0, True)
    assert not (tmp_path / "one").exists()


def test_a_running_job_stops_within_a_second_or_two(url: str, engine: Engine, who: Actor, tmp_path: Path) -> None:
    job = start(engine, who, NAP, seconds=60, path=str(tmp_path / "nap"))
    with worker(url, tmp_path):
        wait_for(engine, job, "running")
        asked = time.monotonic()
        assert cancel(engine, who, job) == "running"
        assert cancel(engine, who, job) in ("running", "cancelled"), "asked again, it changes nothing"
        row = wait_for(engine, job, "cancelled", seconds=5)
        assert time.monotonic() - asked < 2.5
    assert row.cancel_asked_at is not None and row.result is None and len(lines(tmp_path / "nap")) == 1


def test_a_job_whose_worker_was_killed_is_taken_up_by_another(
    url: str, engine: Engine, who: Actor, tmp_path: Path
) -> None:
    job = start(engine, who, NAP, seconds=1.0, path=str(tmp_path / "nap"))
    with worker(url, tmp_path) as first:
        wait_for(engine, job, "running")
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert job_of(engine, job).state == "running", "nobody has noticed yet"
    with worker(url, tmp_path) as second:
        row = wait_for(engine, job, "done")
        assert row.attempts == 2 and row.result == {"pid": second.pid}
    assert lines(tmp_path / "nap") == [f"start {first.pid}", f"start {second.pid}", f"end {second.pid}"]


def test_a_worker_that_was_taken_for_dead_writes_nothing_any_more(
    url: str, engine: Engine, who: Actor, tmp_path: Path
) -> None:
    job = start(engine, who, NAP, seconds=1.5, path=str(tmp_path / "nap"))
    with worker(url, tmp_path) as first:
        wait_for(engine, job, "running")
        first.send_signal(signal.SIGSTOP)
        with worker(url, tmp_path) as second:
            while job_of(engine, job).attempts < 2:
                time.sleep(0.02)
            first.send_signal(signal.SIGCONT)
            row = wait_for(engine, job, "done")
            assert row.attempts == 2 and row.result == {"pid": second.pid}
            assert is_emptied(engine)
            time.sleep(0.3)
        assert job_of(engine, job) == row
    assert "job.was_another_s" in (tmp_path / "workers.log").read_text()


def test_a_worker_that_is_stopped_gives_its_job_back_uncounted(
    url: str, engine: Engine, who: Actor, tmp_path: Path
) -> None:
    job = start(engine, who, NAP, seconds=1.0, path=str(tmp_path / "nap"))
    with worker(url, tmp_path) as first:
        wait_for(engine, job, "running")
        first.send_signal(signal.SIGTERM)
        assert first.wait(5) == 0
    row = job_of(engine, job)
    assert (row.state, row.attempts, row.progress) == ("queued", 0, 0.0)
    assert row.message_en == "interrupted, queued again"
    with worker(url, tmp_path):
        begun = time.monotonic()
        assert wait_for(engine, job, "done").attempts == 1
        assert time.monotonic() - begun < 8, "it was not waited for a heartbeat to fail"


def test_a_job_that_kills_its_workers_fails_in_the_end(url: str, engine: Engine, who: Actor, tmp_path: Path) -> None:
    job = start(engine, who, DIE)
    for attempt in (1, 2):
        with worker(url, tmp_path, SKILLSMAP_JOB_TRIES="2") as process:
            assert process.wait(15) == -signal.SIGKILL
            assert job_of(engine, job).attempts == attempt
    with worker(url, tmp_path, SKILLSMAP_JOB_TRIES="2"):
        row = wait_for(engine, job, "failed")
        assert is_emptied(engine)
    assert row.problem is not None and row.problem["code"] == "job_interrupted" and row.attempts == 2
    assert "2" in row.problem["detail"][1]


def test_an_entry_whose_job_is_over_is_only_taken_out(
    url: str, engine: Engine, who: Actor, tmp_path: Path
) -> None:  # fmt: skip
    """As it is when a worker was killed between writing the end down and telling the queue."""
    job = start(engine, who, NAP, seconds=0.0, path=str(tmp_path / "nap"))
    over = "UPDATE jobs SET state = 'done', finished_at = now() WHERE id = :id"
    with engine.begin() as connection:
        connection.execute(text(over), {"id": job})
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    with worker(url, tmp_path):
        assert is_emptied(engine)
    assert job_of(engine, job).attempts == 0 and not (tmp_path / "nap").exists()


def test_failures_are_told_without_traces(url: str, engine: Engine, who: Actor, tmp_path: Path) -> None:
    fallen, refused = start(engine, who, FALL), start(engine, who, REFUSE)
    with worker(url, tmp_path):
        one, other = (wait_for(engine, job, "failed").problem for job in (fallen, refused))
    assert one is not None and one["code"] == "job_failed"
    assert "Traceback" not in json.dumps(one) and "secret" not in json.dumps(one) and ".py" not in json.dumps(one)
    assert other is not None and (other["code"], other["status"]) == ("refused", 422)
    assert other["errors"] == [{
        "field": "sites", "value": "900", "message": ["太多", "too many"], "remedy": ["少一些", "fewer"],
    }]  # fmt: skip
    log = (tmp_path / "workers.log").read_text()
    assert str(fallen) in log and "jobs.py" in log, "the log says where it was"
    assert SECRET not in log and "secret ###.######" in log


def test_progress_is_seen_while_it_runs(url: str, engine: Engine, who: Actor, tmp_path: Path) -> None:
    job = start(engine, who, NAP, seconds=1.6, path=str(tmp_path / "nap"))
    seen = set()
    with worker(url, tmp_path):
        while (row := job_of(engine, job)).state != "done":
            seen.add((row.progress, row.message_en))
            time.sleep(0.02)
    shares = sorted({share for share, message in seen if message == "asleep"})
    assert 2 <= len(shares) <= 5, "written twice a second, not at every one of eighty calls"
    assert 0 < shares[-1] < 1


def test_an_unknown_kind_fails_and_the_worker_goes_on(url: str, engine: Engine, who: Actor, tmp_path: Path) -> None:
    job = start(engine, who, NAP, seconds=0.0, path=str(tmp_path / "nap"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET kind = 'of_the_future' WHERE id = :id"), {"id": job})
    other = start(engine, who, NAP, seconds=0.0, path=str(tmp_path / "nap"))
    with worker(url, tmp_path) as process:
        problem = wait_for(engine, job, "failed").problem
        assert problem is not None and problem["code"] == "job_failed"
        result = wait_for(engine, other, "done").result
        assert result == {"pid": process.pid} and (tmp_path / "nap").exists()
