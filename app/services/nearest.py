"""The stations that can be reached on foot from a position: nearest first, or by the first session one can be at."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from app.errors import ErrorItem, NotWalkable
from app.geo.arrays import BoolArray, Int32Array, IntArray
from app.geo.nearest import NearestLookup, StreetPlace, straight_m
from app.geo.network import WalkNetwork, limit_mm, metres_of, seconds_of
from app.geo.reach import on_edge_mm
from app.geo.search import MAX_LIMIT_MM, NO_ORIGIN
from app.geo.snapping import Places
from app.geo.timetable import NONE
from app.services.attendable import ANY_STATION, Wanted, sessions_in_time, station_mask, with_sessions
from app.services.positions import Position
from app.services.profiles import WalkingProfile
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo

MAX_HITS = 50


class Order(StrEnum):
    """By walking time; or by the beginning of the first session that can be reached, then by walking time."""

    WALK = "walk"
    SESSION = "session"


@dataclass(frozen=True, eq=False)
class NearestQuery:
    """What is asked for: at most ``limit`` stations within ``max_minutes`` that serve the public on ``day`` and are as
    ``wanted``, by one who leaves at ``leave_s`` (seconds since 1970).

    Each is equal to itself alone: what it comes to in a snapshot is found without comparing (see ``Ready``).
    """

    profile: WalkingProfile
    day: date
    limit: int = 5
    max_minutes: float = 60.0
    wanted: Wanted = ANY_STATION
    leave_s: int = 0
    order: Order = Order.WALK

    @cached_property
    def limit_mm(self) -> int:
        """The longest walk asked for."""
        return limit_mm(self.max_minutes, self.profile.speed_kmh)

    @cached_property
    def searched_m(self) -> float:
        """The same as it is told."""
        return round(self.limit_mm / 1e3, 1)

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
    """One station. ``walk_m`` and ``walk_seconds`` hold the ways to and from the street at both ends.

    ``number`` is the station's in the table; ``session`` the first one wanted that can be reached in time (a position
    in ``snapshot.offer.here``), NONE where none was asked for.
    """

    station: StationInfo
    walk_seconds: int
    walk_m: float
    straight_m: float
    number: int = -1
    session: int = NONE

    @property
    def walk_minutes(self) -> float:
        return (self.walk_seconds + 3) // 6 / 10

    @property
    def detour(self) -> float | None:
        """Walked over straight; None for a station right at the position."""
        return int(100 * self.walk_m / self.straight_m + 0.5) / 100 if self.straight_m >= 1 else None


class Ready:
    """What a question comes to in a snapshot, wherever it is asked: made once, while as many seats are left.

    ``count`` is how many stations are looked for, ``component`` each node's part of the streets; ``texts`` is for who
    writes the answers.
    """

    def __init__(self, snapshot: Snapshot, query: NearestQuery) -> None:
        step_free = query.profile.step_free
        self.seats_version = snapshot.offer.seats.version
        self.lookup = lookup_of(snapshot, step_free=step_free)
        self.mask = station_mask(snapshot, query.day, query.wanted)
        # any station may have the first session
        self.count = query.limit if query.wanted.session_until_s is None else max(len(self.mask), 1)
        self.component = snapshot.network.adjacency(step_free=step_free).component
        self.texts: dict[Hashable, Any] = {}
        self._beyond: tuple[BoolArray | None] | None = None

    @classmethod
    def of(cls, snapshot: Snapshot, query: NearestQuery) -> Ready:
        """Kept in the snapshot."""
        held: Ready = snapshot.questions.get(query, lambda: cls(snapshot, query))
        if held.seats_version != snapshot.offer.seats.version:
            held = snapshot.questions.put(query, cls(snapshot, query))
        return held

    def beyond(self, snapshot: Snapshot, query: NearestQuery) -> BoolArray | None:
        """The stations that are as wanted; where a session is, those that have one at all. None where there is none."""
        if self._beyond is None:
            mask, wanted = self.mask, query.wanted
            if wanted.session_until_s is not None:
                mask = with_sessions(snapshot, mask, query.leave_s, wanted)
            self._beyond = (mask if mask.any() else None,)
        return self._beyond[0]


class NearestAnswer(NamedTuple):
    """``beyond`` is the nearest of the stations that lie beyond ``max_minutes``, where none lies within.

    ``searched_m`` is the walk up to which the answer is complete, ``place`` what ``snap`` is told of, ``ready`` what
    the question came to.
    """

    hits: list[NearestHit]
    beyond: NearestHit | None
    snap: SnapEvidence
    inside_area: bool
    searched_m: float
    place: StreetPlace
    ready: Ready


class Found(NamedTuple):
    """A station by number, the way to it, the geodesic distance, and the first session in time (see NearestHit)."""

    number: int
    mm: int
    straight_m: float
    session: int = NONE


def find_nearest(snapshot: Snapshot, position: Position, query: NearestQuery) -> NearestAnswer:
    """Stations in the order asked for; read from the reach table, without a search, up to that table's limit.

    Raises NotWalkable when no street that matters lies within the snapping limit of the position.
    """
    ready = Ready.of(snapshot, query)
    place, found = _ranked(snapshot, position, query, ready)
    if place is None:
        raise not_walkable(snapshot, position)
    return NearestAnswer(
        hits=_hits(snapshot, found, query.profile),
        beyond=None,
        snap=_evidence(snapshot.network, place, ready.component),
        inside_area=snapshot.areas.holds(position.lng, position.lat),
        searched_m=query.searched_m,
        place=place,
        ready=ready,
    )


def ranked(snapshot: Snapshot, position: Position, query: NearestQuery) -> tuple[StreetPlace | None, list[Found]]:
    """The place on a street of a position, None where there is none, and the stations that answer a query, in order."""
    return _ranked(snapshot, position, query, Ready.of(snapshot, query))


def _ranked(
    snapshot: Snapshot, position: Position, query: NearestQuery, ready: Ready
) -> tuple[StreetPlace | None, list[Found]]:
    lookup, limit, count, mask = ready.lookup, query.limit_mm, ready.count, ready.mask
    place, origin, mm, straight = lookup.nearest(
        position.lng, position.lat, snapshot.method.snap_limit_m, limit, count, mask
    )
    if place is None:
        return None, []
    if limit > lookup.table.limit_mm:
        start = snap_position(snapshot, position, step_free=query.profile.step_free)
        origin, mm, straight = _by_search(snapshot, position, start, query, mask, count)
    if query.wanted.session_until_s is None:
        return place, list(map(Found, origin, mm, straight))
    return place, _in_time(snapshot, origin, mm, straight, query)


def _in_time(
    snapshot: Snapshot, origin: list[int], mm: list[int], straight: list[float], query: NearestQuery
) -> list[Found]:
    """Those with a session that can be reached in time, in the order asked for."""
    if not origin:
        return []
    walk_s = np.array([round(seconds_of(one, query.profile.speed_kmh)) for one in mm], dtype=np.int64)
    first = sessions_in_time(snapshot, origin, walk_s, query.leave_s, query.wanted)
    kept = [k for k, at in enumerate(first) if at != NONE]
    if query.order is Order.SESSION and len(kept) > 1:
        starts_s = snapshot.offer.here_starts_s[np.array(first)[kept]].tolist()
        # sorting keeps the order by walk among equals
        kept = [k for _, k in sorted(zip(starts_s, kept, strict=True), key=itemgetter(0))]
    return [Found(origin[k], mm[k], straight[k], first[k]) for k in kept[: query.limit]]


def walks_from(
    snapshot: Snapshot, position: Position, profile: WalkingProfile, limit_minutes: float, mask: BoolArray
) -> dict[int, int]:
    """Walking seconds to every station of a mask within a limit (at most that of the reach table) by its number.

    Empty where no street lies near the position.
    """
    lookup = lookup_of(snapshot, step_free=profile.step_free)
    _, origin, mm, _ = lookup.nearest(
        position.lng, position.lat, snapshot.method.snap_limit_m, limit_mm(limit_minutes, profile.speed_kmh),
        max(len(mask), 1), mask,
    )  # fmt: skip
    return {k: round(seconds_of(length, profile.speed_kmh)) for k, length in zip(origin, mm, strict=True)}


def snap_position(snapshot: Snapshot, position: Position, *, step_free: bool) -> Places:
    """The place on a street that a position is attached to. Raises NotWalkable, telling how far away it is."""
    place = snapshot.snap(position.lng, position.lat, step_free=step_free)
    if place.edge[0] < 0:
        raise not_walkable(snapshot, position)
    return place


def not_walkable(snapshot: Snapshot, position: Position) -> NotWalkable:
    """What to say of a position without a street nearby."""
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
    network = snapshot.network
    return _evidence(network, StreetPlace.of(place), network.adjacency(step_free=step_free).component)


def _evidence(network: WalkNetwork, place: StreetPlace, component: Int32Array) -> SnapEvidence:
    return SnapEvidence(
        snap_m=round(place.snap_m, 1),
        edge_id=network.edge_id.item(place.edge),
        component=component.item(network.edge_u.item(place.edge)),
        lng=round(place.lng, 6),
        lat=round(place.lat, 6),
    )


def lookup_of(snapshot: Snapshot, *, step_free: bool) -> NearestLookup:
    """Made once for a variant of the network."""

    def make() -> NearestLookup:
        _, places, table = snapshot.variant(step_free=step_free)
        network, stations = snapshot.network, snapshot.stations.table.stations
        return NearestLookup(
            network=network, grid=snapshot.city.grid, usable=network.adjacency(step_free=step_free).usable,
            places=places, leg_mm=places.leg_mm, lng=np.array([s.lng for s in stations], dtype=np.float64),
            lat=np.array([s.lat for s in stations], dtype=np.float64), table=table,
        )  # fmt: skip

    return snapshot.masks.get(("lookup", step_free), make)


def _by_search(
    snapshot: Snapshot, position: Position, place: Places, query: NearestQuery, mask: BoolArray, count: int
) -> tuple[list[int], list[int], list[float]]:
    """As ``NearestLookup.nearest``, by a search from the position's place: for limits beyond the table's."""
    searcher, places, _ = snapshot.variant(step_free=query.profile.step_free)
    network, limit = snapshot.network, query.limit_mm
    nodes, lengths = searcher.reach_of(place, limit)
    found = np.flatnonzero((places.edge >= 0) & mask)
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
    order = order[mm[order] <= limit][:count]
    numbers = found[order].tolist()
    return numbers, mm[order].tolist(), [_straight_m(snapshot, position, number) for number in numbers]


def with_beyond(snapshot: Snapshot, position: Position, query: NearestQuery, answer: NearestAnswer) -> NearestAnswer:
    """The answer with the nearest station at whatever distance; None where none can be reached on foot at all.

    Read from the far table; while that is not there, from the reach table or by a search over the whole network.
    """
    mask = answer.ready.beyond(snapshot, query)
    if mask is None:
        return answer
    mm, origin = _far_nearest(snapshot, position, query, answer, mask)
    if origin == NO_ORIGIN:
        return answer
    (hit,) = _hits(snapshot, [Found(origin, mm, _straight_m(snapshot, position, origin))], query.profile)
    return answer._replace(beyond=hit)


def _far_nearest(
    snapshot: Snapshot, position: Position, query: NearestQuery, answer: NearestAnswer, mask: BoolArray
) -> tuple[int, int]:
    """Length in mm and number of the nearest station of a mask from a place; NO_ORIGIN where no way leads to any."""
    step_free, lookup, (edge, offset, leg, *_) = query.profile.step_free, answer.ready.lookup, answer.place
    network, (searcher, places, _) = snapshot.network, snapshot.variant(step_free=step_free)
    ends = (network.edge_u.item(edge), offset), (network.edge_v.item(edge), network.edge_mm.item(edge) - offset)
    table = snapshot.far.of(places, step_free=step_free)
    if table is not None:
        ways = [table.nearest(searcher, ends, mask)]
    else:
        if query.limit_mm < lookup.table.limit_mm or query.wanted.session_until_s is not None:
            _, near, near_mm, _ = lookup.nearest(
                position.lng, position.lat, snapshot.method.snap_limit_m, lookup.table.limit_mm, 1, mask
            )
            if near:
                return near_mm[0], near[0]
        field = snapshot.far_field(mask, step_free=step_free)
        known = [(*field.at(node), rest) for node, rest in ends]
        ways = [(mm + rest, origin) for mm, origin, rest in known]
    ways += [(on_edge_mm(places, k, offset), k) for k in lookup.standing.get(edge, ()) if mask[k]]
    mm, origin = min(((mm, origin) for mm, origin in ways if origin != NO_ORIGIN), default=(0, NO_ORIGIN))
    return mm + leg, origin


def is_beyond_known(snapshot: Snapshot, query: NearestQuery) -> bool:
    """Is what ``with_beyond`` needs there, so that it takes microseconds?"""
    _, places, _ = snapshot.variant(step_free=query.profile.step_free)
    return snapshot.far.of(places, step_free=query.profile.step_free) is not None


def _straight_m(snapshot: Snapshot, position: Position, number: int) -> float:
    station = snapshot.stations.table.stations[number]
    return straight_m(position.lng, position.lat, station.lng, station.lat)


def _hits(snapshot: Snapshot, found: Iterable[Found], profile: WalkingProfile) -> list[NearestHit]:
    stations, speed_kmh = snapshot.stations.table.stations, profile.speed_kmh
    return [
        NearestHit(
            stations[number], round(seconds_of(mm, speed_kmh)), metres_of(mm), int(metres * 10 + 0.5) / 10, number,
            session,
        )
        for number, mm, metres, session in found
    ]  # fmt: skip
