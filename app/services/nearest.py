"""The stations that can be reached on foot from a position, nearest first."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from app.errors import ErrorItem, NotWalkable
from app.geo.arrays import IntArray
from app.geo.nearest import NearestLookup, StreetPlace, straight_m
from app.geo.network import limit_mm, metres_of, seconds_of
from app.geo.reach import on_edge_mm
from app.geo.search import MAX_LIMIT_MM, NO_ORIGIN, Field
from app.geo.snapping import Places
from app.services.positions import Position
from app.services.profiles import WalkingProfile
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo

MAX_HITS = 50


@dataclass(frozen=True)
class NearestQuery:
    """What is asked for: at most ``limit`` stations within ``max_minutes`` that are open to the public on ``day``."""

    profile: WalkingProfile
    day: date
    limit: int = 5
    max_minutes: float = 60.0
    types: Sequence[str] = ()

    @cached_property
    def limit_mm(self) -> int:
        """The longest walk asked for."""
        return limit_mm(self.max_minutes, self.profile.speed_kmh)

    def is_light(self, snapshot: Snapshot) -> bool:
        """Can it be read from the reach table (microseconds), or does it take a search (milliseconds)?"""
        return self.limit_mm <= snapshot.variant(step_free=self.profile.step_free)[2].limit_mm


class SnapEvidence(NamedTuple):  # of tuples, since a lookup makes many and a frozen dataclass is slow to make
    """How the position was attached to the streets. ``lng, lat`` (WGS84) is the place on the street."""

    snap_m: float
    edge_id: int
    component: int
    lng: float
    lat: float


class NearestHit(NamedTuple):
    """One station. ``walk_m`` and ``walk_seconds`` hold the ways to and from the street at both ends."""

    station: StationInfo
    walk_seconds: int
    walk_m: float
    straight_m: float

    @property
    def walk_minutes(self) -> float:
        return (self.walk_seconds + 3) // 6 / 10

    @property
    def detour(self) -> float | None:
        """Walked over straight; None for a station right at the position."""
        return int(100 * self.walk_m / self.straight_m + 0.5) / 100 if self.straight_m >= 1 else None


class NearestAnswer(NamedTuple):
    """``beyond`` is the nearest of the stations that lie beyond ``max_minutes``, where none lies within.

    ``searched_m`` is the walk up to which the answer is complete, ``place`` what ``snap`` is told of.
    """

    hits: list[NearestHit]
    beyond: NearestHit | None
    snap: SnapEvidence
    inside_area: bool
    searched_m: float
    place: StreetPlace


def find_nearest(snapshot: Snapshot, position: Position, query: NearestQuery) -> NearestAnswer:
    """Stations by walking time; read from the reach table, without a search, up to that table's limit.

    Raises NotWalkable when no street that matters lies within the snapping limit of the position.
    """
    step_free, limit = query.profile.step_free, query.limit_mm
    lookup = _lookup(snapshot, query)
    place, origin, mm, straight_m = lookup.nearest(
        position.lng, position.lat, snapshot.method.snap_limit_m, limit, query.limit
    )
    if place is None:
        raise _not_walkable(snapshot, position)
    if limit > lookup.table.limit_mm:
        start = snap_position(snapshot, position, step_free=step_free)
        origin, mm, straight_m = _by_search(snapshot, position, start, query)
    return NearestAnswer(
        hits=_hits(snapshot, zip(origin, mm, straight_m, strict=True), query.profile),
        beyond=None,
        snap=_evidence(snapshot, place, step_free=step_free),
        inside_area=snapshot.areas.holds(position.lng, position.lat),
        searched_m=round(limit / 1e3, 1),
        place=place,
    )


def snap_position(snapshot: Snapshot, position: Position, *, step_free: bool) -> Places:
    """The place on a street that a position is attached to. Raises NotWalkable, telling how far away it is."""
    place = snapshot.snap(position.lng, position.lat, step_free=step_free)
    if place.edge[0] < 0:
        raise _not_walkable(snapshot, position)
    return place


def _not_walkable(snapshot: Snapshot, position: Position) -> NotWalkable:
    limit = snapshot.method.snap_limit_m
    inside = snapshot.areas.holds(position.lng, position.lat)
    where_zh = "在区域之内,但" if inside else "在已载入的区域之外,且"
    where_en = "inside the area, but" if inside else "outside the areas that are loaded, and"
    item = ErrorItem(
        "lng, lat", "附近没有可步行的道路", "no walkable street nearby",
        remedy_zh="检查坐标系(crs)是否与坐标一致;GCJ-02 与 WGS84 在广州相差约 600 米",
        remedy_en="check that crs is the system of these coordinates: GCJ-02 and WGS84 differ by about 600 m here",
    )  # fmt: skip
    return NotWalkable(
        f"该位置{where_zh} {limit:g} 米内没有可步行的道路。",
        f"The position is {where_en} no walkable street lies within {limit:g} m.",
        errors=[item],
    )


def evidence(snapshot: Snapshot, place: Places, *, step_free: bool) -> SnapEvidence:
    """What is told of a place."""
    return _evidence(snapshot, StreetPlace.of(place), step_free=step_free)


def _evidence(snapshot: Snapshot, place: StreetPlace, *, step_free: bool) -> SnapEvidence:
    network = snapshot.network
    component = network.adjacency(step_free=step_free).component
    return SnapEvidence(
        snap_m=round(place.snap_m, 1),
        edge_id=network.edge_id.item(place.edge),
        component=component.item(network.edge_u.item(place.edge)),
        lng=round(place.lng, 6),
        lat=round(place.lat, 6),
    )


def _lookup(snapshot: Snapshot, query: NearestQuery) -> NearestLookup:
    """Made once for a day, some types and a variant of the network."""
    step_free = query.profile.step_free

    def make() -> NearestLookup:
        _, places, table = snapshot.variant(step_free=step_free)
        network, stations = snapshot.network, snapshot.stations.table.stations
        return NearestLookup(
            network=network, grid=snapshot.city.grid, usable=network.adjacency(step_free=step_free).usable,
            places=places, leg_mm=places.leg_mm, lng=np.array([s.lng for s in stations], dtype=np.float64),
            lat=np.array([s.lat for s in stations], dtype=np.float64), table=table,
            mask=snapshot.open_mask(query.day, query.types),
        )  # fmt: skip

    return snapshot.cached(("nearest", step_free, query.day, query.types), make)


def _by_search(
    snapshot: Snapshot, position: Position, place: Places, query: NearestQuery
) -> tuple[list[int], list[int], list[float]]:
    """As ``NearestLookup.nearest``, by a search from the position's place: for limits beyond the table's."""
    searcher, places, _ = snapshot.variant(step_free=query.profile.step_free)
    network, limit = snapshot.network, query.limit_mm
    nodes, lengths = searcher.reach_of(place, limit)
    found = np.flatnonzero((places.edge >= 0) & snapshot.open_mask(query.day, query.types))
    edge, offset = places.edge[found], places.offset_mm[found].astype(np.int64)
    leg = places.leg_mm[found].astype(np.int64)
    far = np.int64(MAX_LIMIT_MM) * 2

    def way(ends: IntArray, rest: IntArray) -> IntArray:
        if len(nodes) == 0:
            return np.full(len(ends), far)
        at = np.minimum(np.searchsorted(nodes, ends), len(nodes) - 1)
        return np.where(nodes[at] == ends, lengths[at].astype(np.int64) + rest + leg, far)

    mm = np.minimum(
        way(network.edge_u[edge].astype(np.int64), offset),
        way(network.edge_v[edge].astype(np.int64), network.edge_mm[edge].astype(np.int64) - offset),
    )
    same = edge == place.edge[0]
    mm[same] = np.minimum(mm[same], np.abs(offset[same] - int(place.offset_mm[0])) + leg[same] + int(place.leg_mm[0]))
    order = np.lexsort((found, mm))
    order = order[mm[order] <= limit][: query.limit]
    numbers = found[order].tolist()
    return numbers, mm[order].tolist(), [_straight_m(snapshot, position, number) for number in numbers]


def with_beyond(snapshot: Snapshot, position: Position, query: NearestQuery, answer: NearestAnswer) -> NearestAnswer:
    """The answer with the nearest station at whatever distance; None where none can be reached on foot at all.

    The first one on a day takes a search over the whole network (tens of milliseconds).
    """
    lookup, place = _lookup(snapshot, query), answer.place
    edge, offset, leg = place.edge, place.offset_mm, place.leg_mm
    field, network = _far_field(snapshot, query), snapshot.network
    ends = (network.edge_u.item(edge), offset), (network.edge_v.item(edge), network.edge_mm.item(edge) - offset)
    known = [(*field.at(node), rest) for node, rest in ends]
    ways = [(mm + rest + leg, origin) for mm, origin, rest in known if origin != NO_ORIGIN]
    ways += [(on_edge_mm(lookup.places, k, offset) + leg, k) for k in lookup.standing.get(edge, ())]
    if not ways:
        return answer
    mm, origin = min(ways)
    (found,) = _hits(snapshot, [(origin, mm, _straight_m(snapshot, position, origin))], query.profile)
    return answer._replace(beyond=found)


def is_beyond_known(snapshot: Snapshot, query: NearestQuery) -> bool:
    """Has the search that ``with_beyond`` takes been done for such a question, so that it takes microseconds?"""
    return _far_key(query) in _far_fields(snapshot)


def _far_field(snapshot: Snapshot, query: NearestQuery) -> Field:
    field = snapshot.far_field(query.day, query.types, step_free=query.profile.step_free)
    _far_fields(snapshot)[_far_key(query)] = field
    return field


def _far_fields(snapshot: Snapshot) -> WeakValueDictionary[Hashable, Field]:
    """Those that the snapshot still keeps."""
    return snapshot.cached("far fields", WeakValueDictionary)


def _far_key(query: NearestQuery) -> Hashable:
    return query.day, tuple(sorted(query.types)), query.profile.step_free


def _straight_m(snapshot: Snapshot, position: Position, number: int) -> float:
    station = snapshot.stations.table.stations[number]
    return straight_m(position.lng, position.lat, station.lng, station.lat)


def _hits(snapshot: Snapshot, found: Iterable[tuple[int, int, float]], profile: WalkingProfile) -> list[NearestHit]:
    """``found`` are stations by number, their lengths in mm, their distances in metres."""
    stations, speed_kmh = snapshot.stations.table.stations, profile.speed_kmh
    return [
        NearestHit(stations[number], round(seconds_of(mm, speed_kmh)), metres_of(mm), int(metres * 10 + 0.5) / 10)
        for number, mm, metres in found
    ]
