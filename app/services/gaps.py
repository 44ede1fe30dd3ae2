"""Gaps: contiguous cells whose people are not within the walk, where they are and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from app.geo.arrays import BoolArray, IntArray
from app.geo.hexgrid import neighbours, outline
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo
from app.services.cell_grid import population_grid
from app.services.coverage import CoverageQuery, run_id
from app.services.coverage_cells import CellFigures, cell_figures, nearest_of_cell
from app.services.gap_reasons import GapReasons, detour_of, reasons_of
from app.services.snapshot import Snapshot


@dataclass(frozen=True)
class Gap:
    """A contiguous gap. ``population`` lives in its cells; ``people`` of them are not within the walk, for ``reasons``.

    ``detour`` is the walk to the nearest station over the straight line, of its people; None where none can walk.
    """

    id: str
    people: int
    population: int
    off_network: int
    cells: list[int]
    outline: shapely.MultiPolygon
    lng: float
    lat: float
    areas: list[AreaInfo]
    nearest_station: str | None
    nearest_minutes: float | None
    reasons: GapReasons
    detour: float | None


@dataclass(frozen=True)
class GapsAnswer:
    run_id: str
    resolution: int
    gaps: list[Gap]
    total_people: int  # of all gaps, also of those left off by the limit
    total_gaps: int


def coverage_gaps(
    snapshot: Snapshot,
    query: CoverageQuery,
    *,
    level: AreaLevel,
    within: str | None = None,
    min_share: float = 0.5,
    min_population: int = 1,
    limit: int = 50,
) -> GapsAnswer:
    """Gaps, most people first: neighbouring cells of one area of ``level`` in which at least ``min_share`` are not
    within the walk.

    Raises LevelNotLoaded, NotFound, NotReady.
    """
    frontage, areas = snapshot.frontage, snapshot.areas
    held = {area.code: k for k, area in enumerate(areas.of_level(level, within))}
    group_of_leaf = np.full(len(areas.leaf_codes), -1, dtype=np.int64)
    for code, k in held.items():
        group_of_leaf[areas.leaves_of(code)] = k
    figures = cell_figures(snapshot, query)
    missing = figures.uncovered + figures.off_network
    group = group_of_leaf[frontage.cell_area]
    chosen = (group >= 0) & (missing > 0) & (missing >= min_share * frontage.cell_people)
    label = _label_contiguous(_adjacent(snapshot), chosen, group)
    count = int(label.max()) + 1 if len(label) else 0
    people = np.bincount(label[chosen], weights=missing[chosen], minlength=count)
    big = [g for g in np.lexsort((np.arange(count), -people)).tolist() if people[g] >= min_population]
    at = np.flatnonzero(chosen)
    by_label = at[np.argsort(label[at], kind="stable")]
    start = np.searchsorted(label[by_label], np.arange(count + 1))
    return GapsAnswer(
        run_id=run_id(snapshot, query),
        resolution=frontage.resolution,
        gaps=[_gap(snapshot, query, figures, by_label[start[g] : start[g + 1]]) for g in big[:limit]],
        total_people=round(float(people[big].sum())),
        total_gaps=len(big),
    )


def _gap(snapshot: Snapshot, query: CoverageQuery, figures: CellFigures, at: IntArray) -> Gap:
    frontage, areas = snapshot.frontage, snapshot.areas
    missing = (figures.uncovered + figures.off_network)[at]
    grid = population_grid(snapshot)
    lng, lat = grid.lng, grid.lat
    codes = sorted({areas.leaf_codes[k] for k in frontage.cell_area[at].tolist()})
    reached = at[figures.nearest[at] >= 0]
    nearest = int(reached[figures.nearest_mm[reached].argmin()]) if len(reached) else int(at[0])
    station, minutes = nearest_of_cell(snapshot, query, figures, nearest)
    cells, people = frontage.cells[at], round(float(missing.sum()))
    return Gap(
        id=f"{int(cells[missing.argmax()]):x}",
        people=people,
        population=round(float(frontage.cell_people[at].sum())),
        off_network=round(float(figures.off_network[at].sum())),
        cells=cells.tolist(),
        outline=outline(cells),
        lng=round(float(np.average(lng[at], weights=missing)), 6),
        lat=round(float(np.average(lat[at], weights=missing)), 6),
        areas=[areas.get(code) for code in codes],
        nearest_station=station,
        nearest_minutes=minutes,
        reasons=reasons_of(snapshot, query, figures, at, people),
        detour=detour_of(snapshot, query, figures, at),
    )


def _adjacent(snapshot: Snapshot) -> tuple[IntArray, IntArray]:
    """Pairs of population cells (by number, each once) that share an edge."""

    def make() -> tuple[IntArray, IntArray]:
        cells = snapshot.frontage.cells
        number = {cell: k for k, cell in enumerate(cells.tolist())}
        pairs = [
            (k, number[other]) for cell, k in number.items() for other in neighbours(cell) if number.get(other, -1) > k
        ]
        found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    return snapshot.cached("adjacent cells", make)


def _label_contiguous(pairs: tuple[IntArray, IntArray], chosen: BoolArray, group: IntArray) -> IntArray:
    """A number for every chosen cell, the same for cells joined by chosen cells of one group; -1 for the others."""
    a, b = pairs
    joined = chosen[a] & chosen[b] & (group[a] == group[b])
    n = len(chosen)
    graph = coo_matrix((np.ones(int(joined.sum()), dtype=np.int8), (a[joined], b[joined])), shape=(n, n))
    raw = connected_components(graph, directed=False)[1]
    label = np.full(n, -1, dtype=np.int64)
    label[chosen] = np.unique(raw[chosen], return_inverse=True)[1]
    return label
