"""What vector tiles are drawn from: positions, hexagons, areas and streets, each ready to be cut by tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import shapely

from app.geo.arrays import AnyArray, FloatArray, Int32Array, IntArray
from app.geo.hexgrid import cell_polygons
from app.geo.mvt import EXTENT, Column, Kind, Shapes, clip_lines
from app.geo.network import BRIDGE, STEPS, TUNNEL, WalkNetwork, take_lines
from app.geo.snapping import SegmentGrid, edges_in_box
from app.geo.web_mercator import tile_box, to_world

BUFFER = 64  # units that lines and areas go on beyond a tile, so that no seam shows
SAFE_ID_BITS = 52  # browsers know numbers up to 2**53


@dataclass(frozen=True)
class Tile:
    """A tile by zoom, column from the west and row from the north."""

    z: int
    x: int
    y: int

    def units(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Places of the unit square in units of this tile."""
        side = float(1 << self.z)
        return (x * side - self.x) * EXTENT, (y * side - self.y) * EXTENT

    def world_box(self, margin_units: float) -> tuple[float, float, float, float]:
        """West, north, east, south in the unit square."""
        side, margin = 2.0**-self.z, margin_units / EXTENT
        return (
            (self.x - margin) * side, (self.y - margin) * side, (self.x + 1 + margin) * side,
            (self.y + 1 + margin) * side,
        )  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """The features of one tile: shapes and ids of the chosen ones, columns of all."""

    shapes: Shapes
    chosen: IntArray
    columns: Mapping[str, Column]
    ids: IntArray | None = None


class TileSource(Protocol):
    def drawn(self, tile: Tile) -> Drawn:
        """What of the layer lies in a tile."""


class PointSource:
    """Positions (WGS84). Each is in one tile alone: no buffer."""

    def __init__(self, lng: FloatArray, lat: FloatArray, columns: Mapping[str, Column]) -> None:
        self._x, self._y = to_world(lng, lat)
        self._columns = columns

    def drawn(self, tile: Tile) -> Drawn:
        x, y = tile.units(self._x, self._y)
        chosen = np.flatnonzero((x >= 0) & (x < EXTENT) & (y >= 0) & (y < EXTENT))
        each = np.arange(len(chosen) + 1)
        shapes = Shapes(Kind.POINT, each, each, x[chosen].astype(np.int32), y[chosen].astype(np.int32))
        return Drawn(shapes, chosen, self._columns)


class HexSource:
    """H3 cells, each whole in every tile that its box meets. Ids are the indexes without their leading bits, which are
    the same for all cells of a resolution."""

    def __init__(self, cells: IntArray, columns: Mapping[str, Column]) -> None:
        polygons = shapely.orient_polygons(cell_polygons(cells), exterior_cw=True)  # y turns: positive in a tile
        points, owner = shapely.get_coordinates(polygons, return_index=True)
        self._ptr = np.searchsorted(owner, np.arange(len(cells) + 1)).astype(np.int64)
        self._x, self._y = to_world(points[:, 0], points[:, 1])
        self._bounds = _bounds(self._ptr, self._x, self._y)
        self._ids = cells & ((1 << SAFE_ID_BITS) - 1)
        self._columns = columns

    def drawn(self, tile: Tile) -> Drawn:
        chosen = _meeting(self._bounds, tile.world_box(0.0))
        ptr, x, y = take_lines(self._ptr, self._x, self._y, chosen)
        units = [np.round(value).astype(np.int32) for value in tile.units(x, y)]
        shapes = Shapes(Kind.POLYGON, np.arange(len(chosen) + 1), ptr, units[0], units[1])
        return Drawn(shapes, chosen, self._columns, self._ids[chosen])


class AreaSource:
    """Outlines (WGS84), for one zoom: bends smaller than a unit are left out, and borders stay shared."""

    def __init__(self, outlines: Sequence[shapely.Geometry], columns: Mapping[str, Column], z: int) -> None:
        flat = shapely.transform(np.array(outlines, dtype=object), lambda p: np.column_stack(to_world(*p.T)))
        if len(flat):
            flat = shapely.coverage_simplify(flat, 2.0**-z / EXTENT)
        self._flat = flat
        self._bounds = shapely.bounds(flat).reshape(-1, 4).T
        self._columns = columns

    def drawn(self, tile: Tile) -> Drawn:
        box = tile.world_box(BUFFER)
        chosen = _meeting(self._bounds, box)
        held = shapely.transform(self._flat[chosen], lambda p: np.column_stack(tile.units(*p.T)))
        cut = _cut_areas(held)
        left = ~shapely.is_empty(cut)
        return Drawn(_rings(cut[left]), chosen[left], self._columns)


