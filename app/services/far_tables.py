"""The far tables of the stations, one for each variant of the streets: kept from snapshot to snapshot, built aside.

A table takes a search over all streets for every station, seconds in all, so it is made after the snapshot is there
(see ``app.services.warming``), by one worker; rows of stations that stand where they stood are taken over. It is filed
and mapped like the other parts, so workers share it. Until then the nearest station beyond reach is searched for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock

from app.db.processes import FileLock
from app.geo.far import SQUARE_M, FarTable, Squares
from app.geo.network import WalkNetwork
from app.geo.search import Searcher
from app.geo.snapping import Places
from app.services.pack_store import PackStore
from app.services.packing import Contents, PackBroken, content_hash
from app.services.reach_part import Origins

KIND = "far"
FORMAT = 2


class FarTables:
    """Those of one city, whose streets do not change; ``network_key`` names them. Without a store nothing is filed."""

    def __init__(self, store: PackStore | None = None, network_key: str = "") -> None:
        self._store = store
        self._network_key = network_key
        self._tables: dict[bool, FarTable] = {}
        self._building = Lock()

    def of(self, places: Places, *, step_free: bool) -> FarTable | None:
        """The table of stations at these places, if it is there."""
        held = self._tables.get(step_free)
        if held is None or held.places is places:
            return held
        if not held.is_for(places):
            return None
        # the same places of a newer snapshot: from now on told by looking, not by comparing
        held = self._tables[step_free] = replace(held, places=places)
        return held

    def build(self, network: WalkNetwork, searcher: Searcher, places: Places, *, step_free: bool) -> None:
        """Make the table of one variant where it is not there: from its folder, or searched and filed."""
        with self._building, self._alone():
            if self.of(places, step_free=step_free) is not None:
                return
            key = self._key(places, step_free=step_free)
            made = self._filed(key)
            if made is None:
                old = self._tables.get(step_free)
                squares = Squares.of(network, searcher.adjacency) if old is None else old.squares
                made = self._kept(key, FarTable.of(squares, searcher, places, old))
            self._tables[step_free] = replace(made, places=places)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time: the others find the folder that it made."""
        if self._store is None:
            yield
            return
        lock = FileLock(self._store.folder / "far.lock")
        lock.acquire_exclusive_blocking()
        try:
            yield
        finally:
            lock.release()

    def _key(self, places: Places, *, step_free: bool) -> str:
        told = [FORMAT, self._network_key, SQUARE_M, step_free, content_hash(Origins.of(places))]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]

    def _filed(self, key: str) -> FarTable | None:
        if self._store is None:
            return None
        try:
            with self._store.locked():
                return self._store.open(KIND, key).part("far", FarTable)
        except PackBroken:
            return None

    def _kept(self, key: str, made: FarTable) -> FarTable:
        """The same table, mapped from the folder that it was written to."""
        if self._store is None:
            return made
        with self._store.locked():
            kept = self._store.keep(KIND, key, Contents({"far": made}, {})).part("far", FarTable)
            self._store.prune(KIND)
        return kept
