"""The walking way from a position to a station: its line, its steps, and how both ends are attached to the streets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.errors import ErrorItem, NotFound, NotWalkable
from app.geo.directions import Compass, Side, Step, StepKind, Turn, directions
from app.geo.geodesy import distances_m
from app.geo.network import metres_of, seconds_of
from app.geo.routes import Route, RouteLine, route_line, route_within, search_route
from app.geo.snapping import Places
from app.services.islands import attached, nearer_islands
from app.services.nearest import NearestHit, SnapEvidence, evidence, snap_position
from app.services.positions import Position
from app.services.profiles import WalkingProfile
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo, today
from app.services.suggestions import unknown_code

FIRST_DETOUR = 1.5  # beyond the table, ways of up to so many times the straight line are found by the first search


@dataclass(frozen=True)
class RouteStep:
    """One step; metres and seconds of all steps add up to those of the way. See ``app.geo.directions.Step``."""

    kind: StepKind
    walk_m: float
    walk_seconds: int
    name: str | None
    direction: Compass | None
    turn: Turn | None
    side: Side | None
    has_steps: bool
    is_bridge: bool
    is_tunnel: bool
    first_point: int
    last_point: int


@dataclass(frozen=True)
class RouteEnd:
    """How one end of the way is attached to the streets.

    ``island_m`` are the metres to a street that lies nearer but leads nowhere (a connected part shorter than the method
    counts, for wheelchairs without steps), so that it was passed over; None where the nearest street is the one taken.
    """

    snap: SnapEvidence
    island_m: float | None


@dataclass(frozen=True)
class RouteAnswer:
    """``hit`` has the length and the time, the same to the last digit as the nearest lookup's. The line is WGS84."""

    hit: NearestHit
    line: RouteLine
    steps: list[RouteStep]
    start: RouteEnd
    goal: RouteEnd
    inside_area: bool
    is_open_today: bool


def find_route(snapshot: Snapshot, code: str, position: Position, profile: WalkingProfile) -> RouteAnswer:
    """The shortest way on foot: read from the reach table up to its limit, searched beyond it, however far.

    Raises NotFound for an unknown station; NotWalkable when the position or the station lies beside no street that
    matters, or when no way joins the two.
    """
    number, station = _station(snapshot, code)
    step_free = profile.step_free
    goal = _goal(snapshot, number, station, step_free=step_free)
    start = snap_position(snapshot, position, step_free=step_free)
    straight_m = float(distances_m(position.lng, position.lat, station.lng, station.lat))
    route = _way(snapshot, number, start, goal, straight_m, step_free=step_free)
    if route is None:
        raise _not_joined(station, step_free=step_free)
    line = route_line(
        snapshot.network, route, (start, position.lng, position.lat), (goal, station.lng, station.lat)
    )  # fmt: skip
    hit = NearestHit(
        station=station,
        walk_seconds=round(seconds_of(route.mm, profile.speed_kmh)),
        walk_m=metres_of(route.mm),
        straight_m=round(straight_m, 1),
        number=number,
    )
    return RouteAnswer(
        hit=hit,
        line=line,
        steps=_measured(directions(snapshot.network, route, line), profile.speed_kmh),
        start=_end(snapshot, start, position.lng, position.lat, step_free=step_free),
        goal=_end(snapshot, goal, station.lng, station.lat, step_free=step_free),
        inside_area=snapshot.areas.holds(position.lng, position.lat),
        is_open_today=station.is_open_on(today()),
    )


def _station(snapshot: Snapshot, code: str) -> tuple[int, StationInfo]:
    table = snapshot.stations.table
    if code in table.at:
        number = table.at[code]
        return number, table.stations[number]
    item = unknown_code(
        "code", code, list(table.at), "站点", "station",
        "用 /v1/stations?q= 按名称或地址查找", "find it by name or address with /v1/stations?q=",
    )  # fmt: skip
    raise NotFound(f"没有代码为 {code} 的站点。", f"There is no station {code}.", errors=[item])


