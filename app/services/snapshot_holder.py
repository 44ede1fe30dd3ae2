"""Which snapshot a worker answers from, and how it learns of a newer one.

Statement triggers NOTIFY after every committed change of a layer (see the first migration). A thread listens; where
the connection is lost, it connects again, and meanwhile, and as a fallback, the layers' versions are compared every
few seconds. Requests take the current snapshot once and keep it: none ever sees half of an old and half of a new one.
"""

from __future__ import annotations

import ctypes
import threading
import time
from datetime import UTC, datetime

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db.engine import libpq_url, render
from app.errors import NotReady
from app.repositories.network import has_network
from app.repositories.sign_ups import seats_taken
from app.services.city_part import KIND as CITY
from app.services.pack_store import PackStore
from app.services.snapshot import Snapshot, ensure_snapshot, wanted_keys
from app.services.snapshot_build import run_in_child
from app.services.warming import warm
from app.settings import HomeSettings, method_settings, service_settings

CHANNEL = "skillsmap_changed"
STOP_SECONDS = 10.0
LISTEN_SECONDS = 0.5  # how long a worker that is told to stop may go on listening
SETTLE_SECONDS = 0.05  # an import raises several layers in one commit: they are taken together

log = structlog.get_logger(__name__)


class SnapshotHolder:
    """Holds the current snapshot of one worker process. ``start`` loads it and begins to listen; ``stop`` ends that."""

    def __init__(self, engine: Engine, home: HomeSettings) -> None:
        self._engine = engine
        self._home = home
        self._current: Snapshot | None = None
        self._missing: NotReady | None = None
        self._failed: str | None = None  # why the last refresh came to nothing
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._warming: threading.Thread | None = None
        self._warms = threading.Lock()
        self._seats_due = 0.0

    def start(self) -> None:
        """Load what there is. A database without a network is no fault: ``current`` then says what is missing."""
        self.refresh()
        self._thread = threading.Thread(target=self._listen, name="snapshot", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in (self._thread, self._warming):
            if thread is not None:
                thread.join(timeout=STOP_SECONDS)

    def current(self) -> Snapshot:
        """Raises NotReady, saying what to import, when there is nothing to answer from."""
        current = self._current
        if current is None:
            if self._failed is not None and self._missing is None:
                raise NotReady("数据载入失败,详见服务日志。", "Loading the data failed; see the service's log.")
            raise self._missing or NotReady("正在载入数据,请稍后再试。", "Loading data, try again in a moment.")
        return current

    @property
    def error(self) -> str | None:
        """What is missing or went wrong, in English, where nothing can be answered."""
        if self._current is not None:
            return None
        return str(self._missing) if self._missing is not None else self._failed

    def refresh(self) -> bool:
        """Bring the snapshot up to date with the database; True if what is answered may have changed.

        Raises the database's errors, after which the old one is still served.
        """
        method = method_settings()
        with Session(self._engine) as session:
            keys = wanted_keys(session, method)
            is_buildable = has_network(session)
        held = self._current
        if held is not None and held.keys == keys:
            return False
        try:
            is_built = PackStore(self._home.snapshots).find(CITY, keys.city) is not None
            if is_buildable and not is_built:
                run_in_child(render(self._engine.url))
            self._current = ensure_snapshot(self._engine, self._home, method, held)
            self._missing = None
            return held is None or held.version != self._current.version or held.offer is not self._current.offer
        except NotReady as fault:
            self._current, self._missing = None, fault
            return held is not None

    def _listen(self) -> None:
        poll = service_settings().poll_seconds
        address = libpq_url(render(self._engine.url))
        while not self._stopping.is_set():
            try:
                with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._try_refresh()
                    checked = time.monotonic()
                    while not self._stopping.is_set():
                        self._look_at_seats()
                        heard = list(connection.notifies(timeout=min(poll, LISTEN_SECONDS), stop_after=1))
                        if heard:
                            self._stopping.wait(SETTLE_SECONDS)
                        if heard or time.monotonic() - checked >= poll:
                            self._try_refresh()
                            checked = time.monotonic()
            except psycopg.Error as fault:
                log.warning("snapshot.listening_interrupted", reason=type(fault).__name__)
                self._stopping.wait(min(poll, 2.0))

    def _look_at_seats(self) -> None:
        """How many seats are taken is read again every few seconds: a seat that is given changes nothing else."""
        current = self._current
        if current is None or time.monotonic() < self._seats_due:
            return
        self._seats_due = time.monotonic() + service_settings().seats_seconds
        try:
            with Session(self._engine) as session:
                taken = seats_taken(session, datetime.now(UTC))
        except SQLAlchemyError as fault:
            log.warning("snapshot.seats_not_read", reason=type(fault).__name__)
            return
        current.offer.seats.take(current.offer.session_at, taken)

    def _try_refresh(self) -> None:
        try:
            replaced = self.refresh()
            self._failed = None
            if replaced:
                log.info("snapshot.replaced", version=self._current.version if self._current else None)
                if self._current is not None:
                    # neither a request nor the next change waits for it
                    self._warming = threading.Thread(target=self._warm, args=(self._current,), daemon=True)
                    self._warming.start()
        except (SQLAlchemyError, psycopg.Error, OSError, RuntimeError, ValueError) as fault:
            self._failed = f"{type(fault).__name__}: {fault}"
            log.error("snapshot.refresh_failed", reason=self._failed)

    def _warm(self, snapshot: Snapshot) -> None:
        """One at a time; a snapshot that was replaced meanwhile is let be."""
        with self._warms:
            if self._current is not None and snapshot.version == self._current.version and not self._stopping.is_set():
                warm(snapshot)
        _give_back_memory()


def _give_back_memory() -> None:
    """Building and replacing leave large free blocks, which glibc keeps unless told: a sixth of a worker in all."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
