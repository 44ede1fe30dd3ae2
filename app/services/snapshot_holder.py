"""Which snapshot a worker answers from, and how it learns of a newer one.

Statement triggers NOTIFY after every committed change of a layer (see the first migration). A thread listens; where
the connection is lost, it connects again, and meanwhile, and as a fallback, the layers' versions are compared every
few seconds. Requests take the current snapshot once and keep it: none ever sees half of an old and half of a new one.
"""

from __future__ import annotations

import threading

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db.engine import libpq_url, render
from app.errors import NotReady
from app.services.snapshot import Snapshot, ensure_snapshot, wanted_keys
from app.services.snapshot_build import run_in_child
from app.services.warming import warm
from app.settings import HomeSettings, method_settings, service_settings

CHANNEL = "skillsmap_changed"
SETTLE_SECONDS = 0.05  # an import raises several layers in one commit: they are taken together

log = structlog.get_logger(__name__)


class SnapshotHolder:
    """Holds the current snapshot of one worker process. ``start`` loads it and begins to listen; ``stop`` ends that."""

    def __init__(self, engine: Engine, home: HomeSettings) -> None:
        self._engine = engine
        self._home = home
        self._current: Snapshot | None = None
        self._missing: NotReady | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Load what there is. A database without a network is no fault: ``current`` then says what is missing."""
        self.refresh()
        self._thread = threading.Thread(target=self._listen, name="snapshot", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * service_settings().poll_seconds + 5)

    def current(self) -> Snapshot:
        """Raises NotReady, saying what to import, when there is nothing to answer from."""
        current = self._current
        if current is None:
            raise self._missing or NotReady("正在载入数据,请稍后再试。", "Loading data, try again in a moment.")
        return current

    @property
    def error(self) -> str | None:
        """What is missing, in English, where nothing can be answered."""
        return str(self._missing) if self._current is None and self._missing is not None else None

    def refresh(self) -> bool:
        """Bring the snapshot up to date with the database; True if it was replaced.

        Raises the database's errors, after which the old one is still served.
        """
        method = method_settings()
        with Session(self._engine) as session:
            wanted = wanted_keys(session, method)
        version = f"{wanted.city_key}-{wanted.station_key}"
        if self._current is not None and self._current.version == version:
            return False
        try:
            if not (self._home.snapshots / f"city-{wanted.city_key}").is_dir():
                run_in_child(render(self._engine.url))
            self._current = ensure_snapshot(self._engine, self._home, method)
            self._missing = None
        except NotReady as fault:
            self._current, self._missing = None, fault
        return True

    def _listen(self) -> None:
        poll = service_settings().poll_seconds
        address = libpq_url(render(self._engine.url))
        while not self._stopping.is_set():
            try:
                with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._try_refresh()
                    while not self._stopping.is_set():
                        # returns after the first notice, or when the time is over: then the versions are compared
                        heard = list(connection.notifies(timeout=poll, stop_after=1))
                        if heard:
                            self._stopping.wait(SETTLE_SECONDS)
                        self._try_refresh()
            except psycopg.Error as fault:
                log.warning("snapshot.listening_interrupted", reason=type(fault).__name__)
                self._stopping.wait(min(poll, 2.0))

    def _try_refresh(self) -> None:
        try:
            if self.refresh():
                log.info("snapshot.replaced", version=self._current.version if self._current else None)
                if self._current is not None:
                    warm(self._current)  # in the listening thread: no request waits for it
        except (SQLAlchemyError, psycopg.Error, OSError, RuntimeError, ValueError) as fault:
            log.error("snapshot.refresh_failed", reason=f"{type(fault).__name__}: {fault}")
