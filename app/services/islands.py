"""How stations are attached to the streets, and which street islands were passed over for it.

An island is a connected part of the streets too short to matter (for wheelchairs: without steps). Positions are
attached to no island, however near; that one lies nearer is told, never silently passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.geo.arrays import BoolArray, FloatArray
from app.geo.network import STEPS, WalkNetwork
from app.geo.snapping import Places, SegmentGrid, snap
from app.services.snapshot import Snapshot

ISLAND_FROM_M = 20  # passing over an island costs at least this much before it is worth a word


@dataclass(frozen=True)
class Attached:
    """One position in one variant of the network.

    ``snap_m`` are the metres to the street it is attached to, None where no street that matters lies within the limit.
    ``island_m`` are the metres to a nearer street that is part of an island, None where there is none.
    """

    snap_m: float | None
    island_m: float | None

    @property
    def on_network(self) -> bool:
        return self.snap_m is not None


def passes_over(snap_m: float | None, island_m: float | None) -> bool:
    """Was an island passed over that lies nearer by so much that it is worth a word?"""
    return snap_m is not None and island_m is not None and snap_m - island_m >= ISLAND_FROM_M


@dataclass(frozen=True)
class Walkable:
    """How a station is attached: for everybody, and for those who take no steps."""

    everywhere: Attached
    step_free: Attached


def walkable_of(snapshot: Snapshot, code: str, lng: float, lat: float) -> Walkable | None:
    """Of a station at this WGS84 position; None where the snapshot does not have it there (yet)."""
    table = snapshot.stations.table
    number = table.at.get(code)
    if number is None or (table.stations[number].lng, table.stations[number].lat) != (lng, lat):
        return None
    everywhere, step_free = (attached_stations(snapshot, step_free=variant)[number] for variant in (False, True))
    return Walkable(everywhere, step_free)


def codes_on_network(snapshot: Snapshot, on_network: bool) -> list[str]:
    """The stations beside a street that matters, or those beside none."""
    told = zip(snapshot.stations.table.stations, attached_stations(snapshot, step_free=False), strict=True)
    return [station.code for station, attached_at in told if attached_at.on_network is on_network]


def attached_stations(snapshot: Snapshot, *, step_free: bool) -> list[Attached]:
    """Every station by its number."""

    def make() -> list[Attached]:
        stations, (_, places, _) = snapshot.stations.table.stations, snapshot.variant(step_free=step_free)
        lng, lat = np.array([s.lng for s in stations]), np.array([s.lat for s in stations])
        return attached(places, nearer_islands(snapshot, places, lng, lat, step_free=step_free))

    return snapshot.cached(("attached stations", step_free), make)


def attached(places: Places, island_m: FloatArray) -> list[Attached]:
    """Places and the islands nearer than they are, in tenths of metres."""
    return [
        Attached(
            snap_m=round(float(places.snap_m[k]), 1) if places.edge[k] >= 0 else None,
            island_m=None if np.isnan(island_m[k]) else round(float(island_m[k]), 1),
        )
        for k in range(len(places))
    ]


def nearer_islands(
    snapshot: Snapshot, places: Places, lng: FloatArray, lat: FloatArray, *, step_free: bool
) -> FloatArray:
    """See ``islands_nearer``, on the streets of a snapshot."""
    key = ("street islands", step_free)
    islands = snapshot.cached(key, lambda: island_edges(snapshot.network, step_free=step_free))
    limit_m = snapshot.method.snap_limit_m
    return islands_nearer(snapshot.network, snapshot.city.grid, islands, places, lng, lat, limit_m)


def islands_nearer(
    network: WalkNetwork, grid: SegmentGrid, islands: BoolArray, places: Places, lng: FloatArray, lat: FloatArray,
    limit_m: float,
) -> FloatArray:  # fmt: skip
    """Metres from each WGS84 position to a street of an island, where one lies nearer than the place taken.

    Where no place was taken, within ``limit_m``. NaN where there is none.
    """
    allowed = np.where(places.edge >= 0, places.snap_m, limit_m)
    nearest = snap(network, grid, islands, lng, lat, float(allowed.max(initial=0.0)))
    nearer: FloatArray = np.where((nearest.edge >= 0) & (nearest.snap_m <= allowed), nearest.snap_m, np.nan)
    return nearer


def island_edges(network: WalkNetwork, *, step_free: bool) -> BoolArray:
    """The edges that may be walked but are attached to no one."""
    walked = (network.edge_flags & STEPS) == 0 if step_free else np.ones(network.edge_count, dtype=np.bool_)
    islands: BoolArray = walked & ~network.adjacency(step_free=step_free).usable
    return islands
