"""The areas as the snapshot knows them: who is part of whom, and from which leaves figures are added up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely

from app.errors import ErrorItem, LevelNotLoaded, NotFound
from app.geo.arrays import FloatArray, IntArray
from app.geo.frontage import NOWHERE, LeafAreas
from app.models.vocabularies import AreaLevel

SQUARES = 128  # along each side
SLACK = 1e-9  # degrees by which a square is taken larger than it is, against rounding
OUTSIDE, CROSSED, INSIDE = range(3)


@dataclass(frozen=True)
class AreaInfo:
    """One area. ``parent_code`` is None at the top."""

    code: str
    level: AreaLevel
    name: str
    parent_code: str | None
    boundary_kind: str
    area_km2: float
    label_lng: float
    label_lat: float


class AreaTable:
    """Areas by code, with outlines (WGS84). Leaves are the areas that hold no other: every figure is a sum of leaves.

    Where there is one city, whatever has no parent belongs to it.
    """

    def __init__(self, areas: Sequence[AreaInfo], outlines: Sequence[shapely.Geometry]) -> None:
        order = sorted(range(len(areas)), key=lambda k: areas[k].code)
        self.areas = [areas[k] for k in order]
        self.outlines = [outlines[k] for k in order]
        self.at = {area.code: k for k, area in enumerate(self.areas)}
        cities = [area.code for area in self.areas if area.level is AreaLevel.CITY]
        only_city = cities[0] if len(cities) == 1 else None
        self.parent = {
            area.code: area.parent_code
            if area.parent_code in self.at
            else (only_city if area.code != only_city else None)
            for area in self.areas
        }
        held = {parent for parent in self.parent.values() if parent is not None}
        self.leaf_codes = [area.code for area in self.areas if area.code not in held]
        self.leaf_at = {code: k for k, code in enumerate(self.leaf_codes)}

    @cached_property
    def leaves(self) -> LeafAreas:
        return LeafAreas([self.outlines[self.at[code]] for code in self.leaf_codes])

    @cached_property
    def _leaves_below(self) -> dict[str, IntArray]:
        below: dict[str, list[int]] = {area.code: [] for area in self.areas}
        for code, leaf in self.leaf_at.items():
            for above in self._upwards(code):
                below[above].append(leaf)
        return {code: np.array(sorted(leaves), dtype=np.int64) for code, leaves in below.items()}

    def leaves_of(self, code: str, field: str = "area") -> IntArray:
        """The leaves that make up an area. Raises NotFound for an unknown code, which came as ``field``."""
        self.get(code, field)
        return self._leaves_below[code]

    def get(self, code: str, field: str = "area") -> AreaInfo:
        """Raises NotFound for an unknown code, which came as ``field``."""
        if code not in self.at:
            item = ErrorItem(
                field, "没有这个区划代码", "no area has this code", value=code,
                remedy_zh="用 GET /v1/areas 查看已有的代码", remedy_en="see GET /v1/areas for the codes there are",
            )  # fmt: skip
            raise NotFound(f"没有代码为 {code} 的区划。", f"There is no area {code}.", errors=[item])
        return self.areas[self.at[code]]

    def of_level(self, level: AreaLevel, within: str | None = None) -> list[AreaInfo]:
        """The areas of a level by code, only those inside ``within`` (itself included) where it is given.

        Raises LevelNotLoaded when none of that level is loaded at all, NotFound for an unknown ``within``.
        """
        found = [area for area in self.areas if area.level is level]
        if not found:
            raise LevelNotLoaded(
                f"没有导入{level.title_zh}级区划。请用 ./skillsmap import boundaries --level {level} 导入。",
                f"No areas of level {level} are loaded: ./skillsmap import boundaries --level {level}.",
            )
        if within is None:
            return found
        self.get(within, "within")
        return [area for area in found if within in self._upwards(area.code)]

    def _upwards(self, code: str) -> Iterator[str]:
        """An area, what it is part of, and so on."""
        here: str | None = code
        while here is not None:
            yield here
            here = self.parent[here]

    def line_of(self, code: str) -> list[str]:
        """The codes of an area and of what it is part of, the largest first."""
        return list(self._upwards(code))[::-1]

    def ancestor(self, code: str, level: AreaLevel) -> AreaInfo | None:
        """The area of a level that an area is or is part of."""
        line = (self.areas[self.at[above]] for above in self._upwards(code))
        return next((area for area in line if area.level is level), None)

    def leaf_of_points(self, lng: FloatArray, lat: FloatArray) -> IntArray:
        """The leaf that holds each WGS84 point, NOWHERE outside all."""
        if not self.leaf_codes:
            return np.full(len(lng), NOWHERE, dtype=np.int64)
        return self.leaves.zoning()(lng, lat)

    def holds(self, lng: float, lat: float) -> bool:
        """Does any area hold the point?"""
        if not self.leaf_codes:
            return False
        whole, west, south, wide, tall, squares = self._whole
        i, j = (lng - west) / wide, (lat - south) / tall
        if not (0.0 <= i < SQUARES and 0.0 <= j < SQUARES):
            return False
        kind = squares[int(j) * SQUARES + int(i)]
        return kind == INSIDE or (kind == CROSSED and bool(shapely.intersects_xy(whole, lng, lat)))

    @cached_property
    def _whole(self) -> tuple[shapely.Geometry, float, float, float, float, bytes]:
        """All areas as one, prepared; and squares over it (west, south, width, height, what each is), so that few
        points need to be compared with the border.
        """
        whole = shapely.union_all([self.outlines[self.at[code]] for code in self.leaf_codes])
        shapely.prepare(whole)
        west, south, east, north = whole.bounds
        wide, tall = (east - west + SLACK) / SQUARES, (north - south + SLACK) / SQUARES
        j, i = np.divmod(np.arange(SQUARES * SQUARES), SQUARES)
        x, y = west + i * wide, south + j * tall
        boxes = shapely.box(x - SLACK, y - SLACK, x + wide + SLACK, y + tall + SLACK)
        squares = np.where(shapely.intersects(whole, boxes), CROSSED, OUTSIDE)
        squares[shapely.contains_properly(whole, boxes)] = INSIDE
        return whole, west, south, wide, tall, squares.astype(np.uint8).tobytes()

    def apportion_leaves(self, by_leaf: FloatArray, total: int) -> IntArray:
        """Whole numbers by leaf that add up to ``total``, and for every area to its own figure rounded.

        The total is apportioned to the areas at the top, each of those to the areas in it, and so on.
        """
        whole = np.zeros(len(self.leaf_codes), dtype=np.int64)
        children: dict[str | None, list[str]] = {}
        for code, parent in self.parent.items():
            children.setdefault(parent, []).append(code)
        waiting: list[tuple[str | None, int]] = [(None, total)]
        while waiting:
            above, figure = waiting.pop()
            inside = children[above]
            exact = np.array([by_leaf[self._leaves_below[code]].sum() for code in inside])
            for code, part in zip(inside, apportion(exact, figure).tolist(), strict=True):
                if code in children:
                    waiting.append((code, part))
                else:
                    whole[self.leaf_at[code]] = part
        return whole

    def sum_leaves(self, codes: Sequence[str], by_leaf: FloatArray | IntArray) -> FloatArray | IntArray:
        """A figure by leaf (along the first axis) added up for every area."""
        return np.array([by_leaf[self._leaves_below[code]].sum(axis=0) for code in codes])


def apportion(values: FloatArray, total: int) -> IntArray:
    """Whole numbers near the values that add up to ``total`` (largest remainder; of equals the first).

    ``total`` differs from the sum of the values by less than their number.
    """
    whole = np.floor(values).astype(np.int64)
    missing = total - int(whole.sum())
    if missing > 0:
        order = np.lexsort((np.arange(len(values)), -(values - whole)))
        whole[order[:missing]] += 1
    elif missing < 0:  # the total was rounded down below values that are whole, or a hair more
        order = np.lexsort((np.arange(len(values)), values - whole, whole <= 0))
        whole[order[:-missing]] -= 1
    return whole
