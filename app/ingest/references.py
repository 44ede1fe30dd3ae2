"""``--crs`` of files: one of ours (wgs84, gcj02, bd09, cgcs2000) or anything that PROJ knows, turned into WGS84."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import FloatArray
from app.geo.crs import Crs, to_wgs84

EXAMPLES = "wgs84, gcj02, bd09, cgcs2000, EPSG:4547"


@dataclass(frozen=True)
class Reference:
    """A coordinate system with the way to WGS84. ``text`` is how it is written in parameters and reports."""

    text: str
    own: Crs | None
    transformer: pyproj.Transformer | None

    def to_wgs84(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """WGS84 ``lng, lat`` of positions; x is always east, whatever the axis order of the system."""
        if self.own is not None:
            return to_wgs84(x, y, self.own)
        if self.transformer is None:
            return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        lng, lat = self.transformer.transform(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        return np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64)

    def geometries_to_wgs84(self, geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
        """Geometries in WGS84; missing ones stay missing. Heights are dropped."""
        flat = shapely.force_2d(geometries)
        if self.own in (None, Crs.GCJ02, Crs.BD09) and (self.own or self.transformer):
            return np.asarray(shapely.transform(flat, self._points), dtype=np.object_)
        return np.asarray(flat, dtype=np.object_)

    def _points(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(self.to_wgs84(points[:, 0], points[:, 1]))


def reference_of(text: str) -> Reference:
    """The system of an option or of a file. Raises InvalidInput when it is not one that is known."""
    wanted = text.strip()
    own = wanted.lower().replace("-", "").replace("_", "")
    if own in {crs.value for crs in Crs}:
        return Reference(own, Crs(own), None)
    try:
        system = pyproj.CRS.from_user_input(wanted)
        if system.is_vertical or system.is_geocentric:
            raise pyproj.exceptions.CRSError("without horizontal coordinates")
        transformer = pyproj.Transformer.from_crs(system, "EPSG:4326", always_xy=True)
    except pyproj.exceptions.ProjError as fault:
        raise InvalidInput(
            f"未知的坐标系:{wanted[:80]}。",
            f"Unknown coordinate system: {wanted[:80]}.",
            errors=[
                ErrorItem(
                    "--crs", "无法识别", "not known", value=wanted[:80],
                    remedy_zh=f"例如:{EXAMPLES}", remedy_en=f"for example: {EXAMPLES}",
                )
            ],
        ) from fault  # fmt: skip
    authority = system.to_authority(min_confidence=100)
    name = ":".join(authority) if authority else system.name
    # the two geographic systems that are stored as they are: no transformation, no rounding
    same = system.is_geographic and name in ("EPSG:4326", "EPSG:4490", "OGC:CRS84")
    return Reference(name, None, None if same else transformer)
