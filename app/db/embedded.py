"""The private PostGIS of a home folder, shared by all commands that use the home.

The first user starts it (through ``keeper.py``), further ones join, and it ends when the last one has gone:
``up`` is a user like an import that runs beside it, so neither can pull the database away from under the other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import sql
from sqlalchemy import URL

from app.db.cluster import DATABASE, SUPERUSER, ClusterFault, ClusterFiles, fault_with_log, locate
from app.db.engine import render
from app.db.keeper import clear_previous
from app.db.processes import FileLock, is_locked, lock_holders, processes_in, wait_until
from app.errors import DatabaseUnavailable
from app.settings import PROJECT_ROOT

JOIN_SECONDS = 90.0  # a server that is just ending is waited for
START_SECONDS = 300.0
STOP_SECONDS = 90.0

Notify = Callable[[str, str], None]


def quiet(message_zh: str, message_en: str) -> None:
    """Tells nobody."""


class PrivateCluster:
    """One user's hold on the private cluster of ``home``.

    ``durable=False`` (tests only) trades safety against power failure for speed. ``notify`` is called with a Chinese
    and an English text before something that takes seconds.
    """

    def __init__(self, home: Path, *, durable: bool = True, notify: Notify = quiet) -> None:
        self.home = home.absolute()
        self.durable = durable
        self.notify = notify
        self._files: ClusterFiles | None = None
        self._hold: FileLock | None = None

    @property
    def files(self) -> ClusterFiles:
        if self._files is None:
            try:
                self._files = locate(self.home)
            except ClusterFault as fault:
                raise unavailable(fault) from fault
        return self._files

    def open(self) -> str:
        """Start the server or join it; the URL of the database ``skillsmap``, PostGIS included.

        Raises DatabaseUnavailable with PostgreSQL's own words and the remedy.
        """
        files = self.files
        try:
            self._join(files)
        except PermissionError as fault:
            raise DatabaseUnavailable(
                f"{files.base} 属于另一个系统用户。请用建立它的用户运行,或用 SKILLSMAP_HOME 指定另一目录。",
                f"{files.base} belongs to another user of this machine. Run as the user who made it, "
                "or name another folder in SKILLSMAP_HOME.",
            ) from fault
        try:
            return self._serve(files)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go. When nobody else uses the cluster, return only after its server has ended."""
        if self._hold is None:
            return
        self._hold.release()
        self._hold = None
        files = self.files
        busy = 0

        def ended_or_used() -> bool:
            nonlocal busy
            if not is_locked(files.keeper_lock):
                return True
            # a shared lock is granted beside other users, never beside a keeper that is ending the server
            used = not is_locked(files.users_lock) and is_locked(files.users_lock, against_shared=True)
            busy = busy + 1 if used else 0
            return busy >= 3

        wait_until(ended_or_used, seconds=STOP_SECONDS, every_seconds=0.02)

    def is_running(self) -> bool:
        """Whether a server runs for this home."""
        return is_locked(self.files.keeper_lock)

    def user_pids(self) -> list[int]:
        """Pids of the commands that use the cluster, as far as the kernel tells."""
        state = self.files.read_state()
        keeper = state.keeper_pid if state else -1
        return [pid for pid in lock_holders(self.files.users_lock) if pid != keeper]

    def end_orphan(self) -> bool:
        """End a server that lost its keeper, if there is one; True when one was found. Raises DatabaseUnavailable."""
        if self.is_running() or not processes_in(self.files.data):
            return False
        try:
            clear_previous(self.files)
        except ClusterFault as fault:
            raise unavailable(fault) from fault
        return True

    def __enter__(self) -> str:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _join(self, files: ClusterFiles) -> None:
        hold = FileLock(files.users_lock)
        if not hold.acquire(shared=True, seconds=JOIN_SECONDS):
            raise DatabaseUnavailable(
                f"数据库正在停止,等待 {JOIN_SECONDS:.0f} 秒后仍未结束。请稍后再试,或执行 ./skillsmap down。",
                f"The database is still stopping after {JOIN_SECONDS:.0f} s. Try again, or run ./skillsmap down.",
            )
        self._hold = hold

    def _serve(self, files: ClusterFiles) -> str:
        start_lock = FileLock(files.start_lock)
        if not start_lock.acquire(seconds=START_SECONDS):
            raise DatabaseUnavailable(
                "另一个命令正在启动数据库,迟迟没有完成。请执行 ./skillsmap down 后再试。",
                "Another command has been starting the database for too long. Run ./skillsmap down and try again.",
            )
        try:
            for attempt in (1, 2):
                state = files.read_state() if is_locked(files.keeper_lock) else None
                if state is None:
                    self._start_keeper(files)
                    state = files.read_state()
                try:
                    if state is None:
                        raise psycopg.OperationalError("the server ended at once")
                    ensure_database(state.socket_folder)
                    return cluster_url(state.socket_folder, DATABASE)
                except psycopg.OperationalError as fault:
                    # the server died a moment ago, and its keeper is about to notice
                    if attempt == 2 or not wait_until(lambda: not is_locked(files.keeper_lock), seconds=10.0):
                        refused = fault_with_log(
                            f"内置数据库不接受连接(日志 {files.log})。",
                            f"The private database takes no connections (log {files.log}).",
                            f"{fault}\n{files.log_tail()}",
                        )
                        raise unavailable(refused) from fault
            raise AssertionError("unreachable")
        finally:
            start_lock.release()

    def _start_keeper(self, files: ClusterFiles) -> None:
        if not files.data.exists():
            self.notify(f"正在建立内置数据库:{files.base}", f"making the private database in {files.base}")
        with files.log.open("ab") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "app.db.keeper", str(files.base), "durable" if self.durable else "fast"],
                cwd=PROJECT_ROOT,
                env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # a Ctrl-C of the terminal is ours to handle, not the server's
            )
        assert keeper.stdout is not None
        with keeper.stdout:
            line = keeper.stdout.readline()
        _keepers.append(keeper)
        try:
            told = json.loads(line)
        except ValueError:
            ended = fault_with_log(
                f"内置数据库的看守进程意外结束(日志 {files.log})。",
                f"The keeper of the private database ended unexpectedly (log {files.log}).",
                files.log_tail(),
            )
            raise unavailable(ended) from None
        if not told.get("ready"):
            keeper.wait()
            raise DatabaseUnavailable(told["zh"], told["en"])


# kept so that a keeper that ends before us is reaped and Popen does not warn about a running child
_keepers: list[subprocess.Popen[bytes]] = []


def cluster_url(socket_folder: str, database: str) -> str:
    """``postgresql://…`` of a database of the cluster, over its unix socket."""
    query = {"host": socket_folder}
    return render(URL.create("postgresql", username=SUPERUSER, database=database, query=query))


def ensure_database(socket_folder: str) -> None:
    """Create the database ``skillsmap`` and PostGIS in it, where missing. Raises psycopg.OperationalError."""
    with psycopg.connect(host=socket_folder, user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    with psycopg.connect(host=socket_folder, user=SUPERUSER, dbname=DATABASE, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'postgis'").fetchone()
        if found is None:
            connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")


def unavailable(fault: ClusterFault) -> DatabaseUnavailable:
    return DatabaseUnavailable(fault.zh, fault.en)
