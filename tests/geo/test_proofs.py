"""Coverage against every metre of every street, with nothing of the frontage's own code; and in which direction alone
more minutes, speed and stations, or other hexagons, may change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.frontage import Frontage, LeafAreas, Pieces, build_frontage, cut
from app.geo.geodesy import metres_per_degree
from app.geo.hexgrid import cell_centres, cells_of
from app.geo.network import FRONTAGE, STEPS, WalkNetwork, limit_mm
from app.geo.snapping import Places, build_grid
from tests.support.covering import LIMITS, LINK_M, by_area_at, covered_at, frontage_of, people_around
from tests.support.oracle import along_edge, graph_with, place_points
from tests.support.streets import random_network, random_places


@dataclass(frozen=True)
class Metre:
    """A stretch of at most a metre with its people, or a linked cell: where, how far from the street, whose."""

    edge: int
    middle_mm: int
    leg_mm: int
    people: float
    cell: int


def metres_of(network: WalkNetwork, cells: IntArray, people: FloatArray) -> list[Metre]:
    """The rule of the method, read metre by metre: h3 for the cell, shapely for the way to the nearest street."""
    lived = network.everywhere.usable & ((network.edge_flags & STEPS) == 0)
    rows: list[tuple[int, int, float, int]] = []
    for edge in np.flatnonzero(lived & ((network.edge_flags & FRONTAGE) != 0)).tolist():
        bounds = np.linspace(0, float(network.edge_mm[edge]), -(-int(network.edge_mm[edge]) // 1000) + 1)
        middle = (bounds[:-1] + bounds[1:]) / 2
        at = np.searchsorted(cells, own := cells_of(*along_edge(network, edge, middle), 9))
        known = (at < len(cells)) & (cells[np.minimum(at, len(cells) - 1)] == own)
        rows += [
            (edge, int(m), w, c)
            for m, w, c in zip(middle[known], np.diff(bounds)[known], at[known].tolist(), strict=True)
        ]
    total = np.bincount([r[3] for r in rows], weights=[r[2] for r in rows], minlength=len(cells))
    found = [Metre(e, m, 0, float(people[c]) * w / total[c], c) for e, m, w, c in rows]
    for cell in np.flatnonzero(total == 0).tolist():
        found += linked(network, np.flatnonzero(lived).tolist(), int(cells[cell]), float(people[cell]), cell)
    return found


def linked(network: WalkNetwork, edges: list[int], h3_cell: int, people: float, cell: int) -> Iterator[Metre]:
    """The link of a cell without streets to the nearest of the edges, if one is near enough."""
    x, y = (float(v[0]) for v in cell_centres([h3_cell]))
    kx, ky = (float(v) for v in metres_per_degree(y))
    parts = [slice(network.geom_ptr[e], network.geom_ptr[e + 1]) for e in edges]
    lines = [
        shapely.LineString(np.column_stack([(network.geom_lng[p] - x) * kx, (network.geom_lat[p] - y) * ky]))
        for p in parts
    ]
    gap = shapely.distance(shapely.Point(0, 0), lines)
    near = int(gap.argmin())
    if gap[near] <= LINK_M:
        along = shapely.line_locate_point(lines[near], shapely.Point(0, 0), normalized=True)
        offset = round(float(along) * int(network.edge_mm[edges[near]]))
        yield Metre(edges[near], offset, round(float(gap[near]) * 1e3), people, cell)


@pytest.mark.parametrize("step_free", [False, True])
@pytest.mark.parametrize("seed", [3, 6, 18])
def test_coverage_is_that_of_every_metre(seed: int, step_free: bool) -> None:
    """With stations on streets, several on one; steps; islands; cells that are linked and cells that are too far."""
    network = random_network(seed, 60, 85, min_component_m=300.0)
    cells, people = people_around(seed)
    frontage = build_frontage(network, build_grid(network), cells, people, LeafAreas([]), LINK_M)
    places = random_places(np.random.default_rng(seed), network, 14, step_free=step_free)
    assert not network.everywhere.usable.all() and (network.edge_flags & STEPS).any()
    assert len(np.unique(places.edge)) < len(places) and np.isin(places.edge, frontage.edge).any()
    assert (frontage.a_mm == frontage.b_mm).sum() >= 3 and frontage.cell_off_network.sum() > 0
    metres = metres_of(network, cells, people)
    points = place_points(places) | {("metre", k): (m.edge, m.middle_mm, m.leg_mm) for k, m in enumerate(metres)}
    graph = graph_with(network, points, step_free=step_free)
    away = graph.lengths([("place", k) for k in range(len(places))])
    length = np.array([away.get(("metre", k), np.inf) for k in range(len(metres))])
    weight, cell = np.array([m.people for m in metres]), np.array([m.cell for m in metres])
    seen = []
    for limit in LIMITS:
        wanted = np.bincount(cell, weights=weight * (length <= limit), minlength=len(cells))
        found = covered_at(network, frontage, places, limit, step_free=step_free)
        assert np.abs(found - wanted).sum() <= 1e-3 * people.sum(), limit
        seen.append(found.sum() / people.sum())
    assert seen[1] < 0.2 and seen[-1] > 0.4  # there is something to be wrong about


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_size_of_reporting_hexagons_is_nothing(seed: int) -> None:
    """People by cells of resolution 9; the same pieces reported by hexagons of 8 and of 10."""
    network = random_network(seed, 60, 85, min_component_m=300.0)
    frontage = frontage_of(network, seed)
    places = random_places(np.random.default_rng(seed), network, 7)
    wanted = [covered_at(network, frontage, places, limit).sum() for limit in LIMITS]
    assert 0 < wanted[1] < wanted[-1] < frontage.people.sum()
    for resolution in (8, 10):
        reported = recut(network, frontage, resolution)
        assert reported.people.sum() == pytest.approx(frontage.people.sum(), rel=1e-12)
        assert len(reported.edge) > len(frontage.edge) + 20, "hexagons cut pieces anew"
        found = [covered_at(network, reported, places, limit) for limit in LIMITS]
        assert [f.sum() for f in found] == pytest.approx(wanted, rel=1e-9)
        assert (np.array(found) <= reported.cell_people * (1 + 1e-9) + 1e-9).all()
        assert by_area_at(network, reported, places, 1)[0] == pytest.approx(wanted, rel=1e-9)


def recut(network: WalkNetwork, frontage: Frontage, resolution: int) -> Frontage:
    """The frontage by the cells of another resolution; people stay where they are."""
    along = frontage.b_mm > frontage.a_mm
    old = Pieces(frontage.edge[along], frontage.a_mm[along], frontage.b_mm[along], np.zeros(int(along.sum())))
    new = cut(network, old, lambda lng, lat: cells_of(lng, lat, resolution))
    key, start = ((p.edge.astype(np.int64) << 32) + p.a_mm for p in (old, new))
    source = np.searchsorted(key, start, side="right") - 1
    assert np.array_equal(old.edge[source], new.edge) and (new.b_mm <= old.b_mm[source]).all()
    density = frontage.people[along] / (old.b_mm - old.a_mm)
    still = frontage.cells[frontage.cell[~along]]
    linked_cell = cells_of(*cell_centres(still), resolution)
    edge = np.concatenate([new.edge, frontage.edge[~along]])
    a = np.concatenate([new.a_mm, frontage.a_mm[~along]])
    order = np.lexsort((a, edge))
    zone = np.concatenate([new.zone, linked_cell])[order]
    cells, cell = np.unique(zone, return_inverse=True)
    people = np.concatenate([density[source] * (new.b_mm - new.a_mm), frontage.people[~along]])[order]
    return Frontage(
        edge=edge[order], a_mm=a[order], b_mm=np.concatenate([new.b_mm, frontage.b_mm[~along]])[order],
        leg_mm=np.concatenate([np.zeros(len(source), dtype=np.int32), frontage.leg_mm[~along]])[order],
        people=people, cell=cell.astype(np.int32), area=np.zeros(len(cell), dtype=np.int32), cells=cells,
        cell_people=np.bincount(cell, weights=people).astype(np.float64), cell_off_network=np.zeros(len(cells)),
        cell_area=np.zeros(len(cells), dtype=np.int32),
    )  # fmt: skip


@dataclass(frozen=True)
class Town:
    network: WalkNetwork
    frontage: Frontage
    places: Places


@pytest.fixture(scope="module")
def town() -> Town:
    network = random_network(3, 60, 85, min_component_m=300.0)
    return Town(network, frontage_of(network, 3), random_places(np.random.default_rng(3), network, 9))


@given(
    minutes=st.lists(st.floats(0.5, 60), min_size=2, max_size=2).map(sorted),
    speed=st.lists(st.floats(1, 7), min_size=2, max_size=2).map(sorted),
    stations=st.tuples(*[st.sampled_from([(False, False), (False, True), (True, True)])] * 9),
)
@settings(max_examples=150, deadline=None)
def test_more_minutes_speed_and_stations_never_cover_fewer(
    town: Town, minutes: list[float], speed: list[float], stations: tuple[tuple[bool, bool], ...]
) -> None:
    """Each alone and all together, in every cell; and never more than live along its streets."""
    few, many = (np.array([s[k] for s in stations], dtype=np.bool_) for k in (0, 1))

    def covered(m: float, v: float, mask: BoolArray) -> FloatArray:
        return covered_at(town.network, town.frontage, town.places, limit_mm(m, v), mask=mask)

    least = covered(minutes[0], speed[0], few)
    most = covered(minutes[1], speed[1], many)
    slack = 1e-9 * town.frontage.cell_people + 1e-9
    for between in (
        covered(minutes[1], speed[0], few), covered(minutes[0], speed[1], few), covered(minutes[0], speed[0], many)
    ):  # fmt: skip
        assert (least <= between + slack).all() and (between <= most + slack).all()
    assert (most <= town.frontage.cell_people - town.frontage.cell_off_network + slack).all()
