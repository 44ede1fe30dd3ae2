"""The outline of the city that is loaded: what is inside, what is outside."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy.orm import Session

from app.errors import Conflict
from app.geo.arrays import BoolArray, FloatArray
from app.ingest.files import sha256_of_all
from app.ingest.vectors import read_zone, sidecars
from app.models.vocabularies import AreaLevel
from app.repositories.areas import AreaRow, list_areas
from app.repositories.datasets import lock_for_loading


@dataclass(frozen=True)
class Zone:
    """An outline in WGS84 with a name for reports and a fingerprint for the dataset's parameters."""

    geometry: shapely.Geometry
    name_zh: str
    name_en: str
    fingerprint: str

    def contains(self, lng: FloatArray, lat: FloatArray) -> BoolArray:
        """Which positions are inside; the border is."""
        shapely.prepare(self.geometry)
        return np.asarray(shapely.intersects_xy(self.geometry, lng, lat), dtype=np.bool_)


def loaded_areas(session: Session) -> list[AreaRow]:
    """All areas that are loaded."""
    return list_areas(session)


def zone_of_areas(areas: list[AreaRow]) -> Zone | None:
    """The union of the coarsest level that is loaded; None where no area is."""
    for level in (AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN):
        held = [area for area in areas if area.level == level.value]
        if held:
            union = shapely.union_all([area.geom for area in held])
            digest = hashlib.sha256(b"".join(shapely.to_wkb(area.geom) for area in held)).hexdigest()
            count = len(held)
            name_zh = f"已导入的{level.title_zh}级区划({count} 个)"
            name_en = f"the {count} {level.value} areas loaded" if count > 1 else f"the {level.value} area loaded"
            return Zone(union, name_zh, name_en, digest)
    return None


def check_same_city(session: Session, zone: Zone | None) -> None:
    """The areas must still be those that the file was checked against; no other import runs from here on.

    Raises Conflict.
    """
    lock_for_loading(session)
    now = zone_of_areas(loaded_areas(session))
    if (now and now.fingerprint) != (zone and zone.fingerprint):
        raise Conflict(
            "读取期间区划被重新导入,请再次执行本命令。",
            "The areas were imported anew while the file was read; run this command again.",
        )


def zone_of_file(path: Path) -> Zone:
    """The union of the polygons of a file. Raises FileUnreadable."""
    geometry = read_zone(path)
    return Zone(geometry, f"文件 {path.name}", f"the file {path.name}", sha256_of_all(sidecars(path)))
