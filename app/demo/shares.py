"""How much frontage every H3 cell has in every town; and the cells that have none."""

from __future__ import annotations

import numpy as np
import shapely
from scipy.sparse import coo_matrix, csr_matrix
from scipy.spatial import cKDTree

from app.demo.people import CellFrontage, RemoteCells
from app.demo.plane import BoolArray, FloatArray, IntArray, to_plane
from app.demo.spec import CitySpec
from app.demo.towns import Partition
from app.demo.water import hill_height, water
from app.geo.hexgrid import cell_centres, cells_of, cells_within
from app.geo.network import StreetRows

PART_REMOTE = 8
RESOLUTION = 9
SAMPLE_M = 12.0


def towns_of(partition: Partition, lng: FloatArray, lat: FloatArray) -> IntArray:
    """The town (position in the partition) that holds each WGS84 point, -1 outside; on a border, the first by code."""
    tree = shapely.STRtree(np.array(partition.towns, dtype=object))
    point, town = tree.query(shapely.points(lng, lat), predicate="intersects")
    found = np.full(len(lng), len(partition.towns), dtype=np.int64)
    np.minimum.at(found, point, town)
    return np.where(found == len(partition.towns), -1, found)


def _pieces(rows: StreetRows) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Frontage in pieces of at most SAMPLE_M: middle (lng, lat in WGS84) and metres of each."""
    edge = np.repeat(np.arange(len(rows.edge_id)), np.diff(rows.geom_ptr))
    inner = (edge[:-1] == edge[1:]) & rows.has_frontage[edge[:-1]]
    a = np.flatnonzero(inner)
    x, y = to_plane(rows.geom_lng, rows.geom_lat)
    metres = np.hypot(x[a + 1] - x[a], y[a + 1] - y[a])
    count = np.maximum(1, np.ceil(metres / SAMPLE_M).astype(np.int64))
    of = np.repeat(np.arange(len(a)), count)
    t = (np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[of]
    start, end = a[of], a[of] + 1
    lng = rows.geom_lng[start] * (1 - t) + rows.geom_lng[end] * t
    lat = rows.geom_lat[start] * (1 - t) + rows.geom_lat[end] * t
    return lng, lat, metres[of] / count[of]


def frontage_by_cell(rows: StreetRows, partition: Partition) -> CellFrontage:
    """Metres of frontage by cell and town; streets outside every town count nowhere."""
    lng, lat, metres = _pieces(rows)
    cells = cells_of(lng, lat, RESOLUTION)
    town = towns_of(partition, lng, lat)
    inside = town >= 0
    unique, number = np.unique(cells[inside], return_inverse=True)
    shape = (len(unique), len(partition.towns))
    matrix = coo_matrix((metres[inside], (number, town[inside])), shape=shape)
    return CellFrontage(unique, csr_matrix(matrix))


def remote_cells(
    spec: CitySpec, partition: Partition, rows: StreetRows, frontage: CellFrontage, town_people: FloatArray
) -> RemoteCells:
    """Hundreds of hamlets beside the network (250–450 m from a street), dozens far up in the hills (> 3 km)."""
    rng = spec.generator(PART_REMOTE)
    cells = np.setdiff1d(cells_within(partition.city, RESOLUTION), frontage.cells)
    lng, lat = cell_centres(cells)
    x, y = to_plane(lng, lat)
    node_x, node_y = to_plane(rows.node_lng, rows.node_lat)
    gap = cKDTree(np.column_stack([node_x, node_y])).query(np.column_stack([x, y]))[0]
    dry = ~water().holds(x, y, 100.0)
    town = towns_of(partition, lng, lat)
    beside = _pick(dry & (gap > 250.0) & (gap < 450.0) & (town >= 0), 0.012 * len(frontage.cells), rng)
    far = _pick(dry & (gap > 3_000.0) & (hill_height(x, y) > 0.05) & (town >= 0), 0.002 * len(frontage.cells), rng)
    chosen = np.concatenate([beside, far])
    people = np.concatenate([rng.gamma(2.0, 12.0, len(beside)), rng.gamma(2.0, 3.0, len(far))])
    # a hamlet never holds more than a small part of a small town
    people = np.minimum(people, 0.002 * town_people[town[chosen]])
    return RemoteCells(cells[chosen], town[chosen], people)


def _pick(candidates: BoolArray, count: float, rng: np.random.Generator) -> IntArray:
    at = np.flatnonzero(candidates)
    return np.sort(rng.choice(at, min(max(round(count), 12), len(at)), replace=False))
