"""Coverage of small towns in few words: people on hexagons, their frontage, who is covered."""

from __future__ import annotations

import numpy as np
import shapely

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.coverage import OnEdge, covered_by_cell, curve_by_area
from app.geo.frontage import Frontage, LeafAreas, Pieces, build_frontage
from app.geo.hexgrid import cells_of
from app.geo.network import WalkNetwork
from app.geo.search import Searcher
from app.geo.snapping import Places, build_grid
from tests.support.streets import at_m

LIMITS = [1, 30_000, 150_000, 400_000, 800_000, 1_200_000, 2_500_000]
LINK_M = 300.0


def covered_at(
    network: WalkNetwork, frontage: Frontage, places: Places, limit: int, *,
    step_free: bool = False, mask: BoolArray | None = None,
) -> FloatArray:  # fmt: skip
    """People of every cell."""
    chosen = np.ones(len(places), dtype=np.bool_) if mask is None else mask
    field = Searcher.of(network, step_free=step_free).field_of(places.take(chosen), limit)
    return covered_by_cell(
        frontage, network.edge_u, network.edge_v, network.edge_mm, field.length_mm, OnEdge.of(places, chosen), limit
    )


def by_area_at(network: WalkNetwork, frontage: Frontage, places: Places, areas: int) -> FloatArray:
    """People of every area within each of LIMITS."""
    field = Searcher.of(network, step_free=False).field_of(places, LIMITS[-1])
    return curve_by_area(
        frontage, areas, network.edge_u, network.edge_v, network.edge_mm, field.length_mm,
        OnEdge.of(places, np.ones(len(places), dtype=np.bool_)), np.array(LIMITS, dtype=np.int64),
    )  # fmt: skip


def people_around(seed: int, span_m: float = 1400.0) -> tuple[IntArray, FloatArray]:
    """H3 cells (ascending) over the drawing area, and people in each."""
    rng = np.random.default_rng(seed)
    x, y = np.array([at_m(*p) for p in rng.uniform(-span_m, span_m, (2500, 2))]).T
    cells = np.unique(cells_of(x, y, 9))
    return cells, rng.uniform(0, 500, len(cells))


def frontage_of(network: WalkNetwork, seed: int, leaves: LeafAreas | None = None) -> Frontage:
    cells, people = people_around(seed)
    return build_frontage(network, build_grid(network), cells, people, leaves or LeafAreas([]), LINK_M)


def quarters(span_m: float = 1400.0) -> list[shapely.Geometry]:
    """Four squares that meet in the middle of the drawing area."""
    made: list[shapely.Geometry] = []
    for x, y in ((-span_m, -span_m), (0.0, -span_m), (-span_m, 0.0), (0.0, 0.0)):
        made.append(shapely.box(*at_m(x, y), *at_m(x + span_m, y + span_m)))
    return made


def by_the_metre(pieces: Pieces) -> Frontage:
    """A person a metre, cells by zone."""
    cells, at = np.unique(pieces.zone, return_inverse=True)
    people = (pieces.b_mm - pieces.a_mm) / 1e3
    none = np.zeros(len(people), dtype=np.int32)
    return Frontage(
        edge=pieces.edge, a_mm=pieces.a_mm, b_mm=pieces.b_mm, leg_mm=none, people=people, cell=at.astype(np.int32),
        area=none, cells=cells, cell_people=np.bincount(at, weights=people).astype(np.float64),
        cell_off_network=np.zeros(len(cells)), cell_area=np.zeros(len(cells), dtype=np.int32),
    )  # fmt: skip
