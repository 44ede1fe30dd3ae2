"""Which areas hold a point, and which area holds another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from app.geo.arrays import FloatArray
from app.models.vocabularies import AreaLevel
from app.repositories.areas import AreaRow

ABOVE: dict[AreaLevel, tuple[AreaLevel, ...]] = {
    AreaLevel.TOWN: (AreaLevel.DISTRICT, AreaLevel.CITY),
    AreaLevel.DISTRICT: (AreaLevel.CITY,),
    AreaLevel.CITY: (),
}


@dataclass(frozen=True)
class Placer:
    """Areas by level with a spatial index each."""

    areas: dict[AreaLevel, list[AreaRow]]
    trees: dict[AreaLevel, shapely.STRtree]

    @classmethod
    def of(cls, areas: Sequence[AreaRow]) -> Placer:
        by_level: dict[AreaLevel, list[AreaRow]] = {level: [] for level in AreaLevel}
        for area in sorted(areas, key=lambda a: a.code):
            by_level[AreaLevel(area.level)].append(area)
        return cls(by_level, {level: shapely.STRtree([a.geom for a in held]) for level, held in by_level.items()})

    def codes_at(self, lng: FloatArray, lat: FloatArray, level: AreaLevel) -> list[str | None]:
        """The area of a level that holds each point (WGS84), None outside; on a border, the first by code."""
        held = self.areas[level]
        found = np.full(len(lng), len(held), dtype=np.int64)
        if held and len(lng):
            point, area = self.trees[level].query(shapely.points(lng, lat), predicate="intersects")
            np.minimum.at(found, point, area)
        return [held[k].code if k < len(held) else None for k in found.tolist()]

    def parents(self, given: dict[str, str | None]) -> dict[str, str | None]:
        """The parent of every area: as given where there is such an area, else the one that holds its label point."""
        known = {area.code for held in self.areas.values() for area in held}
        parents: dict[str, str | None] = {}
        for level, held in self.areas.items():
            lng, lat = np.array([a.label_lng for a in held]), np.array([a.label_lat for a in held])
            found: list[str | None] = [None] * len(held)
            for upper in ABOVE[level]:
                at = self.codes_at(lng, lat, upper)
                found = [here or there for here, there in zip(found, at, strict=True)]
            for area, parent in zip(held, found, strict=True):
                wanted = given.get(area.code)
                parents[area.code] = wanted if wanted in known else parent
        return parents
