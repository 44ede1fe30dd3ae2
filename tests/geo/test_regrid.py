"""Other hexagons, the same people: nothing that is counted changes but the hexagon it is told by."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.geo.arrays import FloatArray
from app.geo.coverage import OnEdge, covered_by_cell, curve_by_area, nearest_by_cell
from app.geo.frontage import Frontage, LeafAreas, build_frontage, relinked
from app.geo.hexgrid import cell_centres, cells_of, cells_within, parents_of
from app.geo.network import WalkNetwork
from app.geo.regrid import part_of, regridded
from app.geo.search import Searcher
from app.geo.snapping import SegmentGrid, build_grid, snap
from tests.support.oracle import along_edge
from tests.support.streets import Line, at_m, network_of, random_network

OTHERS = [7, 8, 10]
LIMIT_MM = 400_000


class World:
    """Random streets, three areas with slanting borders, people at r9: some linked, some off the network."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.network: WalkNetwork = random_network(seed)
        lng, lat = self.network.geom_lng, self.network.geom_lat
        west, east, south, north = lng.min() - 0.006, lng.max() + 0.006, lat.min() - 0.006, lat.max() + 0.006
        middle = (west + east) / 2
        corners = [(west, south), (middle - 0.001, south), (middle + 0.001, north), (west, north)]
        rest = [(middle - 0.001, south), (east, south), (east, north), (middle + 0.001, north)]
        self.leaves = LeafAreas([shapely.Polygon(corners), shapely.Polygon(rest)])
        cells = cells_within(shapely.box(west, south, east, north), 9)
        self.people = rng.uniform(0.5, 900, len(cells))
        self.grid: SegmentGrid = build_grid(self.network)
        self.frontage = build_frontage(self.network, self.grid, cells, self.people, self.leaves, 250.0)
        at = rng.uniform([lng.min(), lat.min()], [lng.max(), lat.max()], (5, 2))
        usable = self.network.adjacency(step_free=False).usable
        self.places = snap(self.network, self.grid, usable, at[:, 0], at[:, 1], 2000.0)
        field = Searcher.of(self.network, step_free=False).field_of(self.places, 1 << 30)
        self.length_mm, self.origin = field.length_mm, field.origin
        self.stations = OnEdge.of(self.places, np.ones(5, dtype=np.bool_))

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.network.edge_u, self.network.edge_v, self.network.edge_mm

    def covered(self, frontage: Frontage, limit_mm: int = LIMIT_MM) -> FloatArray:
        return covered_by_cell(frontage, *self.edges, self.length_mm, self.stations, limit_mm)


@pytest.fixture(scope="module", params=[3, 4])
def world(request: pytest.FixtureRequest) -> World:
    made = World(request.param)
    linked = made.frontage.a_mm == made.frontage.b_mm
    assert linked.any() and (made.frontage.cell_off_network > 0).any() and (~linked).sum() > 50
    return made


@pytest.mark.parametrize("resolution", OTHERS)
def test_totals_do_not_depend_on_the_hexagons(world: World, resolution: int) -> None:
    old = world.frontage
    new = regridded(old, world.network, world.leaves, resolution)
    assert new.resolution == resolution and (np.diff(new.cells) > 0).all()
    for name in ("cell_people", "cell_off_network"):
        assert getattr(new, name).sum() == pytest.approx(getattr(old, name).sum(), rel=1e-12)
    along = np.bincount(new.cell, weights=new.people, minlength=len(new.cells))
    np.testing.assert_allclose(along + new.cell_off_network, new.cell_people, rtol=1e-12)
    assert (np.diff(new.edge) >= 0).all() and (new.cell_people > 0).all()
    limits = np.arange(1, 60) * 40_000
    curves = [
        curve_by_area(frontage, 2, *world.edges, world.length_mm, world.stations, limits) for frontage in (old, new)
    ]
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-9)
    assert curves[0][:, 3].min() > 0
    for limit in (100_000, LIMIT_MM):
        assert world.covered(new, limit).sum() == pytest.approx(world.covered(old, limit).sum(), rel=1e-9)


@pytest.mark.parametrize("resolution", [7, 8])
def test_coarser_hexagons_are_sums_of_their_children(world: World, resolution: int) -> None:
    old = world.frontage
    new = regridded(old, world.network, world.leaves, resolution)
    parent = parents_of(old.cells, resolution)
    for figure, sums in (
        (old.cell_people, new.cell_people),
        (old.cell_off_network, new.cell_off_network),
        (world.covered(old), world.covered(new)),
    ):
        expected = [figure[parent == cell].sum() for cell in new.cells]
        np.testing.assert_allclose(sums, expected, rtol=1e-9, atol=1e-9)


