"""The private cluster: started by the first, shared by all, ended by the last, and nothing left by a kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.db.cluster import SOCKET_PATH_LIMIT_BYTES, ServerState, socket_file
from app.db.embedded import PrivateCluster
from app.db.engine import libpq_url, make_engine
from app.db.processes import has_ended, processes_in, wait_until
from app.errors import DatabaseUnavailable
from app.settings import PROJECT_ROOT

HOLD = """
import sys, time
from pathlib import Path
from app.db.embedded import PrivateCluster
cluster = PrivateCluster(Path(sys.argv[1]), durable=False)
cluster.open()
print("open", flush=True)
sys.stdin.read()
cluster.close()
print("closed", flush=True)
"""


@contextmanager
def another_user(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another command that uses the cluster until its standard input is closed."""
    user = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert user.stdout is not None
    assert user.stdout.readline() == "open\n"
    try:
        yield user
    finally:
        user.kill()
        user.communicate()


def state_of(home: Path) -> ServerState:
    state = PrivateCluster(home).files.read_state()
    assert state is not None
    return state


def is_gone(home: Path) -> bool:
    cluster = PrivateCluster(home)
    return not cluster.is_running() and not processes_in(cluster.files.data)


def ask(url: str, query: str) -> object:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        cursor = connection.execute(query)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_it_starts_with_postgis_and_ends_with_nothing_left(home: Path) -> None:
    cluster = PrivateCluster(home, durable=False)
    url = cluster.open()
    assert str(ask(url, "SELECT postgis_lib_version()")).startswith("3.")
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SHOW listen_addresses") == ""
    assert ask(url, "SHOW timezone") == "UTC"
    state = state_of(home)
    cluster.close()
    assert is_gone(home)
    assert wait_until(lambda: has_ended(state.keeper_pid), seconds=5)
    assert not cluster.files.state.exists()


def test_nobody_else_of_the_machine_can_enter(home: Path) -> None:
    with PrivateCluster(home, durable=False):
        assert Path(state_of(home).socket_folder).stat().st_mode & 0o077 == 0
        assert (PrivateCluster(home).files.data).stat().st_mode & 0o077 == 0


