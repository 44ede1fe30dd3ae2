"""Coverage by H3 cell, and the gaps: contiguous cells whose people are not within the walk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import BoolArray, FloatArray, Int32Array, IntArray
from app.geo.coverage import covered_by_cell, nearest_by_cell
from app.geo.frontage import Frontage
from app.geo.hexgrid import neighbours, outline
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo
from app.services.cell_grid import Box, CellFilter, CellGrid, coarser_grid, finer_grid, population_grid
from app.services.coverage import CoverageQuery, field_within, on_edge, run_id
from app.services.snapshot import Snapshot

MAX_CELLS = 5_000
MIN_RESOLUTION, MAX_RESOLUTION = 7, 10  # of cells on request; stations carry the same
DECIMALS = 3  # of people in a cell: cells are not whole numbers


@dataclass(frozen=True)
class CellFigures:
    """By cell, in the order of the frontage's cells. ``nearest`` is a station's number or -1.

    ``nearest_mm`` is the shortest walk from any street of the cell that people live along.
    """

    covered: FloatArray
    uncovered: FloatArray
    off_network: FloatArray
    nearest: Int32Array
    nearest_mm: IntArray


@dataclass(frozen=True)
class CellRow:
    """One cell; ``nearest_minutes`` from its nearest street, at whatever distance; None where none can be walked to."""

    cell: int
    lng: float
    lat: float
    area_code: str
    population: float
    covered: float
    uncovered: float
    off_network: float
    nearest_station: str | None
    nearest_minutes: float | None

    @property
    def covered_share(self) -> float | None:
        return round(self.covered / self.population, 6) if self.population > 0 else None


@dataclass(frozen=True)
class CellsAnswer:
    run_id: str
    resolution: int
    rows: list[CellRow]


@dataclass(frozen=True)
class Gap:
    """A contiguous gap. ``population`` lives in its cells; ``people`` of them are not within the walk."""

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


@dataclass(frozen=True)
class GapsAnswer:
    run_id: str
    resolution: int
    gaps: list[Gap]
    total_people: int  # of all gaps, also of those left off by the limit
    total_gaps: int


def cell_figures(snapshot: Snapshot, query: CoverageQuery, grid: CellGrid | None = None) -> CellFigures:
    """Coverage of every cell (of a grid of the whole city; by default of the population), and its nearest station at
    whatever distance.
    """
    frontage = snapshot.frontage if grid is None else grid.frontage
    key = ("cells", frontage.resolution, query.profile, query.day, query.types, query.minutes)
    return snapshot.cached(key, lambda: _figures(snapshot, query, frontage))


def _figures(snapshot: Snapshot, query: CoverageQuery, frontage: Frontage) -> CellFigures:
    network = snapshot.network
    stations = on_edge(snapshot, query)
    near = field_within(snapshot, query, query.limit_mm)
    covered = covered_by_cell(
        frontage, network.edge_u, network.edge_v, network.edge_mm, near.length_mm, stations, query.limit_mm
    )
    mask = snapshot.open_mask(query.day, query.types)
    far = snapshot.far_field(mask, step_free=query.profile.step_free)
    nearest, nearest_mm = nearest_by_cell(
        frontage, network.edge_u, network.edge_v, network.edge_mm, far.length_mm, far.origin, stations
    )
    people, off = frontage.cell_people, frontage.cell_off_network
    covered = np.minimum(covered, people - off)
    return CellFigures(covered, people - off - covered, off, nearest, nearest_mm)


def coverage_cells(
    snapshot: Snapshot,
    query: CoverageQuery,
    *,
    area_code: str | None = None,
    bbox: Box | None = None,
    resolution: int | None = None,
    limit: int = MAX_CELLS,
) -> CellsAnswer:
    """Cells of an area, or with their centre in a box (west, south, east, north; WGS84), or both.

    They are those of the population, or of another ``resolution``; totals do not depend on it. Raises InvalidInput
    when that would be more than ``limit`` cells, NotFound for an unknown area.
    """
    grid, wanted = population_grid(snapshot), CellFilter(area_code, bbox)
    own = grid.frontage.resolution
    if resolution is None or resolution <= own:
        grid = grid if resolution is None or resolution == own else coarser_grid(snapshot, resolution)
        at = _at_most(limit, wanted, wanted.chosen(snapshot, grid))
        figures = cell_figures(snapshot, query, grid)
    else:
        _at_most(limit, wanted, wanted.chosen(snapshot, grid))  # finer cells are more: before streets are cut
        grid = finer_grid(snapshot, resolution, wanted)
        at = _at_most(limit, wanted, wanted.chosen(snapshot, grid))
        figures = _figures(snapshot, query, grid.frontage)
    rows = [cell_row(snapshot, query, grid, figures, int(k)) for k in at]
    return CellsAnswer(run_id(snapshot, query), own if resolution is None else resolution, rows)


def _at_most(limit: int, wanted: CellFilter, at: IntArray) -> IntArray:
    if len(at) <= limit:
        return at
    item = ErrorItem(
        "area" if wanted.bbox is None else "bbox",
        f"范围内有 {len(at)} 个网格", f"{len(at)} cells lie inside", value=str(len(at)),
        remedy_zh=f"请缩小 bbox,指定较小的 area,或用较粗的 resolution,至多 {limit} 个",
        remedy_en=f"ask for at most {limit}: a smaller bbox or area, or a coarser resolution",
    )  # fmt: skip
    raise InvalidInput("范围太大。", "The box is too large.", errors=[item])


def all_cell_rows(snapshot: Snapshot, query: CoverageQuery) -> Iterable[CellRow]:
    """Every population cell, for a stored run."""
    grid, figures = population_grid(snapshot), cell_figures(snapshot, query)
    return (cell_row(snapshot, query, grid, figures, k) for k in range(len(grid.frontage.cells)))


def cell_row(snapshot: Snapshot, query: CoverageQuery, grid: CellGrid, figures: CellFigures, k: int) -> CellRow:
    """One cell as it is told. Rounded so that covered + uncovered + off_network is the population told."""
    frontage = grid.frontage
    population = round(float(frontage.cell_people[k]), DECIMALS)
    off = round(float(figures.off_network[k]), DECIMALS)
    covered = min(round(float(figures.covered[k]), DECIMALS), round(population - off, DECIMALS))
    station, minutes = _nearest(snapshot, query, figures, k)
    return CellRow(
        cell=int(frontage.cells[k]),
        lng=round(float(grid.lng[k]), 6),
        lat=round(float(grid.lat[k]), 6),
        area_code=snapshot.areas.leaf_codes[int(frontage.cell_area[k])],
        population=population,
        covered=covered,
        uncovered=round(population - off - covered, DECIMALS),
        off_network=off,
        nearest_station=station,
        nearest_minutes=minutes,
    )


def _nearest(snapshot: Snapshot, query: CoverageQuery, figures: CellFigures, k: int) -> tuple[str | None, float | None]:
    number = int(figures.nearest[k])
    if number < 0:
        return None, None
    minutes = int(figures.nearest_mm[k]) * 6e-5 / query.profile.speed_kmh
    return snapshot.stations.table.stations[number].code, round(minutes, 2)


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
    station, minutes = _nearest(snapshot, query, figures, nearest)
    cells = frontage.cells[at]
    return Gap(
        id=f"{int(cells[missing.argmax()]):x}",
        people=round(float(missing.sum())),
        population=round(float(frontage.cell_people[at].sum())),
        off_network=round(float(figures.off_network[at].sum())),
        cells=cells.tolist(),
        outline=outline(cells),
        lng=round(float(np.average(lng[at], weights=missing)), 6),
        lat=round(float(np.average(lat[at], weights=missing)), 6),
        areas=[areas.get(code) for code in codes],
        nearest_station=station,
        nearest_minutes=minutes,
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