def test_finer_pieces_lie_in_their_hexagons(world: World) -> None:
    old, new = world.frontage, regridded(world.frontage, world.network, world.leaves, 10)
    linked = new.a_mm == new.b_mm
    right = wrong = 0
    for k in np.flatnonzero(~linked)[::7].tolist():
        a, b = int(new.a_mm[k]), int(new.b_mm[k])
        if b - a < 100:
            continue
        for mm in (a + 30, (a + b) // 2, b - 30):  # crossings are found to a centimetre
            lng, lat = along_edge(world.network, int(new.edge[k]), mm)
            here = int(cells_of(lng, lat, 10)[0])
            is_right = here == new.cells[new.cell[k]]
            right, wrong = right + is_right, wrong + (not is_right)
    # a corner of a hexagon that is cut by less than the distance of two probes may be missed
    assert right > 100 and wrong <= right / 100
    home = dict(zip(old.cells.tolist(), cells_of(*cell_centres(old.cells), 10).tolist(), strict=True))
    points = [home[cell] for cell in old.cells[old.cell[old.a_mm == old.b_mm]].tolist()]
    assert sorted(points) == sorted(new.cells[new.cell[linked]].tolist()), "linked people stay at their centre"


def test_people_are_split_by_length(world: World) -> None:
    """Metre by metre: the density of every edge is what it was."""
    old, new = world.frontage, regridded(world.frontage, world.network, world.leaves, 10)
    for edge in np.unique(old.edge)[::3].tolist():
        ends = np.unique(np.concatenate([getattr(f, n)[f.edge == edge] for f in (old, new) for n in ("a_mm", "b_mm")]))
        densities = []
        for frontage in (old, new):
            at = np.flatnonzero((frontage.edge == edge) & (frontage.b_mm > frontage.a_mm))
            part = (frontage.a_mm[at][:, None] <= ends[:-1]) & (frontage.b_mm[at][:, None] >= ends[1:])
            densities.append((frontage.people[at] / (frontage.b_mm[at] - frontage.a_mm[at])) @ part)
        np.testing.assert_allclose(densities[1], densities[0], rtol=1e-9)


@pytest.mark.parametrize("resolution", OTHERS)
def test_the_nearest_station_is_the_nearest_of_the_parts(world: World, resolution: int) -> None:
    new = regridded(world.frontage, world.network, world.leaves, resolution)
    _, mm = nearest_by_cell(new, *world.edges, world.length_mm, world.origin, world.stations)
    _, old_mm = nearest_by_cell(world.frontage, *world.edges, world.length_mm, world.origin, world.stations)
    assert mm.min() == old_mm.min()
    if resolution < 9:
        parent = parents_of(world.frontage.cells, resolution)
        assert mm.tolist() == [old_mm[parent == cell].min() for cell in new.cells]


def test_the_same_hexagons_are_the_same_frontage(world: World) -> None:
    assert regridded(world.frontage, world.network, world.leaves, 9) is world.frontage


@settings(deadline=None)
@given(st.data())
def test_a_part_has_what_lies_in_its_cells(world: World, data: st.DataObject) -> None:
    count = len(world.frontage.cells)
    chosen = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1), max_size=count))), dtype=np.int64)
    part = part_of(world.frontage, chosen)
    assert part.cells.tolist() == world.frontage.cells[chosen].tolist()
    np.testing.assert_array_equal(world.covered(part), world.covered(world.frontage)[chosen])
    along = np.bincount(part.cell, weights=part.people, minlength=len(chosen))
    np.testing.assert_allclose(along + part.cell_off_network, world.frontage.cell_people[chosen], rtol=1e-12)


def test_relinked_people_are_those_that_a_wider_limit_adds(world: World) -> None:
    """Against the frontage built with the wider limit from the start."""
    old = world.frontage
    beyond = relinked(old, world.network, world.grid, 600.0)
    wide = build_frontage(world.network, world.grid, old.cells, old.cell_people, world.leaves, 600.0)
    assert len(beyond.edge) > 0 and (beyond.cell_off_network > 0).any()
    assert beyond.people.sum() + beyond.cell_off_network.sum() == pytest.approx(old.cell_off_network.sum())
    assert beyond.cell_off_network.sum() == pytest.approx(wide.cell_off_network.sum())
    both = world.covered(old).sum() + world.covered(beyond).sum()
    assert both == pytest.approx(world.covered(wide).sum(), rel=1e-12)
    for name in ("edge", "a_mm", "leg_mm", "people", "area"):
        added = wide.leg_mm > 250_000
        assert sorted(getattr(beyond, name).tolist()) == sorted(getattr(wide, name)[added].tolist()), name


def test_one_street_by_hand() -> None:
    """A kilometre of street and one cell whose people live along the part of it that lies inside."""
    network = network_of({0: at_m(0.0, 0.0), 1: at_m(1000.0, 0.0)}, [Line(0, 1)])
    cells = cells_of(*(np.array([v]) for v in at_m(500.0, 0.0)), 9)
    lng, lat = at_m(0.0, -2000.0)
    leaves = LeafAreas([shapely.box(lng - 0.1, lat - 0.1, lng + 0.1, lat + 0.1)])
    old = build_frontage(network, build_grid(network), cells, np.array([120.0]), leaves, 100.0)
    new = regridded(old, network, leaves, 10)
    assert len(old.edge) == 1 and len(new.cells) > 1 and len(new.edge) >= len(new.cells)
    assert (new.a_mm[0], new.b_mm[-1]) == (old.a_mm[0], old.b_mm[0]) and (new.a_mm[1:] == new.b_mm[:-1]).all()
    np.testing.assert_allclose(new.people, 120.0 * (new.b_mm - new.a_mm) / (old.b_mm[0] - old.a_mm[0]))
