"""Who is served by whom adds up to coverage, in every direction, and is what single stations tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
import shapely

from app.errors import LevelNotLoaded, NotFound
from app.geo.coverage import OnEdge, curve_by_area
from app.geo.search import Field
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaTable
from app.services.bounded import BoundedCache
from app.services.coverage import CoverageQuery, coverage_table, field_within, on_edge
from app.services.profiles import resolve_profile
from app.services.served_by import MatrixAnswer, _exact, served_by_matrix
from app.services.snapshot import Snapshot
from app.services.station_table import StationTable

DAY = date(2026, 11, 20)
CITY, DISTRICT, TOWN = AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN
LEVELS = (CITY, DISTRICT, TOWN)


def ask(minutes: float = 15.0, profile: str = "adult", speed: float | None = None, **more: Any) -> CoverageQuery:
    return CoverageQuery(resolve_profile(profile, speed), more.get("day", DAY), minutes, more.get("types", ()))


QUERIES = [
    ask(), ask(7.3), ask(25, "senior"), ask(30, "wheelchair"), ask(60, speed=7.0), ask(15, types=("park",)),
    ask(15, day=date(2020, 1, 1)),
]  # fmt: skip


def cells(answer: MatrixAnswer) -> np.ndarray:
    return np.array([row.people for row in answer.rows])


@pytest.mark.parametrize("query", QUERIES)
def test_rows_add_up_to_the_covered_and_levels_to_one_another(demo_snapshot: Snapshot, query: CoverageQuery) -> None:
    found = {(a, b): served_by_matrix(demo_snapshot, query, a, b) for a in LEVELS for b in LEVELS}
    for (level, by), answer in found.items():
        rows = coverage_table(demo_snapshot, query, level).rows
        assert [row.area.code for row in answer.rows] == [row.area.code for row in rows]
        assert [row.covered for row in answer.rows] == [row.covered for row in rows]
        assert cells(answer).sum(axis=1).tolist() == [row.covered for row in rows] and (cells(answer) >= 0).all()
        assert [c.area and c.area.code for c in answer.columns] == [
            *(area.code for area in demo_snapshot.areas.of_level(by)), None,
        ]  # fmt: skip
        assert cells(answer).sum(axis=0).tolist() == [column.served for column in answer.columns]
        counted = [row.stations for row in coverage_table(demo_snapshot, query, by).rows]
        assert [column.stations for column in answer.columns] == [*counted, answer.columns[-1].stations]
        is_open = demo_snapshot.open_mask(query.day, query.types)
        assert sum(column.stations for column in answer.columns) == is_open.sum()
    towns = [area.parent_code for area in demo_snapshot.areas.of_level(TOWN)]
    for k, district in enumerate(demo_snapshot.areas.of_level(DISTRICT)):
        here = np.array([code == district.code for code in towns])
        both, by_town = cells(found[DISTRICT, DISTRICT]), cells(found[DISTRICT, TOWN])[:, :-1]
        assert (cells(found[TOWN, DISTRICT])[here].sum(axis=0) == both[k]).all()
        assert (by_town[:, here].sum(axis=1) == both[:, k]).all()
    assert (cells(found[DISTRICT, DISTRICT]).sum(axis=0) == cells(found[CITY, DISTRICT])[0]).all()


def test_own_and_inflow_are_the_middle_and_the_rest_of_the_table(demo_snapshot: Snapshot) -> None:
    for level in LEVELS:
        square = served_by_matrix(demo_snapshot, ask(), level, level)
        table = cells(square)
        for k, (row, column) in enumerate(zip(square.rows, square.columns, strict=False)):
            assert row.own == table[k, k] and column.inflow == table[:, k].sum() - table[k, k]
            assert row.share_own == (round(row.own / row.covered, 6) if row.covered else None)
        for by in LEVELS:  # own does not depend on the columns, nor inflow on the rows
            other, turned = (served_by_matrix(demo_snapshot, ask(), *pair) for pair in ((level, by), (by, level)))
            assert [row.own for row in other.rows] == [row.own for row in square.rows]
            assert turned.columns == square.columns
    assert 0 < sum(column.inflow for column in square.columns) < sum(row.own for row in square.rows)


@pytest.mark.parametrize("query", [ask(20), ask(20, "wheelchair"), ask(20, types=("community", "park"))])
def test_a_district_serves_those_whom_no_other_reaches_and_none_whom_it_does_not(
    demo_snapshot: Snapshot, query: CoverageQuery
) -> None:
    """Both bounds are coverage by some of the stations, which knows nothing of who serves whom."""
    answer = served_by_matrix(demo_snapshot, query, DISTRICT, DISTRICT)
    mask = demo_snapshot.open_mask(query.day, query.types)
    everybody, rounding = people_of(demo_snapshot, query, mask), len(demo_snapshot.areas.leaf_codes)
    for k, column in enumerate(answer.columns[:-1]):
        assert column.area is not None
        here = mask & np.isin(demo_snapshot.stations.table.leaf, demo_snapshot.areas.leaves_of(column.area.code))
        others = people_of(demo_snapshot, query, mask & ~here)
        served = cells(answer)[:, k].sum()
        assert everybody - others - rounding <= served <= people_of(demo_snapshot, query, here) + rounding
        assert column.stations == here.sum()


def people_of(snapshot: Snapshot, query: CoverageQuery, mask: np.ndarray) -> float:
    network = snapshot.network
    field = field_within(snapshot, query, query.limit_mm, mask)
    _, places, _ = snapshot.variant(step_free=query.profile.step_free)
    limits = np.array([query.limit_mm], dtype=np.int64)
    return float(
        curve_by_area(
            snapshot.frontage, len(snapshot.areas.leaf_codes), network.edge_u, network.edge_v, network.edge_mm,
            field.length_mm, OnEdge.of(places, mask), limits,
        ).sum()
    )  # fmt: skip


def test_people_are_counted_where_the_nearest_lookup_sends_them(demo_snapshot: Snapshot) -> None:
    """Points of frontage drawn by people: the share sent to each town is the matrix's."""
    query = ask(20)
    rng, frontage, network = np.random.default_rng(5), demo_snapshot.frontage, demo_snapshot.network
    exact = _exact(demo_snapshot, query)
    count = 20_000  # the bounds below are six standard deviations wide
    piece = rng.choice(len(frontage.edge), count, p=frontage.people / frontage.people.sum())
    at = frontage.a_mm[piece] + rng.random(count) * (frontage.b_mm[piece] - frontage.a_mm[piece])
    field: Field = field_within(demo_snapshot, query, query.limit_mm)
    stations = on_edge(demo_snapshot, query)
    leaf = demo_snapshot.stations.table.leaf
    drawn = np.zeros_like(exact)
    for k, spot in zip(piece.tolist(), at.tolist(), strict=True):
        edge = int(frontage.edge[k])
        u, v, total = int(network.edge_u[edge]), int(network.edge_v[edge]), int(network.edge_mm[edge])
        ways = [
            (int(field.length_mm[node]) + rest, int(field.origin[node]))
            for node, rest in ((u, spot), (v, total - spot))
            if field.origin[node] >= 0
        ]
        ways += [
            (int(stations.leg_mm[s]) + abs(int(stations.offset_mm[s]) - spot), int(stations.number[s]))
            for s in np.flatnonzero(stations.edge == edge)
        ]
        if ways and min(ways)[0] + int(frontage.leg_mm[k]) <= query.limit_mm:
            drawn[frontage.area[k], leaf[min(ways)[1]]] += frontage.people.sum() / count
    assert drawn[exact == 0].sum() == 0  # nobody is sent where the matrix has nobody
    share = exact / frontage.people.sum()
    spread = np.sqrt(np.maximum(share * (1 - share), 1e-9) / count) * frontage.people.sum()
    assert (np.abs(drawn - exact) <= 6 * spread + 1e-6).all()
    assert (exact > 0).sum() > 60


