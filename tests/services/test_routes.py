"""Routes on the demonstration city against the nearest lookup, and on hand-made cities what is told of islands."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.errors import NotFound, NotWalkable
from app.geo.directions import StepKind
from app.geo.network import build_network, limit_mm
from app.geo.opening_hours import Calendar
from app.geo.reach import reach_table
from app.geo.search import MAX_LIMIT_MM, Searcher
from app.geo.snapping import build_grid, snap
from app.models.vocabularies import StationStatus
from app.services.area_table import AreaTable
from app.services.far_tables import FarTables
from app.services.hours_at import HoursTable
from app.services.nearest import NearestQuery, find_nearest, with_beyond
from app.services.offer import offer_of
from app.services.profiles import resolve_profile
from app.services.routes import find_route
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo, StationTable
from app.settings import MethodSettings
from tests.services.test_nearest import DAY, position, positions
from tests.support.streets import GEOD, Line, Point, at_m, rows_of


@pytest.mark.parametrize(
    ("profile", "speed"), [("adult", None), ("senior", None), ("wheelchair", None), ("adult", 6.73)]
)
def test_seconds_and_metres_are_the_nearest_lookups(demo_snapshot: Snapshot, profile: str, speed: float | None) -> None:
    walking = resolve_profile(profile, speed)
    compared = 0
    for where in positions(demo_snapshot, 120, seed=21):
        if demo_snapshot.snap(where.lng, where.lat, step_free=walking.step_free).edge[0] < 0:
            continue  # stairs alone nearby
        hits = find_nearest(demo_snapshot, where, NearestQuery(walking, DAY, limit=50)).hits
        for hit in hits:
            answer = find_route(demo_snapshot, hit.station.code, where, walking)
            assert answer.hit == hit
            compared += 1
    assert compared > 30


def test_beyond_the_table_it_is_found_all_the_same(demo_snapshot: Snapshot) -> None:
    """The same as the nearest lookup without a limit; and to every station of the city as long as a search from it."""
    query = NearestQuery(resolve_profile(), DAY, max_minutes=60.0)
    _, places, table = demo_snapshot.variant(step_free=False)
    far = 0
    for where in positions(demo_snapshot, 10, seed=22):
        answer = find_nearest(demo_snapshot, where, query)
        if not answer.hits:
            beyond = with_beyond(demo_snapshot, where, query, answer).beyond
            assert beyond is not None
            assert find_route(demo_snapshot, beyond.station.code, where, query.profile).hit == beyond
        start = demo_snapshot.snap(where.lng, where.lat, step_free=False)
        nodes, lengths = demo_snapshot.searcher.reach_of(start, MAX_LIMIT_MM)
        for number in (3, 44, 101):
            edge, offset, leg = (int(a[number]) for a in (places.edge, places.offset_mm, places.leg_mm))
            network = demo_snapshot.network
            u, v = (int(lengths[np.searchsorted(nodes, end)]) for end in (network.edge_u[edge], network.edge_v[edge]))
            mm = leg + min(u + offset, v + int(network.edge_mm[edge]) - offset)
            code = demo_snapshot.stations.table.stations[number].code
            assert find_route(demo_snapshot, code, where, query.profile).hit.walk_m == round(mm / 1e3, 1)
            far += mm > table.limit_mm
    assert far > 10


@pytest.mark.parametrize("speed", [1.0, 4.8, 5.31])
def test_steps_add_up_and_the_line_measures_the_way(demo_snapshot: Snapshot, speed: float) -> None:
    walking = resolve_profile("adult", speed)
    for where in positions(demo_snapshot, 8, seed=23):
        for station in demo_snapshot.stations.table.stations[::40]:
            answer = find_route(demo_snapshot, station.code, where, walking)
            assert sum(step.walk_seconds for step in answer.steps) == answer.hit.walk_seconds
            assert sum(step.walk_m for step in answer.steps) == pytest.approx(answer.hit.walk_m, abs=1e-6)
            assert all(step.walk_m >= 0 and step.walk_seconds >= 0 for step in answer.steps)
            assert answer.steps[-1].kind is StepKind.ARRIVE
            line = answer.line
            assert (line.lng[0], line.lat[0]) == (where.lng, where.lat)
            assert (line.lng[-1], line.lat[-1]) == (station.lng, station.lat)
            drawn_m = float(GEOD.line_length(line.lng, line.lat))
            assert drawn_m == pytest.approx(answer.hit.walk_m, abs=0.1 + 1e-4 * answer.hit.walk_m)
            for step in answer.steps:
                part = slice(step.first_point, step.last_point + 1)
                step_m = float(GEOD.line_length(line.lng[part], line.lat[part]))
                assert step_m == pytest.approx(step.walk_m, abs=1.2)  # a leg below a metre is the next step's


def test_who_takes_no_steps_is_led_over_none(demo_snapshot: Snapshot) -> None:
    network, longer = demo_snapshot.network, 0
    assert (network.edge_flags & 1).any()
    for where in positions(demo_snapshot, 12, seed=24):
        for station in demo_snapshot.stations.table.stations[::30]:
            try:
                wheels = find_route(demo_snapshot, station.code, where, resolve_profile("wheelchair"))
            except NotWalkable:
                continue
            feet = find_route(demo_snapshot, station.code, where, resolve_profile("adult"))
            assert not any(step.has_steps for step in wheels.steps)
            longer += wheels.hit.walk_m > feet.hit.walk_m
    assert longer > 0


def test_an_unknown_station_is_refused_with_those_like_it(demo_snapshot: Snapshot) -> None:
    (where,) = positions(demo_snapshot, 1, seed=25)
    code = demo_snapshot.stations.table.stations[0].code
    with pytest.raises(NotFound) as refused:
        find_route(demo_snapshot, f"{code}x", where, resolve_profile())
    assert code in (refused.value.errors[0].remedy_zh or "")


def test_a_position_without_a_street(demo_snapshot: Snapshot) -> None:
    code = demo_snapshot.stations.table.stations[0].code
    with pytest.raises(NotWalkable, match="outside"):
        find_route(demo_snapshot, code, position(114.9, 21.9), resolve_profile())


MAIN = ([0, 1, 2], [Line(0, 1, name="Main"), Line(1, 2, name="Main")])
PLACES = {
    0: at_m(0, 0), 1: at_m(900, 0), 2: at_m(1800, 0), 10: at_m(400, 200), 11: at_m(500, 200), 20: at_m(0, 3000),
    21: at_m(100, 3000), 30: at_m(0, 6000), 31: at_m(1500, 6000),
}  # fmt: skip


def small_city(stations: dict[str, Point], *extra: Line, **changes: Any) -> Snapshot:
    """A straight street of 1.8 km, and what else is drawn, with stations; enough of a snapshot to walk in."""
    lines = [*MAIN[1], *extra]
    nodes = {k: PLACES[k] for line in lines for k in (line.source, line.target)}
    method = MethodSettings()
    network = build_network(rows_of(nodes, lines), method.min_component_m)
    grid = build_grid(network)
    infos = [
        StationInfo(
            code=code, name=f"站 {code}", type="community", host_kind="other", status=StationStatus.OPEN, address=None,
            opened_on=changes.get("opened_on"), closed_on=None, district_code=None, town_code=None, lng=lng, lat=lat,
            synthetic=True,
        )
        for code, (lng, lat) in stations.items()
    ]  # fmt: skip
    lng, lat = zip(*stations.values(), strict=True)
    parts: dict[bool, Any] = {}
    for step_free in (False, True):
        searcher = Searcher.of(network, step_free=step_free)
        places = snap(network, grid, network.adjacency(step_free=step_free).usable, lng, lat, method.snap_limit_m)
        parts[step_free] = (searcher, places, reach_table(searcher, places, limit_mm(60, 4.8), threads=1))
    areas = AreaTable([], [])
    city: Any = SimpleNamespace(key="c", network=network, grid=grid, areas=areas, frontage=None, inputs={})
    table = StationTable(infos, areas)
    offer, hours = offer_of([], [], table, "none"), HoursTable(infos, Calendar.of_library())
    held: Any = SimpleNamespace(key="s", table=table, inputs={})

    class Small(Snapshot):
        def variant(self, *, step_free: bool) -> Any:
            return parts[step_free]

    fields: Any = {name: None for name in Snapshot.__dataclass_fields__ if not name.startswith("_")}
    fields |= {"version": "1", "method": method, "city": city, "stations": held}
    fields |= {"offer": offer, "hours": hours, "far": FarTables()}
    return Small(**fields)


def asked(place: Point) -> Any:
    return position(*place)


ISLAND = Line(10, 11, name="Island")
FAR_ISLAND = Line(20, 21, name="Far Island")
OTHER = Line(30, 31, name="Other")


def test_a_station_on_a_street_island_says_so() -> None:
    """200 m from the street network, 10 m beside a street that leads nowhere: walked across, and told."""
    city = small_city({"A": at_m(450, 190), "B": at_m(450, 10)}, ISLAND)
    told = find_route(city, "A", asked(at_m(100, 5)), resolve_profile())
    assert told.goal.island_m == pytest.approx(10, rel=0.02) and told.goal.snap.snap_m == pytest.approx(190, rel=0.02)
    assert told.start.island_m is None and told.goal.snap.component == 0
    plain = find_route(city, "B", asked(at_m(100, 5)), resolve_profile())
    assert plain.goal.island_m is None and plain.start.island_m is None


def test_a_position_on_a_street_island_says_so() -> None:
    city = small_city({"B": at_m(1500, 10)}, ISLAND)
    told = find_route(city, "B", asked(at_m(450, 205)), resolve_profile())
    assert told.start.island_m == pytest.approx(5, rel=0.05) and told.goal.island_m is None


def test_a_station_beside_nothing_but_an_island_is_refused_and_the_island_named() -> None:
    city = small_city({"A": at_m(50, 3010), "B": at_m(50, 4500)}, FAR_ISLAND)
    with pytest.raises(NotWalkable, match="island") as island:
        find_route(city, "A", asked(at_m(100, 5)), resolve_profile())
    assert "1000" in island.value.message_zh and island.value.errors[0].value == "A"
    with pytest.raises(NotWalkable, match="no walkable street"):
        find_route(city, "B", asked(at_m(100, 5)), resolve_profile())


def test_streets_that_are_not_joined() -> None:
    city = small_city({"A": at_m(700, 6010)}, OTHER)
    with pytest.raises(NotWalkable, match="not joined"):
        find_route(city, "A", asked(at_m(100, 5)), resolve_profile())


def test_stairs_alone_lead_nowhere_for_wheels() -> None:
    """A second street of 1.5 km beyond stairs: joined on foot, not on wheels."""
    stairs = Line(2, 30, name="Stairs", steps=True)
    city = small_city({"A": at_m(700, 6010)}, OTHER, stairs)
    walked = find_route(city, "A", asked(at_m(100, 5)), resolve_profile())
    assert [step.has_steps for step in walked.steps if step.name == "Stairs"] == [True]
    with pytest.raises(NotWalkable, match="without steps"):
        find_route(city, "A", asked(at_m(100, 5)), resolve_profile("wheelchair"))


def test_a_station_that_is_not_open_is_shown_the_way_to_and_told() -> None:
    assert find_route(small_city({"B": at_m(450, 10)}), "B", asked(at_m(100, 5)), resolve_profile()).is_open_today
    later = small_city({"B": at_m(450, 10)}, opened_on=date(2999, 1, 1))
    assert not find_route(later, "B", asked(at_m(100, 5)), resolve_profile()).is_open_today


def test_the_answer_does_not_depend_on_the_tables_limit(demo_snapshot: Snapshot) -> None:
    """With a table that reaches nowhere, all is searched: the same ways, to the last point."""
    searcher, places, table = demo_snapshot.variant(step_free=False)
    none = reach_table(searcher, places, 0, threads=1)

    class Bare(Snapshot):
        def variant(self, *, step_free: bool) -> Any:
            return searcher, places, none

    bare = Bare(**{name: getattr(demo_snapshot, name) for name in Snapshot.__dataclass_fields__})
    for where in positions(demo_snapshot, 4, seed=26):
        for hit in find_nearest(demo_snapshot, where, NearestQuery(resolve_profile(), DAY, limit=5)).hits:
            one = find_route(demo_snapshot, hit.station.code, where, resolve_profile())
            other = find_route(bare, hit.station.code, where, resolve_profile())
            assert one.hit == other.hit and one.steps == other.steps
            assert np.array_equal(one.line.lng, other.line.lng) and np.array_equal(one.line.lat, other.line.lat)
    assert table.limit_mm > 0
