"""The shapes of a collection's features (WGS84): which of them stand in some relation to a shape that is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from app.geo.arrays import AnyArray, BoolArray, FloatArray, IntArray
from app.geo.network import WalkNetwork, take_lines
from app.geo.snapping import SegmentGrid, edges_in_box

Relation = Callable[[Any, BaseGeometry], BoolArray]


class FeatureShapes(Protocol):
    """``rows`` are numbers of features."""

    def of(self, rows: IntArray) -> AnyArray:
        """The shapes of some features."""

    def bounds(self, rows: IntArray) -> FloatArray:
        """West, south, east, north by feature (n × 4)."""

    def near(self, box: tuple[float, float, float, float]) -> IntArray:
        """The features whose bounds may meet a box: all that do, perhaps others."""


class StoredShapes:
    """Shapes that are kept."""

    def __init__(self, shapes: AnyArray) -> None:
        self._shapes = shapes
        self._bounds = shapely.bounds(shapes).reshape(-1, 4)

    def of(self, rows: IntArray) -> AnyArray:
        return np.asarray(self._shapes[rows])

    def bounds(self, rows: IntArray) -> FloatArray:
        return self._bounds[rows]

    def near(self, box: tuple[float, float, float, float]) -> IntArray:
        return np.flatnonzero(_meeting(self._bounds, box))


class StreetShapes:
    """The edges of the network, in an order of their own; lines are made when they are asked for."""

    def __init__(self, network: WalkNetwork, grid: SegmentGrid, order: IntArray) -> None:
        self._network, self._grid, self._order = network, grid, order
        self._row = np.empty(len(order), dtype=np.int64)
        self._row[order] = np.arange(len(order))

    def of(self, rows: IntArray) -> AnyArray:
        ptr, lng, lat = self._points(rows)
        if not len(rows):
            return np.zeros(0, dtype=object)
        number = np.repeat(np.arange(len(rows)), np.diff(ptr))
        return np.asarray(shapely.linestrings(lng, lat, indices=number))

    def bounds(self, rows: IntArray) -> FloatArray:
        ptr, lng, lat = self._points(rows)
        if not len(rows):
            return np.zeros((0, 4))
        at = ptr[:-1]
        return np.column_stack(
            [np.minimum.reduceat(lng, at), np.minimum.reduceat(lat, at), np.maximum.reduceat(lng, at),
             np.maximum.reduceat(lat, at)]
        )  # fmt: skip

    def near(self, box: tuple[float, float, float, float]) -> IntArray:
        return np.sort(self._row[edges_in_box(self._grid, *box)])

    def _points(self, rows: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
        network = self._network
        return take_lines(network.geom_ptr, network.geom_lng, network.geom_lat, self._order[rows])


def related(shapes: FeatureShapes, count: int, relation: Relation, asked: BaseGeometry) -> BoolArray:
    """Which of ``count`` features stand in a relation to a shape; the relation must not hold for shapes apart."""
    found = np.zeros(count, dtype=np.bool_)
    if asked.is_empty:
        return found
    west, south, east, north = (float(side) for side in asked.bounds)
    box = (west, south, east, north)
    rows = shapes.near(box)
    bounds = shapes.bounds(rows)
    meets = _meeting(bounds, box)
    rows, bounds = rows[meets], bounds[meets]
    if relation is shapely.intersects and shapely.equals(asked, shapely.box(*box)):
        inside = (bounds[:, 0] >= west) & (bounds[:, 1] >= south) & (bounds[:, 2] <= east) & (bounds[:, 3] <= north)
        found[rows[inside]] = True
        rows = rows[~inside]
    shapely.prepare(asked)
    found[rows] = relation(shapes.of(rows), asked)
    return found


def _meeting(bounds: FloatArray, box: tuple[float, ...]) -> BoolArray:
    west, south, east, north = box
    meets: BoolArray = (
        (bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
    )
    return meets
