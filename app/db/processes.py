"""Processes and locks: who dies with whom, and who may go on. Linux only, standard library only."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int, signal_number: int = signal.SIGKILL) -> None:
    """Ask the kernel to send ``signal_number`` to this process as soon as its parent ends, however it ends.

    ``parent_pid`` is the parent as it was known before the fork: if it is already gone, this process ends at once.
    """
    _libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def dying_with_parent(signal_number: int) -> Callable[[], None]:
    """A ``preexec_fn`` for ``subprocess.Popen``; it runs after the change of user, which would clear the wish."""
    parent_pid = os.getpid()
    return lambda: die_with_parent(parent_pid, signal_number)


def process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def has_ended(pid: int) -> bool:
    """Whether the process is gone, or only waits for its parent to notice (a zombie)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state in "ZX"


def processes_in(folder: Path) -> list[int]:
    """Pids of the processes whose working directory is ``folder``: a PostgreSQL server and all its backends.

    Processes of other users are not seen unless this process is root's.
    """
    wanted = folder.resolve()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == wanted:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def wait_until(condition: Callable[[], bool], *, seconds: float, every_seconds: float = 0.05) -> bool:
    """Poll until the condition holds; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every_seconds)
    return True


class FileLock:
    """An advisory lock (``flock``) that the kernel gives back when its holder dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, *, shared: bool = False, seconds: float = 0.0) -> bool:
        """Take the lock; try for ``seconds``. False when somebody else kept it.

        Raises OSError when the file cannot be opened.
        """
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        if wait_until(lambda: self._try(mode), seconds=seconds, every_seconds=0.02):
            return True
        self.release()
        return False

    def acquire_exclusive_blocking(self) -> None:
        """Sleep until the lock is free of everybody else; for a thread that has nothing else to do."""
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def _try(self, mode: int) -> bool:
        assert self._descriptor is not None
        try:
            fcntl.flock(self._descriptor, mode | fcntl.LOCK_NB)
        except OSError as fault:
            if fault.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None


def is_locked(path: Path, *, against_shared: bool = False) -> bool:
    """Whether another open file holds the lock: exclusively, or (``against_shared``) in any way."""
    if not path.exists():
        return False
    probe = FileLock(path)
    free = probe.acquire(shared=not against_shared)
    probe.release()
    return not free


def lock_holders(path: Path) -> list[int]:
    """Pids that hold or wait for the lock, as the kernel lists them; for messages only."""
    try:
        inode = path.stat().st_ino
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return []
    pids = set()
    for line in lines:
        fields = line.replace("->", "").split()
        if len(fields) >= 6 and fields[1] == "FLOCK" and fields[5].rsplit(":", 1)[-1] == str(inode):
            pids.add(int(fields[4]))
    return sorted(pid for pid in pids if pid > 0)


def run_as(
    user: pwd.struct_passwd | None, command: Sequence[str], *, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end, as ``user`` (None: as ourselves), from ``/``; its output comes back as text."""
    return subprocess.run(
        command,
        **identity(user),
        cwd="/",
        env=environment if environment is not None else plain_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


class Identity(TypedDict):
    """Keyword arguments of ``subprocess`` that say whose process it becomes."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None


def identity(user: pwd.struct_passwd | None) -> Identity:
    if user is None:
        return {"user": None, "group": None, "extra_groups": None}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def plain_environment() -> dict[str, str]:
    """No PG* variables and no foreign locale: the server's behaviour and language must not depend on the caller."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