def test_the_real_one_is_durable(home: Path) -> None:
    with PrivateCluster(home) as url:
        assert [ask(url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == ["on"] * 3
        assert ask(url, "SHOW data_checksums") == "on"


def test_trigrams_work_for_chinese(home: Path) -> None:
    with PrivateCluster(home, durable=False) as url:
        ask(url, "CREATE EXTENSION pg_trgm")
        assert ask(url, "SELECT '天河区员村街站' % '天河区员村站'") is True
        assert ask(url, "SELECT '天河区员村街站' % '番禺区市桥站'") is False


def test_a_second_user_joins_and_the_last_one_ends_it(stopped_home: Path) -> None:
    first, second = PrivateCluster(stopped_home, durable=False), PrivateCluster(stopped_home, durable=False)
    url = first.open()
    state = state_of(stopped_home)
    assert second.open() == url
    assert state_of(stopped_home) == state
    first.close()
    assert ask(url, "SELECT 1") == 1
    second.close()
    assert is_gone(stopped_home)


def test_the_starter_may_leave_first(stopped_home: Path) -> None:
    with another_user(stopped_home) as starter:
        cluster = PrivateCluster(stopped_home, durable=False)
        url = cluster.open()
        assert starter.pid in cluster.user_pids()
        starter.send_signal(signal.SIGKILL)
        starter.wait()
        assert ask(url, "SELECT 1") == 1
        assert cluster.user_pids() == [os.getpid()]
        cluster.close()
    assert is_gone(stopped_home)


def test_many_at_once_share_one_server(stopped_home: Path) -> None:
    clusters = [PrivateCluster(stopped_home, durable=False) for _ in range(5)]
    with ThreadPoolExecutor(len(clusters)) as pool:
        urls = list(pool.map(lambda cluster: cluster.open(), clusters))
        servers = [ask(url, "SELECT pg_postmaster_start_time()") for url in urls]
        assert len(set(servers)) == 1
        list(pool.map(lambda cluster: cluster.close(), clusters))
    assert is_gone(stopped_home)


def test_opening_while_it_is_ending(stopped_home: Path) -> None:
    for _ in range(5):
        cluster = PrivateCluster(stopped_home, durable=False)
        cluster.open()
        assert cluster._hold is not None
        cluster._hold.release()  # gone without waiting for the end
        with PrivateCluster(stopped_home, durable=False) as url:
            assert ask(url, "SELECT 1") == 1
    assert is_gone(stopped_home)


def test_kill_9_of_the_only_user_leaves_nothing(stopped_home: Path) -> None:
    with another_user(stopped_home) as user:
        keeper = state_of(stopped_home).keeper_pid
        user.send_signal(signal.SIGKILL)
        user.wait()
        assert wait_until(lambda: is_gone(stopped_home) and has_ended(keeper), seconds=20)


def test_kill_9_of_the_keeper_takes_the_server_along(stopped_home: Path) -> None:
    cluster = PrivateCluster(stopped_home, durable=False)
    url = cluster.open()
    ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(state_of(stopped_home).keeper_pid, signal.SIGKILL)
    assert wait_until(lambda: is_gone(stopped_home), seconds=20)
    cluster.close()
    with PrivateCluster(stopped_home, durable=False) as url:
        assert ask(url, "SELECT n FROM kept") == 7


def test_kill_9_of_the_server_loses_nothing_committed(stopped_home: Path) -> None:
    with PrivateCluster(stopped_home) as url:
        ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
        open_transaction = psycopg.connect(libpq_url(url))
        open_transaction.execute("INSERT INTO kept VALUES (8)")
        state = state_of(stopped_home)
        os.kill(state.postgres_pid, signal.SIGKILL)
        assert wait_until(lambda: has_ended(state.keeper_pid), seconds=20), "its keeper has nothing to keep"
        open_transaction.close()
        assert (PrivateCluster(stopped_home).files.data / "postmaster.pid").exists()
        with PrivateCluster(stopped_home) as again:
            assert ask(again, "SELECT sum(n) FROM kept") == 7


def test_a_pid_file_that_names_a_stranger_is_stale(stopped_home: Path) -> None:
    """After a restart of the machine the pid may belong to anybody; PostgreSQL itself would refuse to start."""
    files = PrivateCluster(stopped_home).files
    owner = files.data.stat().st_uid
    stranger = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None)
    pid_file = files.data / "postmaster.pid"
    pid_file.write_text(f"{stranger.pid}\n{files.data}\n1700000000\n5432\n/tmp\n\n1 1\nready\n")
    os.chown(pid_file, owner, -1)
    try:
        with PrivateCluster(stopped_home, durable=False) as url:
            assert ask(url, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_orphaned_server_is_ended(stopped_home: Path) -> None:
    """Started by hand, or left by another program: it works in our folder, so it is ours to end."""
    cluster = PrivateCluster(stopped_home, durable=False)
    assert cluster.end_orphan() is False
    from app.db.cluster import find_programs, server_command, server_user
    from app.db.processes import identity, plain_environment

    command = server_command(find_programs(cluster.files.data), cluster.files, cluster.files.run, durable=False)
    user = server_user(cluster.files.data)
    with cluster.files.log.open("ab") as log:
        server = subprocess.Popen(command, **identity(user), env=plain_environment(), cwd="/", stderr=log)
    assert wait_until(lambda: socket_file(cluster.files.run).exists(), seconds=20)
    # the server is our child here, so its end is seen only when we ask for it
    with ThreadPoolExecutor(1) as pool:
        reaped = pool.submit(server.wait)
        assert cluster.end_orphan() is True
        assert reaped.result(timeout=20) == 0
    assert is_gone(stopped_home)


def test_what_an_interrupted_initdb_left_is_cleared(home: Path) -> None:
    half = home / "postgres" / "data.new-interrupted"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("15")
    with PrivateCluster(home, durable=False) as url:
        assert ask(url, "SELECT 1") == 1
    assert not half.exists()


@pytest.mark.parametrize("name", ["技能 地图+100%", "a,b", "x" * (SOCKET_PATH_LIMIT_BYTES - 30)])
def test_odd_and_long_names(make_home: Callable[[str], Path], name: str) -> None:
    home = make_home(name)
    with PrivateCluster(home, durable=False) as url:
        assert ask(url, "SELECT 1") == 1
        engine = make_engine(url)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT current_database()").scalar() == "skillsmap"
        engine.dispose()
        socket_folder = Path(state_of(home).socket_folder)
    assert not socket_file(socket_folder).exists()
    assert socket_folder.is_relative_to(home) or not socket_folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's clusters are run by another user")
def test_a_home_that_the_servers_user_cannot_reach(make_home: Callable[[str], Path]) -> None:
    home = make_home("home")
    home.parent.chmod(0o700)
    try:
        with PrivateCluster(home, durable=False) as url:
            ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
        pointer = home / "postgres.location"
        elsewhere = Path(pointer.read_text(encoding="utf-8").strip())
        assert (elsewhere / "home.txt").read_text(encoding="utf-8").strip() == str(home)
        with PrivateCluster(home, durable=False) as url:
            assert ask(url, "SELECT n FROM kept") == 7
        assert not processes_in(elsewhere / "data")
    finally:
        shutil.rmtree(elsewhere)


def test_a_home_that_is_a_file(make_home: Callable[[str], Path]) -> None:
    home = make_home("home")
    home.write_text("")
    with pytest.raises(DatabaseUnavailable, match="SKILLSMAP_HOME"):
        PrivateCluster(home).open()


def test_a_cluster_of_a_version_that_is_not_installed(stopped_home: Path) -> None:
    version = PrivateCluster(stopped_home).files.data / "PG_VERSION"
    version.write_text("99\n")
    with pytest.raises(DatabaseUnavailable, match="postgresql-99-postgis-3"):
        PrivateCluster(stopped_home).open()
    assert is_gone(stopped_home)


def test_a_server_that_does_not_start_says_why(stopped_home: Path) -> None:
    settings = PrivateCluster(stopped_home).files.data / "postgresql.conf"
    settings.write_text("no_such_setting = 1\n")
    with pytest.raises(DatabaseUnavailable, match="no_such_setting"):
        PrivateCluster(stopped_home).open()
    assert is_gone(stopped_home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_a_full_disk_is_said_and_leaves_nothing_half_made(make_home: Callable[[str], Path]) -> None:
    disk = make_home("disk")
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        cluster = PrivateCluster(disk / "home", durable=False)
        with pytest.raises(DatabaseUnavailable, match="The disk is full") as caught:
            cluster.open()
        assert "磁盘空间已满" in caught.value.message_zh
        assert not list(cluster.files.base.glob("data*"))
        assert wait_until(lambda: is_gone(disk / "home"), seconds=10)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