def _goal(snapshot: Snapshot, number: int, station: StationInfo, *, step_free: bool) -> Places:
    """The station's place on a street. Raises NotWalkable where it has none, telling of an island beside it."""
    _, places, _ = snapshot.variant(step_free=step_free)
    place = places.take(np.array([number]))
    if place.edge[0] >= 0:
        return place
    method = snapshot.method
    island_m = _island_m(snapshot, place, station.lng, station.lat, step_free=step_free)
    zh, en = "没有可步行的道路", "no walkable street"
    if island_m is not None:
        zh = f"只有不与路网相连的零星道路(总长不足 {method.min_component_m:g} 米)"
        en = f"only a street island (less than {method.min_component_m:g} m, joined to nothing else)"
    without_zh, without_en = ("(不经台阶)", " without steps") if step_free else ("", "")
    raise NotWalkable(
        f"站点 {station.code} 附近 {method.snap_limit_m:g} 米内{zh}{without_zh},无法步行到达。",
        f"There is {en}{without_en} within {method.snap_limit_m:g} m of station {station.code}: nobody can walk there.",
        errors=[_not_reached(station.code, "附近没有与路网相连的道路", "is beside no street of the network")],
    )


def _way(
    snapshot: Snapshot, number: int, start: Places, goal: Places, straight_m: float, *, step_free: bool
) -> Route | None:
    searcher, _, table = snapshot.variant(step_free=step_free)
    part = slice(int(table.ptr[number]), int(table.ptr[number + 1]))
    row = (table.node[part], table.mm[part])
    route = route_within(snapshot.network, searcher, start, goal, row, table.limit_mm)
    if route is not None:
        return route
    first_limit = max(table.limit_mm + table.limit_mm // 4, round(FIRST_DETOUR * 1e3 * straight_m))
    return search_route(snapshot.network, searcher, start, goal, first_limit)


def _not_joined(station: StationInfo, *, step_free: bool) -> NotWalkable:
    without_zh, without_en = ("不经台阶", " without steps") if step_free else ("", "")
    return NotWalkable(
        f"从该位置{without_zh}步行到不了站点 {station.code}({station.name}):两处的道路互不相连。",
        f"Station {station.code} cannot be walked to from here{without_en}: the streets of the two are not joined.",
        errors=[_not_reached(station.code, "步行无法到达", "cannot be reached on foot")],
    )


def _not_reached(code: str, message_zh: str, message_en: str) -> ErrorItem:
    return ErrorItem(
        "code", message_zh, message_en, value=code,
        remedy_zh="用 /v1/stations/nearest 查找能步行到达的站点",
        remedy_en="see /v1/stations/nearest for stations that can be walked to",
    )  # fmt: skip


def _measured(steps: list[Step], speed_kmh: float) -> list[RouteStep]:
    """Steps in tenths of metres and whole seconds: differences of rounded sums, so that they add up to the rounded."""
    ends = np.cumsum([step.mm for step in steps]).tolist()
    metres = [0.0, *(metres_of(mm) for mm in ends)]
    seconds = [0, *(round(seconds_of(mm, speed_kmh)) for mm in ends)]
    return [
        RouteStep(
            kind=step.kind, walk_m=round(metres[k + 1] - metres[k], 1), walk_seconds=seconds[k + 1] - seconds[k],
            name=step.name, direction=step.direction, turn=step.turn, side=step.side, has_steps=step.has_steps,
            is_bridge=step.is_bridge, is_tunnel=step.is_tunnel, first_point=step.first_point,
            last_point=step.last_point,
        )
        for k, step in enumerate(steps)
    ]  # fmt: skip


def _end(snapshot: Snapshot, place: Places, lng: float, lat: float, *, step_free: bool) -> RouteEnd:
    return RouteEnd(
        evidence(snapshot, place, step_free=step_free), _island_m(snapshot, place, lng, lat, step_free=step_free)
    )


def _island_m(snapshot: Snapshot, place: Places, lng: float, lat: float, *, step_free: bool) -> float | None:
    nearer = nearer_islands(snapshot, place, np.array([lng]), np.array([lat]), step_free=step_free)
    (end,) = attached(place, nearer)
    return end.island_m
