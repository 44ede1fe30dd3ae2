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
from app.geo.frontage import LeafAreas, pieces_by_cell, pieces_by_cell_and_area
from app.geo.hexgrid import cell_centres, cells_within
from app.geo.network import StreetRows, build_network
from app.settings import MethodSettings

PART_REMOTE = 8
RESOLUTION = 9
FAR_M = 1_000.0  # from the nearest street's end: beyond every link


def towns_of(partition: Partition, lng: FloatArray, lat: FloatArray) -> IntArray:
    """The town (position in the partition) that holds each WGS84 point, -1 outside; on a border, the first by code."""
    tree = shapely.STRtree(np.array(partition.towns, dtype=object))
    point, town = tree.query(shapely.points(lng, lat), predicate="intersects")
    found = np.full(len(lng), len(partition.towns), dtype=np.int64)
    np.minimum.at(found, point, town)
    return np.where(found == len(partition.towns), -1, found)


def frontage_by_cell(rows: StreetRows, partition: Partition) -> CellFrontage:
    """Metres of frontage by cell and town, as coverage counts it: the towns' figures come out as they went in."""
    network = build_network(rows, MethodSettings().min_component_m)
    by_cell = pieces_by_cell(network, RESOLUTION)
    cells = np.unique(by_cell.zone)
    pieces, cell, town = pieces_by_cell_and_area(by_cell, cells, network, LeafAreas(partition.towns))
    metres = (pieces.b_mm - pieces.a_mm) / 1e3
    matrix = csr_matrix(coo_matrix((metres, (cell, town)), shape=(len(cells), len(partition.towns))))
    has = np.asarray(matrix.sum(axis=1)).ravel() > 0
    return CellFrontage(cells[has], matrix[has])


def remote_cells(
    spec: CitySpec, partition: Partition, rows: StreetRows, frontage: CellFrontage, town_people: FloatArray
) -> RemoteCells:
    """Hundreds of hamlets beside the network (250–450 m from a street), dozens far up in the hills (> 1 km)."""
    rng = spec.generator(PART_REMOTE)
    cells = np.setdiff1d(cells_within(partition.city, RESOLUTION), frontage.cells)
    lng, lat = cell_centres(cells)
    x, y = to_plane(lng, lat)
    node_x, node_y = to_plane(rows.node_lng, rows.node_lat)
    gap = cKDTree(np.column_stack([node_x, node_y])).query(np.column_stack([x, y]))[0]
    dry = ~water().holds(x, y, 100.0)
    town = towns_of(partition, lng, lat)
    beside = _pick(dry & (gap > 250.0) & (gap < 450.0) & (town >= 0), 0.012 * len(frontage.cells), rng)
    far = _pick(dry & (gap > FAR_M) & (hill_height(x, y) > 0.05) & (town >= 0), 0.002 * len(frontage.cells), rng)
    chosen = np.concatenate([beside, far])
    people = np.concatenate([rng.gamma(2.0, 12.0, len(beside)), rng.gamma(2.0, 3.0, len(far))])
    # a hamlet never holds more than a small part of a small town
    people = np.minimum(people, 0.002 * town_people[town[chosen]])
    return RemoteCells(cells[chosen], town[chosen], people)


def _pick(candidates: BoolArray, count: float, rng: np.random.Generator) -> IntArray:
    at = np.flatnonzero(candidates)
    return np.sort(rng.choice(at, min(max(round(count), 12), len(at)), replace=False))
