"""Why people in a gap are not within the walk: what a planner can do about it differs from reason to reason."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from app.geo.arrays import FloatArray, IntArray
from app.geo.geodesy import metres_per_degree_at
from app.geo.search import UNREACHED
from app.geo.snapping import snap
from app.services.area_table import apportion
from app.services.cell_grid import population_grid
from app.services.coverage import CoverageQuery
from app.services.coverage_cells import CellFigures, cell_figures
from app.services.snapshot import Snapshot

LEAST_STRAIGHT_M = 50.0  # nearer than this a detour says nothing


@dataclass(frozen=True)
class GapReasons:
    """The people of a gap, each counted once.

    ``off_network`` live beside no street; ``steps_only`` would be within the walk if there were no steps in the way (of
    step-free profiles); for ``no_station_near`` even a straight line to the nearest station is longer than the walk;
    ``cut_off`` have one within a straight line of that length, but the way around is longer: rivers, railways, walls.
    """

    no_station_near: int
    cut_off: int
    steps_only: int
    off_network: int


@dataclass(frozen=True)
class CellReasons:
    """By population cell: people (not whole) of each reason, and metres to the nearest station that counts, straight
    and walked. Both are from the middle of the cell; infinite where no station counts, or none can be walked to.
    """

    no_station_near: FloatArray
    cut_off: FloatArray
    steps_only: FloatArray
    straight_m: FloatArray
    walked_m: FloatArray


def cell_reasons(snapshot: Snapshot, query: CoverageQuery) -> CellReasons:
    """Kept for the query."""
    return snapshot.cached(
        ("reasons", query.profile, query.day, query.types, query.minutes), lambda: _reasons(snapshot, query)
    )


def _reasons(snapshot: Snapshot, query: CoverageQuery) -> CellReasons:
    uncovered = cell_figures(snapshot, query).uncovered
    steps = np.zeros_like(uncovered)
    if query.profile.step_free:
        anywhere = replace(query, profile=replace(query.profile, step_free=False))
        steps = np.clip(uncovered - cell_figures(snapshot, anywhere).uncovered, 0.0, uncovered)
    straight_m = _straight_m(snapshot, query)
    rest, is_near = uncovered - steps, straight_m <= query.limit_mm / 1e3
    far, near = np.where(is_near, 0.0, rest), np.where(is_near, rest, 0.0)
    return CellReasons(far, near, steps, straight_m, _walked_m(snapshot, query))


def _straight_m(snapshot: Snapshot, query: CoverageQuery) -> FloatArray:
    grid = population_grid(snapshot)
    stations = snapshot.stations.table.stations
    counted = [stations[k] for k in np.flatnonzero(snapshot.open_mask(query.day, query.types)).tolist()]
    if not counted or not len(grid.lng):
        return np.full(len(grid.lng), np.inf)
    east, north = metres_per_degree_at(float(np.mean(grid.lat)))
    tree = cKDTree([(station.lng * east, station.lat * north) for station in counted])
    found: FloatArray = tree.query(np.column_stack([grid.lng * east, grid.lat * north]))[0]
    return found


def _walked_m(snapshot: Snapshot, query: CoverageQuery) -> FloatArray:
    """As positions are walked from: by the nearest street, whose way counts."""
    network, grid, step_free = snapshot.network, population_grid(snapshot), query.profile.step_free
    usable = network.adjacency(step_free=step_free).usable
    places = snapshot.cached(
        ("middles of cells", step_free),
        lambda: snap(network, snapshot.city.grid, usable, grid.lng, grid.lat, snapshot.method.snap_limit_m),
    )
    field = snapshot.far_field(snapshot.open_mask(query.day, query.types), step_free=step_free)
    mm, edge, offset = field.length_mm.astype(np.float64), places.edge, places.offset_mm
    mm[field.length_mm == UNREACHED] = np.inf
    ends = mm[network.edge_u[edge]] + offset, mm[network.edge_v[edge]] + network.edge_mm[edge] - offset
    walked_m: FloatArray = np.where(edge >= 0, (np.minimum(*ends) + places.leg_mm) / 1e3, np.inf)
    return walked_m


def reasons_of(snapshot: Snapshot, query: CoverageQuery, figures: CellFigures, at: IntArray, people: int) -> GapReasons:
    """Of the cells ``at``, in whole people that add up to ``people`` (largest remainder)."""
    by_cell = cell_reasons(snapshot, query)
    exact = [by_cell.no_station_near[at], by_cell.cut_off[at], by_cell.steps_only[at], figures.off_network[at]]
    return GapReasons(*apportion(np.array([part.sum() for part in exact]), people).tolist())


def detour_of(snapshot: Snapshot, query: CoverageQuery, figures: CellFigures, at: IntArray) -> float | None:
    """How much longer the walk to the nearest station is than the straight line, over the people of the cells ``at``.

    None where nobody can walk to any.
    """
    by_cell, weights = cell_reasons(snapshot, query), figures.uncovered[at]
    straight_m, walked_m = by_cell.straight_m[at], by_cell.walked_m[at]
    told = np.isfinite(walked_m) & (straight_m >= LEAST_STRAIGHT_M) & (weights > 0)
    if not told.any():
        return None
    return round(float((walked_m[told] * weights[told]).sum() / (straight_m[told] * weights[told]).sum()), 2)
