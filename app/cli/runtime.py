"""What every command shares: the home folder, the console, the database, and what children inherit."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import ErrorItem, InvalidInput

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine


KEPT_KERNEL_SECONDS = 7 * 86_400.0


def home_folder() -> Path:
    """The state folder (``SKILLSMAP_HOME``, default ``var/``), absolute, made where missing.

    Raises InvalidInput when it cannot be made or written.
    """
    from app.settings import HomeSettings

    home = HomeSettings().home.expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        writable = os.access(home, os.W_OK | os.X_OK)
        reason = "没有写权限 / no permission to write"
    except OSError as fault:
        writable, reason = False, str(fault.strerror)
    if not writable:
        raise InvalidInput(
            f"状态目录 {home} 不可用({reason})。",
            f"The state folder {home} cannot be used ({reason}).",
            errors=[
                ErrorItem(
                    "SKILLSMAP_HOME",
                    "无法建立或写入该目录",
                    "this folder cannot be made or written",
                    value=str(home),
                    remedy_zh="改正其权限,或把 SKILLSMAP_HOME 设为另一个可写的目录",
                    remedy_en="correct its permissions, or set SKILLSMAP_HOME to another folder that can be written",
                )
            ],
        )
    return home


def prepare_environment() -> None:
    """Set what numba and all children read from the environment. Must run before numba is imported."""
    from app.settings import PROJECT_ROOT, HomeSettings, kernel_cache

    home = HomeSettings().home.expanduser().absolute()
    os.environ["PYTHONPATH"] = str(PROJECT_ROOT)
    os.environ["SKILLSMAP_HOME"] = str(home)
    os.environ.setdefault("NUMBA_CACHE_DIR", str(kernel_cache(home)))
    _forget_old_kernels(home / "numba")
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # what it logs is raised as well, and then explained


def _forget_old_kernels(folder: Path) -> None:
    """Remove kernels of code that was last run a week ago; those of now are marked as used."""
    try:
        used = Path(os.environ["NUMBA_CACHE_DIR"])
        if used.is_dir():
            os.utime(used)
        for old in folder.iterdir() if folder.is_dir() else ():
            if old.is_dir() and time.time() - old.stat().st_mtime > KEPT_KERNEL_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    except OSError:
        pass  # they are no more than in the way


def stderr_console() -> Console:
    """The console for progress and messages; standard output is kept for results."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message_zh: str, message_en: str) -> None:
    """One line of progress, to standard error."""
    print(f"{message_zh} · {message_en}", file=sys.stderr, flush=True)


@contextmanager
def database_engine(*, migrate: bool = True) -> Iterator[Engine]:
    """An engine on the database of this home (or of ``DATABASE_URL``), with the newest schema.

    Raises DatabaseUnavailable. The private cluster is let go at the end of the block.
    """
    from app.db.engine import make_engine
    from app.db.open import open_database

    with open_database(migrate=migrate, notify=say) as url:
        engine = make_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()
