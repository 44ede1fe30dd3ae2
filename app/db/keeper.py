"""The keeper: the small process that is the parent of the private PostgreSQL server.

``python -m app.db.keeper BASE durable|fast`` starts the server of the cluster in BASE, prints one line of JSON
(``{"ready": true}`` or ``{"zh": …, "en": …}``), and then does nothing but wait:

- every command that uses the cluster holds a shared lock on ``users.lock``; the keeper sleeps on the exclusive one.
  The kernel gives a lock back however its holder ends, so the keeper wakes when the last user has gone, kill -9
  included, and never before;
- the server is told by the kernel (PR_SET_PDEATHSIG) to shut down when the keeper itself is killed.

Standard library only, and no settings: it lives as long as the server does.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType

from app.db.cluster import (
    ClusterFault,
    ClusterFiles,
    ServerState,
    fault_with_log,
    find_programs,
    make_cluster,
    make_socket_folder,
    server_command,
    server_user,
)
from app.db.processes import (
    FileLock,
    dying_with_parent,
    identity,
    is_locked,
    plain_environment,
    process_exists,
    processes_in,
    wait_until,
)

PREVIOUS_SERVER_SECONDS = 60.0
START_SECONDS = 120.0  # crash recovery of a large load included
STOP_SECONDS = 60.0
LOG_LIMIT_BYTES = 10_000_000


def main() -> int:
    files = ClusterFiles(Path(sys.argv[1]))
    durable = sys.argv[2] == "durable"
    lock = FileLock(files.keeper_lock)
    if not lock.acquire(seconds=PREVIOUS_SERVER_SECONDS):
        return answer_fault(ClusterFault("上一个数据库仍未结束,请稍后再试。", "The previous server is still ending."))
    files.state.unlink(missing_ok=True)
    if not is_locked(files.users_lock, against_shared=True):
        return 0  # whoever wanted a server has gone in the meantime
    try:
        server, socket_folder = start(files, durable=durable)
    except ClusterFault as fault:
        return answer_fault(fault)
    except OSError as fault:
        return answer_fault(ClusterFault(f"无法启动数据库:{fault}", f"The database cannot be started: {fault}"))
    watch(server, files)
    files.write_state(ServerState(os.getpid(), server.pid, str(socket_folder)))
    answer({"ready": True})
    server.wait()
    files.state.unlink(missing_ok=True)
    if socket_folder != files.run:
        try:
            socket_folder.rmdir()
        except OSError:
            pass  # the next server uses it again
    return 0


def start(files: ClusterFiles, *, durable: bool) -> tuple[subprocess.Popen[bytes], Path]:
    """Start the server and wait until it takes connections. Raises ClusterFault."""
    programs = find_programs(files.data)
    user = server_user(files.data)
    make_cluster(files, programs, user, durable=durable)
    clear_previous(files)
    socket_folder = make_socket_folder(files, user)
    command = server_command(programs, files, socket_folder, durable=durable)
    server = spawn(command, files, user)
    if not wait_until(lambda: server.poll() is not None or is_ready(files, server.pid), seconds=START_SECONDS):
        stop(server)
    if server.poll() is not None:
        raise fault_with_log(
            f"PostgreSQL 无法启动(日志 {files.log})。",
            f"PostgreSQL does not start (log {files.log}).",
            files.log_tail(),
        )
    return server, socket_folder


def spawn(command: list[str], files: ClusterFiles, user: pwd.struct_passwd | None) -> subprocess.Popen[bytes]:
    if files.log.exists() and files.log.stat().st_size > LOG_LIMIT_BYTES:
        files.log.rename(files.log.with_suffix(".log.1"))
    with files.log.open("ab") as log:
        return subprocess.Popen(
            command,
            **identity(user),
            cwd="/",
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=dying_with_parent(signal.SIGINT),  # SIGINT: fast shutdown, nothing lost
        )


def is_ready(files: ClusterFiles, pid: int) -> bool:
    """The server itself says so in the eighth line of its pid file."""
    try:
        lines = (files.data / "postmaster.pid").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def clear_previous(files: ClusterFiles) -> None:
    """Wait for what is left of an earlier server; end it if it does not end itself; drop a stale pid file.

    The pid file is removed only when no process works in the data folder: its pid may since belong to a stranger,
    which PostgreSQL would take for a running server. Raises ClusterFault when the earlier server cannot be ended.
    """
    pid_file = files.data / "postmaster.pid"
    for signal_number, seconds in ((None, 5.0), (signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
        left = processes_in(files.data)
        if signal_number is not None:
            for pid in left:
                try:
                    os.kill(pid, signal_number)
                except ProcessLookupError:
                    continue
        if wait_until(lambda: not processes_in(files.data), seconds=seconds):
            break
    else:
        raise ClusterFault(
            f"目录 {files.data} 中仍有数据库进程 {processes_in(files.data)} 无法结束,请先结束它们。",
            f"Server processes {processes_in(files.data)} of {files.data} cannot be ended; end them first.",
        )
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if process_exists(pid):
        pid_file.unlink()


def watch(server: subprocess.Popen[bytes], files: ClusterFiles) -> None:
    """Arrange the end: when the last user has gone, or when we are told to stop."""

    def last_user_gone() -> None:
        FileLock(files.users_lock).acquire_exclusive_blocking()
        stop(server)

    def told(signal_number: int, frame: FrameType | None) -> None:
        threading.Thread(target=stop, args=(server,), daemon=True).start()

    signal.signal(signal.SIGTERM, told)
    signal.signal(signal.SIGINT, told)
    threading.Thread(target=last_user_gone, daemon=True).start()


def stop(server: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then harder; SIGQUIT costs a recovery at the next start, but loses nothing committed."""
    for signal_number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is None:
            server.send_signal(signal_number)
        try:
            server.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue


def answer(content: dict[str, object]) -> None:
    """One line to the starter, who may already be gone."""
    try:
        sys.stdout.write(json.dumps(content) + "\n")
        sys.stdout.flush()
    except OSError:
        pass
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def answer_fault(fault: ClusterFault) -> int:
    answer({"zh": fault.zh, "en": fault.en})
    return 1


if __name__ == "__main__":
    sys.exit(main())
