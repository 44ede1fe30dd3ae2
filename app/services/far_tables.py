"""The far tables of the stations, one for each variant of the streets: kept from snapshot to snapshot, built aside.

A table takes a search over all streets for every station, seconds in all, so it is made after the snapshot is there
(see ``app.services.warming``); rows of stations that stand where they stood are taken over. Until then the nearest
station beyond reach is searched for.
"""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

from app.geo.far import FarTable, Squares
from app.geo.network import WalkNetwork
from app.geo.search import Searcher
from app.geo.snapping import Places


class FarTables:
    """Those of one city: its streets do not change."""

    def __init__(self) -> None:
        self._squares: dict[bool, Squares] = {}
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
        """Make the table of one variant where it is not there."""
        with self._building:
            if self.of(places, step_free=step_free) is not None:
                return
            if step_free not in self._squares:
                self._squares[step_free] = Squares.of(network, searcher.adjacency)
            old = self._tables.get(step_free)
            self._tables[step_free] = FarTable.of(self._squares[step_free], searcher, places, old)