def test_whole_people_stay_beside_the_exact(demo_snapshot: Snapshot) -> None:
    query = ask()
    exact, towns = _exact(demo_snapshot, query), served_by_matrix(demo_snapshot, query, TOWN, TOWN)
    assert [row.area.code for row in towns.rows] == demo_snapshot.areas.leaf_codes
    assert (np.abs(cells(towns) - exact) < 1.5).all()
    assert (cells(towns)[exact == 0] == 0).all()


def test_stations_outside_all_areas_have_the_last_column(demo_snapshot: Snapshot) -> None:
    """The areas of one district are taken away below its stations: whom they serve is kept, in the last column."""
    query = ask()
    before = served_by_matrix(demo_snapshot, query, DISTRICT, DISTRICT)
    gone = "440104"
    table = demo_snapshot.stations.table
    leaf = np.where(np.isin(table.leaf, demo_snapshot.areas.leaves_of(gone)), -1, table.leaf)
    moved = StationTable(table.stations, demo_snapshot.areas)
    moved.__dict__["leaf"] = leaf
    changed = replace(demo_snapshot, stations=replace(demo_snapshot.stations, table=moved), _answers=BoundedCache(64))
    after = served_by_matrix(changed, query, DISTRICT, DISTRICT)
    at = [column.area and column.area.code for column in before.columns].index(gone)
    assert after.columns[at].served == after.columns[at].stations == 0
    outside = after.columns[-1]
    assert outside.area is None and outside.served == outside.inflow > 0
    assert outside.stations == before.columns[at].stations
    assert np.abs(cells(after)[:, -1] - cells(before)[:, at]).max() <= len(demo_snapshot.areas.leaf_codes)
    assert cells(after).sum(axis=1).tolist() == cells(before).sum(axis=1).tolist()