class StreetSource:
    """The walking network. Where streets are many, those of one name and kind are one feature; ``each`` keeps edges
    apart, with their ids.
    """

    def __init__(self, network: WalkNetwork, grid: SegmentGrid, columns: Mapping[str, Column], *, each: bool) -> None:
        self._network, self._grid, self._columns, self._each = network, grid, columns, each

    def drawn(self, tile: Tile) -> Drawn:
        network = self._network
        edges = edges_in_box(self._grid, *tile_box(tile.z, tile.x, tile.y, BUFFER / EXTENT))
        ptr, lng, lat = take_lines(network.geom_ptr, network.geom_lng, network.geom_lat, edges)
        x, y = tile.units(*to_world(lng, lat))
        owner, ptr, x, y = clip_lines(ptr, x, y, float(-BUFFER), float(EXTENT + BUFFER))
        edge = edges[owner]
        key = edge if self._each else _kind_of(network, edge)
        order = np.argsort(key, kind="stable")
        ptr, x, y = take_lines(ptr, x, y, order)
        begins = np.flatnonzero(np.diff(key[order], prepend=-1) != 0)
        feature_ptr = np.append(begins, len(order)).astype(np.int64)
        units = np.round(x).astype(np.int32), np.round(y).astype(np.int32)
        chosen = edge[order][begins]
        return Drawn(
            Shapes(Kind.LINE, feature_ptr, ptr, *units), chosen, self._columns,
            network.edge_id[chosen] if self._each else None,
        )  # fmt: skip


def _kind_of(network: WalkNetwork, edge: IntArray) -> IntArray:
    """A number for name and kind of edges, from 0."""
    kind = network.edge_flags[edge] & (STEPS | BRIDGE | TUNNEL)
    numbers: IntArray = (network.edge_name[edge].astype(np.int64) + 1) * 16 + kind
    return numbers


def _bounds(ptr: IntArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Least x, least y, greatest x, greatest y by part (4 × n)."""
    if len(ptr) == 1:
        return np.zeros((4, 0))
    at = ptr[:-1]
    return np.stack(
        [np.minimum.reduceat(x, at), np.minimum.reduceat(y, at), np.maximum.reduceat(x, at), np.maximum.reduceat(y, at)]
    )


def _meeting(bounds: FloatArray, box: tuple[float, float, float, float]) -> IntArray:
    west, north, east, south = box
    return np.flatnonzero((bounds[0] < east) & (bounds[2] >= west) & (bounds[1] < south) & (bounds[3] >= north))


def _cut_areas(areas: AnyArray) -> AnyArray:
    """Areas in tile units inside the buffered tile, valid, on whole units."""
    low, high = float(-BUFFER), float(EXTENT + BUFFER)
    cut: AnyArray = np.asarray(shapely.clip_by_rect(areas, low, low, high, high))  # quick, and not always valid
    bad = ~shapely.is_valid(cut)
    if bad.any():
        cut[bad] = shapely.intersection(areas[bad], shapely.box(low, low, high, high))
    return np.asarray(shapely.set_precision(cut, 1.0))


def _rings(areas: AnyArray) -> Shapes:
    """Polygons and multipolygons as shapes: every ring is a part, outer ones before their holes."""
    polygons, area = shapely.get_parts(areas, return_index=True)
    flat = shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON  # a border may be all that is left
    polygons, area = shapely.orient_polygons(polygons[flat], exterior_cw=False), area[flat]
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    part_ptr = np.searchsorted(ring, np.arange(len(rings) + 1)).astype(np.int64)
    feature_ptr = np.searchsorted(area[polygon], np.arange(len(areas) + 1)).astype(np.int64)
    x, y = _whole(points[:, 0]), _whole(points[:, 1])
    return Shapes(Kind.POLYGON, feature_ptr, part_ptr, x, y)


def _whole(values: FloatArray) -> Int32Array:
    whole: Int32Array = np.round(values).astype(np.int32)
    return whole
