"""Positions that no street is known near: in a river or the sea, in a city next door, or read in the wrong system."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.geo.crs import Crs
from app.geo.geodesy import distances_m
from app.services.attendable import station_mask
from app.services.nearest import NearestQuery
from app.services.positions import Position, read_position
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo

FARTHEST_M = 300_000.0  # a position that is farther away than this was not meant for this city
DOUBT_FROM_M = 100.0  # of a position so far from every street another coordinate system is tried
CERTAIN_WITHIN_M = 30.0  # and believed where a street is so near


class Nearby(NamedTuple):
    """A station and how far away it is as the crow flies."""

    number: int
    station: StationInfo
    straight_m: float


def nearby_straight(snapshot: Snapshot, position: Position, query: NearestQuery) -> list[Nearby]:
    """The stations wanted that are nearest in a straight line, within FARTHEST_M; no walk is known to them."""
    numbers = np.flatnonzero(station_mask(snapshot, query.day, query.wanted))
    if len(numbers) == 0:
        return []
    stations = snapshot.stations.table.stations
    lng, lat = np.array([(stations[k].lng, stations[k].lat) for k in numbers.tolist()]).T
    metres = distances_m(position.lng, position.lat, lng, lat)
    order = np.lexsort((numbers, metres))[: query.limit]
    return [
        Nearby(int(numbers[k]), stations[int(numbers[k])], round(float(metres[k]), 1))
        for k in order.tolist()
        if metres[k] <= FARTHEST_M
    ]


def likely_crs(snapshot: Snapshot, position: Position, *, step_free: bool) -> Crs | None:
    """The system by which these numbers would lie right beside a street, where by their own they lie far from all.

    None where the position is not in doubt, or no other system explains it better.
    """
    own = snapshot.snap(position.lng, position.lat, step_free=step_free)
    if own.edge[0] >= 0 and own.snap_m[0] <= DOUBT_FROM_M:
        return None
    for crs in (Crs.GCJ02, Crs.WGS84, Crs.BD09):
        if crs is position.crs:
            continue
        other = read_position(position.given_lng, position.given_lat, crs.value)
        place = snapshot.snap(other.lng, other.lat, step_free=step_free)
        if place.edge[0] >= 0 and place.snap_m[0] <= CERTAIN_WITHIN_M:
            return crs
    return None
