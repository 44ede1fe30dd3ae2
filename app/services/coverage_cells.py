"""Coverage by H3 cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import FloatArray, Int32Array, IntArray
from app.geo.coverage import covered_by_cell, nearest_by_cell
from app.geo.frontage import Frontage
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
    station, minutes = nearest_of_cell(snapshot, query, figures, k)
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


def nearest_of_cell(
    snapshot: Snapshot, query: CoverageQuery, figures: CellFigures, k: int
) -> tuple[str | None, float | None]:
    """The code of the station nearest to a cell, and the minutes to it; None where none can be walked to."""
    number = int(figures.nearest[k])
    if number < 0:
        return None, None
    minutes = int(figures.nearest_mm[k]) * 6e-5 / query.profile.speed_kmh
    return snapshot.stations.table.stations[number].code, round(minutes, 2)
