"""The process for jobs beside the service: there with it, begun again, gone with it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from app.cli import job_processes
from app.cli.job_processes import JobProcesses
from app.db.processes import has_ended, wait_until
from tests.conftest import MakeDatabase
from tests.support.running import left_of, running_up, status_of


def workers_of(home: Path) -> list[int]:
    return [int(line.split()[0]) for line in left_of(home) if "app.cli jobs work" in line]


def test_up_runs_one_that_comes_again_and_goes_with_it(home: Path) -> None:
    with running_up(home) as (process, address):
        assert wait_until(lambda: len(workers_of(home)) == 1, seconds=20)
        (first,) = workers_of(home)
        log = home / "logs" / "service.log"
        assert wait_until(lambda: log.read_text().count("job_worker.started") == 1, seconds=30)
        os.kill(first, signal.SIGKILL)
        assert wait_until(lambda: bool(workers_of(home)) and workers_of(home) != [first], seconds=20)
        assert status_of(address) == 200
        assert wait_until(lambda: log.read_text().count("job_worker.started") == 2, seconds=30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert left_of(home) == []
        assert "job_worker.stopped" in log.read_text(), "it was told to stop, not killed"


@pytest.mark.slow
def test_none_where_none_is_wanted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLSMAP_JOB_WORKERS", "0")
    with running_up(home):
        assert not wait_until(lambda: bool(workers_of(home)), seconds=job_processes.START_SECONDS + 2)


def test_one_that_cannot_begin_is_tried_less_and_less_often(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its database is not there; leaving the block ends it all the same."""
    monkeypatch.setenv("DATABASE_URL", f"{make_database()}_gone")
    monkeypatch.setattr(job_processes, "START_SECONDS", 0.0)
    monkeypatch.setattr(job_processes, "AGAIN_SECONDS", (0.05, 0.2))
    began: list[int] = []
    start = JobProcesses._started

    def noted(self: JobProcesses) -> object:
        child = start(self)
        began.append(child.pid)
        return child

    monkeypatch.setattr(JobProcesses, "_started", noted)
    with JobProcesses(1):
        assert wait_until(lambda: len(began) >= 2, seconds=30)
    assert all(has_ended(pid) for pid in began)
