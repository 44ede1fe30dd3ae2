"""What is told of stations beside street islands, on hand-made cities and against every edge measured one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.geodesy import metres_per_degree
from app.geo.network import STEPS, WalkNetwork, build_network
from app.geo.snapping import build_grid, snap
from app.models.vocabularies import AreaLevel
from app.services.bounded import BoundedCache
from app.services.coverage import CoverageQuery, coverage_table
from app.services.islands import Attached, attached_stations, island_edges, islands_nearer, passes_over
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from tests.services.test_routes import FAR_ISLAND, ISLAND, OTHER, small_city
from tests.support.streets import Line, Point, at_m, rows_of


def test_what_is_told_of_a_station() -> None:
    city = small_city(
        {
            "beside": at_m(450, 10), "passes": at_m(450, 190), "between": at_m(450, 98), "island": at_m(50, 3010),
            "nothing": at_m(50, 4500), "other": at_m(700, 6010),
        }, ISLAND, FAR_ISLAND, OTHER,
    )  # fmt: skip
    told = dict(zip(city.stations.table.at, attached_stations(city, step_free=False), strict=True))
    assert told["beside"] == Attached(pytest.approx(10, abs=0.2), None) and told["beside"].on_network
    assert told["passes"] == Attached(pytest.approx(190, abs=1), pytest.approx(10, abs=0.2))
    assert told["between"] == Attached(pytest.approx(98, abs=1), None)  # the island is 102 m away
    assert told["island"] == Attached(None, pytest.approx(10, abs=0.2)) and not told["island"].on_network
    assert told["nothing"] == Attached(None, None)
    assert told["other"] == Attached(pytest.approx(10, abs=0.2), None)
    assert [code for code, one in told.items() if passes_over(one.snap_m, one.island_m)] == ["passes"]
    assert attached_stations(city, step_free=False) is attached_stations(city, step_free=False)  # once a snapshot


@pytest.mark.parametrize(
    ("snap_m", "island_m", "told"),
    [(30.0, 10.0, True), (29.9, 10.0, False), (30.0, None, False), (None, 10.0, False), (None, None, False)],
)
def test_twenty_metres_are_worth_a_word(snap_m: float | None, island_m: float | None, told: bool) -> None:
    assert passes_over(snap_m, island_m) is told


def test_what_only_stairs_lead_to_is_an_island_for_wheels() -> None:
    city = small_city({"A": at_m(450, 195), "B": at_m(450, 10)}, Line(10, 11, name="Lane"), Line(0, 10, steps=True))
    on_foot, on_wheels = (attached_stations(city, step_free=step_free)[0] for step_free in (False, True))
    assert on_foot == Attached(pytest.approx(5, abs=0.2), None)
    assert on_wheels == Attached(pytest.approx(195, abs=1), pytest.approx(5, abs=0.2))


Pair = tuple[float, float]


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=6),
    st.lists(st.tuples(st.floats(-300, 2100), st.floats(-300, 2100)), min_size=1, max_size=8),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_nearer_island_is_that_of_measuring_every_edge(
    corners: list[tuple[int, int]], spots: list[Pair], step_free: bool
) -> None:
    """A long street and short ones anywhere, some with steps; distances by shapely on the same flat map."""
    nodes: dict[int, Point] = {0: at_m(0, 0), 1: at_m(1800, 0)}
    lines = [Line(0, 1)]
    for k, (i, j) in enumerate(corners):
        nodes[10 + 2 * k], nodes[11 + 2 * k] = at_m(45.0 * i, 30 + 45.0 * j), at_m(45.0 * i + 60, 35 + 45.0 * j)
        lines.append(Line(10 + 2 * k, 11 + 2 * k, steps=k % 3 == 2))
    network, limit_m = build_network(rows_of(nodes, lines), 1000.0), 500.0
    grid = build_grid(network)
    lng, lat = np.array([at_m(*spot) for spot in spots]).T
    places = snap(network, grid, network.adjacency(step_free=step_free).usable, lng, lat, limit_m)
    islands = island_edges(network, step_free=step_free)
    found = islands_nearer(network, grid, islands, places, lng, lat, limit_m)
    for k in range(len(spots)):
        ways = distances_of(network, float(lng[k]), float(lat[k]))
        walked = np.array([not (step_free and flags & STEPS) for flags in network.edge_flags])
        long = np.array([mm > 1_000_000 for mm in network.edge_mm])
        taken = min((way for way in ways[walked & long] if way <= limit_m), default=limit_m)
        nearer = min((way for way in ways[walked & ~long] if way <= taken), default=np.nan)
        assert found[k] == pytest.approx(nearer, abs=1e-6, nan_ok=True)
    alone = [
        islands_nearer(network, grid, islands, places.take(np.array([k])), lng[k : k + 1], lat[k : k + 1], limit_m)
        for k in range(len(spots))
    ]
    assert np.array_equal(np.concatenate(alone), found, equal_nan=True)  # of all at once and of one: the same


def distances_of(network: WalkNetwork, lng: float, lat: float) -> np.ndarray:
    east, north = (float(scale) for scale in metres_per_degree(lat))
    made = []
    for k in range(network.edge_count):
        part = slice(int(network.geom_ptr[k]), int(network.geom_ptr[k + 1]))
        x, y = (network.geom_lng[part] - lng) * east, (network.geom_lat[part] - lat) * north
        made.append(shapely.LineString(np.column_stack([x, y])).distance(shapely.Point(0, 0)))
    return np.array(made)


def test_coverage_counts_the_stations_that_nobody_can_walk_to(demo_snapshot: Snapshot) -> None:
    """Two stations lose their street: one open, one not counted; the row of the open one says so."""
    day = date(2026, 11, 20)
    query = CoverageQuery(resolve_profile(), day)
    mask, leaf = demo_snapshot.open_mask(day), demo_snapshot.stations.table.leaf
    lost = int(np.flatnonzero(mask & (leaf >= 0))[7])
    part = demo_snapshot.stations
    edge = part.places.edge.copy()
    edge[[lost, *np.flatnonzero(~mask)[:1]]] = -1
    held = replace(part, places=replace(part.places, edge=edge))
    changed = replace(demo_snapshot, stations=held, _answers=BoundedCache(64))
    for level in AreaLevel:
        rows = coverage_table(changed, query, level).rows
        before = coverage_table(demo_snapshot, query, level).rows
        assert [row.stations for row in rows] == [row.stations for row in before]
        found = {row.area.code for row in rows if row.stations_off_network}
        assert sum(row.stations_off_network for row in rows) == 1 + sum(r.stations_off_network for r in before)
        held_by = demo_snapshot.areas.ancestor(demo_snapshot.areas.leaf_codes[leaf[lost]], level)
        assert held_by is not None and held_by.code in found
    wheels = CoverageQuery(resolve_profile("wheelchair"), day)  # the other variant is not touched
    one, other = (coverage_table(snapshot, wheels, AreaLevel.CITY).rows for snapshot in (changed, demo_snapshot))
    assert one == other
