"""``up`` from start to end, as a person runs it: its own process, its own home, a real port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from app.cli.addresses import choose_port
from app.cli.claim import HomeClaim
from app.db.check import check_database
from app.db.embedded import PrivateCluster
from app.db.processes import wait_until
from app.settings import PROJECT_ROOT
from tests.conftest import MakeDatabase
from tests.support.running import READY_SECONDS, command, left_of, run, running_up, status_of


def test_from_nothing_to_ready_and_back_to_nothing(home: Path) -> None:
    with running_up(home) as (process, address):
        assert status_of(address) == 200
        claim = HomeClaim(home).read()
        assert claim is not None and (claim.pid, claim.url, claim.ready) == (process.pid, address, True)

        second = run(home, "up", "--empty")
        assert second.returncode == 1
        assert str(process.pid) in second.stderr and address in second.stderr
        assert status_of(address) == 200, "the refused one has harmed nothing"

        shared = run(home, "db", "psql", "-Atc", "SELECT count(*) FROM alembic_version")
        assert (shared.returncode, shared.stdout.strip()) == (0, "1")
        assert status_of(address) == 200, "a command that used the same database has not ended it"

        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert left_of(home) == []
        assert not HomeClaim(home).is_held()
    assert run(home, "down").stdout.strip() == "没有在运行的服务 · nothing was running"


def test_down_stops_it_and_workers_are_several(home: Path) -> None:
    with running_up(home, "--workers", "2") as (process, address):
        forked = [int(line.split()[0]) for line in left_of(home) if "multiprocessing.forkserver" in line]
        assert len(forked) == 3, "the two workers and the process that they are forked from"
        rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() for pid in forked]
        shared = [int(line.split()[1]) for lines in rollups for line in lines if line.startswith("Shared_Dirty:")]
        assert min(shared) > 30_000, "kB of modules that the workers have in common"
        assert status_of(address) == 200
        done = run(home, "down")
        assert (done.returncode, done.stdout.strip()) == (0, "已停止 · stopped")
        assert process.wait(5) == 0
        assert left_of(home) == []


def test_ctrl_c(home: Path) -> None:
    with running_up(home) as (process, _):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)  # an impatient second one changes nothing
        assert process.wait(60) == 130
        assert left_of(home) == []


def test_kill_9_leaves_nothing_and_up_again_works(home: Path) -> None:
    with running_up(home, "--workers", "2") as (process, _):
        process.kill()
        process.wait()
        assert wait_until(lambda: not left_of(home), seconds=20), left_of(home)
    with running_up(home) as (_, address):
        assert status_of(address) == 200


def test_kill_9_of_the_database_ends_up_with_an_explanation(home: Path) -> None:
    with running_up(home) as (process, _):
        state = PrivateCluster(home).files.read_state()
        assert state is not None
        os.kill(state.postgres_pid, signal.SIGKILL)
        assert process.wait(60) == 1
        assert "The private database ended unexpectedly" in (home.parent / "stderr.txt").read_text()
        assert wait_until(lambda: not left_of(home), seconds=20), left_of(home)
    with running_up(home) as (_, address):
        assert status_of(address) == 200, "it recovers by itself"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_kill_9_of_the_service_ends_up_with_an_explanation(home: Path, workers: str) -> None:
    with running_up(home, "--workers", workers) as (process, _):
        (service,) = [line for line in left_of(home) if "app.cli.lifeline" in line]
        os.kill(int(service.split()[0]), signal.SIGKILL)
        assert process.wait(60) == 1
        assert "The service ended unexpectedly" in (home.parent / "stderr.txt").read_text()
        assert wait_until(lambda: not left_of(home), seconds=20), left_of(home)


def test_termination_while_the_database_is_being_made(home: Path) -> None:
    line, environment = command(home, "up", "--empty", "--port", "0")
    process = subprocess.Popen(line, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert wait_until(lambda: (home / "postgres").exists() and any((home / "postgres").glob("data.new-*")), seconds=30)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"ready" not in said
    assert wait_until(lambda: not left_of(home), seconds=20), left_of(home)
    with running_up(home) as (_, address):
        assert status_of(address) == 200


def test_a_taken_port_is_named(home: Path) -> None:
    with running_up(home) as (_, address):
        port = address.rpartition(":")[2]
        other = home.with_name("other")
        done = run(other, "up", "--empty", "--port", port)
        assert done.returncode == 1
        assert f"--port = {port}" in done.stderr
        assert not (other / "postgres").exists(), "refused before anything is made"


def test_the_claim_file_is_json(home: Path) -> None:
    home.mkdir()
    with HomeClaim(home) as claim:
        assert json.loads(claim.path.read_text())["pid"] == os.getpid()
        assert HomeClaim(home).is_held()
    assert not HomeClaim(home).is_held()


def test_a_given_database_is_used_and_left_running(home: Path, make_database: MakeDatabase) -> None:
    line, environment = command(home, "serve", "--port", "0")
    url = make_database()
    port = choose_port("127.0.0.1", 0)
    line[-1] = str(port)
    process = subprocess.Popen(line, cwd=PROJECT_ROOT, env={**environment, "DATABASE_URL": url})
    try:
        assert wait_until(lambda: answers(f"http://127.0.0.1:{port}"), seconds=READY_SECONDS, every_seconds=0.2)
        assert not (home / "postgres").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    check_database(url)


def answers(address: str) -> bool:
    try:
        return status_of(address) == 200
    except OSError:
        return False