def test_towns_in_one_district_only(demo_snapshot: Snapshot) -> None:
    """Where other districts have no towns, their stations are in no town, and their people in no row of towns."""
    table = demo_snapshot.areas
    kept = [area for area in table.areas if area.level is not TOWN or area.parent_code == "440106"]
    areas = AreaTable(kept, [table.outlines[table.at[area.code]] for area in kept])
    frontage = demo_snapshot.frontage
    number = {code: k for k, code in enumerate(areas.leaf_codes)}
    new_leaf = np.array(
        [number[code] if code in number else number[table.parent[code] or ""] for code in table.leaf_codes],
        dtype=np.int32,
    )
    moved = replace(frontage, area=new_leaf[frontage.area], cell_area=new_leaf[frontage.cell_area])
    sources = (replace(demo_snapshot.city.sources[0], frontage=moved),)
    stations = replace(demo_snapshot.stations, table=StationTable(demo_snapshot.stations.table.stations, areas))
    city = replace(demo_snapshot.city, areas=areas, sources=sources)
    mixed = replace(demo_snapshot, city=city, stations=stations, _answers=BoundedCache(64))
    towns = served_by_matrix(mixed, ask(), TOWN, TOWN)
    districts = served_by_matrix(mixed, ask(), DISTRICT, DISTRICT)
    at = [row.area.code for row in districts.rows].index("440106")
    assert {row.area.parent_code for row in towns.rows} == {"440106"}
    assert cells(towns).sum() == districts.rows[at].covered
    assert cells(towns)[:, :-1].sum() == districts.rows[at].own and cells(towns)[:, -1].sum() > 0
    assert towns.columns[-1].stations == sum(c.stations for c in districts.columns) - districts.columns[at].stations


def test_within_and_what_is_not_there(demo_snapshot: Snapshot) -> None:
    everything = served_by_matrix(demo_snapshot, ask(), TOWN, DISTRICT)
    inside = served_by_matrix(demo_snapshot, ask(), TOWN, DISTRICT, "440106")
    assert inside.rows == [row for row in everything.rows if row.area.parent_code == "440106"] and inside.rows
    assert inside.columns == everything.columns and inside.run_id == everything.run_id
    assert inside.run_id == coverage_table(demo_snapshot, ask(), DISTRICT).run_id
    with pytest.raises(NotFound, match="999999"):
        served_by_matrix(demo_snapshot, ask(), TOWN, DISTRICT, "999999")
    table = demo_snapshot.areas
    towns = [a for a in table.areas if a.level is TOWN]
    bare = AreaTable(towns, [shapely.Point(0, 0).buffer(1)] * len(towns))
    only_towns = replace(demo_snapshot, city=replace(demo_snapshot.city, areas=bare), _answers=BoundedCache(64))
    with pytest.raises(LevelNotLoaded, match="district"):
        served_by_matrix(only_towns, ask(), TOWN, DISTRICT)
