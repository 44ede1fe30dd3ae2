"""``python -m app.services.snapshot_build``: make the snapshot's files in a process of its own.

A worker that finds its snapshot out of date starts this, so that what building needs in time and memory is not taken
from the requests that it answers meanwhile.
"""

from __future__ import annotations

import os
import subprocess
import sys

from app.db.engine import make_engine
from app.db.processes import die_with_parent
from app.errors import NotReady
from app.services.snapshot import ensure_snapshot
from app.settings import PROJECT_ROOT, home_settings

NOTHING_TO_BUILD = 3
PARENT = "SKILLSMAP_BUILD_PARENT_PID"  # internal: the worker that waits for the files


def run_in_child(database_url: str) -> None:
    """Build the files and return when they are there. Raises RuntimeError with the child's last words."""
    done = subprocess.run(
        [sys.executable, "-m", "app.services.snapshot_build"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "DATABASE_URL": database_url, PARENT: str(os.getpid())},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, NOTHING_TO_BUILD):
        raise RuntimeError("\n".join(done.stderr.splitlines()[-5:]))


def main() -> int:
    if PARENT in os.environ:
        die_with_parent(int(os.environ[PARENT]))  # nobody waits for the files any more
    engine = make_engine(os.environ["DATABASE_URL"])
    try:
        ensure_snapshot(engine, home_settings())
    except NotReady:
        return NOTHING_TO_BUILD
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
