"""Population rasters (WorldPop, GHS-POP, …): people per pixel, read in strips, put on H3 cells."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import ceil, fsum
from pathlib import Path
from typing import Any

import h3
import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.windows import Window

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import FloatArray, IntArray
from app.geo.geodesy import distances_m
from app.geo.hexgrid import cells_of
from app.ingest.cells import CellSums
from app.ingest.city import Zone
from app.ingest.files import check_file, unreadable
from app.ingest.references import Reference, reference_of
from app.ingest.report import ImportReport
from app.ingest.transaction import Tell

STRIP_PIXELS = 2_000_000  # read at a time
POINTS_AT_ONCE = 1_000_000
LISTED_PER_STRIP = 20


@dataclass(frozen=True)
class _Grid:
    """How the pixels of a raster lie: affine transform, system, and parts per pixel along x and y."""

    transform: Any
    reference: Reference
    parts_x: int
    parts_y: int


def read_raster(
    path: Path, crs: str | None, resolution: int, zone: Zone | None, report: ImportReport, sums: CellSums, tell: Tell
) -> None:
    """Gather the people of a raster's first band.

    Every pixel goes to the cell of its centre. Pixels longer than half the edge of a cell are first divided into
    equal parts no longer than that, each with its share of the people and a centre of its own, so that people do not
    gather in every third cell. Nodata and NaN are skipped; negative values are refused with their places.

    Raises FileUnreadable (no raster, truncated), InvalidInput (no coordinate system, or one that does not fit).
    """
    check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # refused below, with a remedy
            with rasterio.open(path) as raster:
                _read(path, raster, crs, resolution, zone, report, sums, tell)
    except (RasterioIOError, RasterioError) as fault:
        raise unreadable(
            path, f"不是可读取的栅格,或文件不完整({fault})", f"it is not a raster, or it is truncated ({fault})",
            remedy_zh="需要 GeoTIFF;请核对文件大小并重新下载",
            remedy_en="a GeoTIFF is needed; compare its size and download it again",
        ) from fault  # fmt: skip


def _read(
    path: Path, raster: Any, crs: str | None, resolution: int, zone: Zone | None, report: ImportReport,
    sums: CellSums, tell: Tell,
) -> None:  # fmt: skip
    grid = _grid(path, raster, crs, resolution, report)
    report.figures |= {
        "width": raster.width, "height": raster.height, "parts_per_pixel": grid.parts_x * grid.parts_y,
        "nodata": str(raster.nodata), "crs": grid.reference.text, "resolution": resolution,
    }  # fmt: skip
    if raster.count > 1:
        report.warn(
            f"栅格有 {raster.count} 个波段,只读取第 1 个",
            f"the raster has {raster.count} bands; only the first is read", field="band",
        )  # fmt: skip
    report.note("栅格值按“每像元人数”理解。", "The values are taken as people per pixel, not per square kilometre.")
    with_people = skipped = 0
    for window in _strips(raster):
        done = int(100 * window.row_off / raster.height)
        tell(f"读取栅格 {done}%", f"reading the raster, {done} %")
        values, missing = _values(raster, window)
        skipped += missing
        _refuse_negative(values, window, grid, report)
        row, column = np.nonzero(values > 0)
        with_people += len(row)
        people = values[row, column]
        sums.read.append(fsum(people))
        if not report.has_errors:
            _spread(grid, column, row + window.row_off, people, resolution, zone, sums)
    report.figures |= {"pixels_with_people": with_people, "pixels_without_data": skipped}


def _grid(path: Path, raster: Any, crs: str | None, resolution: int, report: ImportReport) -> _Grid:
    if raster.transform.is_identity:
        raise unreadable(
            path, "栅格没有地理位置(缺少仿射变换)", "the raster has no position on the earth (no transform)",
            remedy_zh="使用带地理参考的 GeoTIFF", remedy_en="use a georeferenced GeoTIFF",
        )  # fmt: skip
    if raster.crs is None and crs is None:
        raise InvalidInput(
            f"{path.name} 没有注明坐标系。",
            f"{path.name} does not name its coordinate system.",
            errors=[
                ErrorItem(
                    "--crs", "栅格缺少坐标系", "the raster has no coordinate system",
                    remedy_zh="查明后用 --crs 注明,例如 --crs EPSG:4326(WorldPop)",
                    remedy_en="find out which it is and name it, for example --crs EPSG:4326 (WorldPop)",
                )
            ],
        )  # fmt: skip
    reference = reference_of(crs if crs is not None else raster.crs.to_wkt())
    if crs is not None and raster.crs is not None and reference_of(raster.crs.to_wkt()).text != reference.text:
        report.warn(
            f"栅格自称 {raster.crs.to_string()},按 --crs 以 {reference.text} 读取",
            f"the raster says {raster.crs.to_string()}; it was read as {reference.text}, as --crs says",
            field="crs",
        )
    x, y = raster.width / 2, raster.height / 2
    corners = _at(raster.transform, np.array([x, x + 1, x]), np.array([y, y, y + 1]))
    lng, lat = reference.to_wgs84(*corners)
    _check_degrees(lng, lat, reference)
    sides_m = distances_m(lng[0], lat[0], lng[1:], lat[1:])
    longest_m = h3.average_hexagon_edge_length(resolution, unit="m") / 2
    parts = [max(1, ceil(side_m / longest_m - 0.05)) for side_m in sides_m.tolist()]
    return _Grid(raster.transform, reference, parts[0], parts[1])


def _at(transform: Any, column: FloatArray, row: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Positions in the raster's own system; whole numbers are corners of pixels."""
    x = transform.a * column + transform.b * row + transform.c
    y = transform.d * column + transform.e * row + transform.f
    return x, y


def _strips(raster: Any) -> list[Window]:
    """Windows over the whole width, a whole number of the file's blocks high."""
    block = max(1, raster.block_shapes[0][0])
    height = max(1, STRIP_PIXELS // max(1, raster.width) // block) * block
    return [
        Window(0, top, raster.width, min(height, raster.height - top)) for top in range(0, raster.height, height)
    ]  # fmt: skip


def _values(raster: Any, window: Window) -> tuple[FloatArray, int]:
    """People per pixel of a window, 0 where there is no data; and how many pixels have none."""
    masked = raster.read(1, window=window, masked=True)
    values = np.ma.filled(masked.astype(np.float64), np.nan) * raster.scales[0] + raster.offsets[0]
    missing = ~np.isfinite(values)
    return np.where(missing, 0.0, values), int(missing.sum())


def _refuse_negative(values: FloatArray, window: Window, grid: _Grid, report: ImportReport) -> None:
    rows, columns = np.nonzero(values < 0)
    for row, column in list(zip(rows.tolist(), columns.tolist(), strict=True))[:LISTED_PER_STRIP]:
        middle = _at(grid.transform, np.array([column + 0.5]), np.array([row + window.row_off + 0.5]))
        lng, lat = grid.reference.to_wgs84(*middle)
        report.error(
            "人口为负数", "the population is negative",
            field=f"pixel ({column}, {row + window.row_off}) lng {lng[0]:.5f}, lat {lat[0]:.5f}",
            value=values[row, column],
            remedy=(
                "如为“无数据”标记,请在文件中声明 nodata(gdal_edit.py -a_nodata 值)",
                "if it marks missing data, declare it as nodata in the file (gdal_edit.py -a_nodata VALUE)",
            ),
        )  # fmt: skip
    report.count_errors(max(0, len(rows) - LISTED_PER_STRIP))


def _spread(
    grid: _Grid, column: IntArray, row: IntArray, people: FloatArray, resolution: int, zone: Zone | None,
    sums: CellSums,
) -> None:  # fmt: skip
    """Put the people of pixels on cells, part by part."""
    share = people / (grid.parts_x * grid.parts_y)
    for j in range(grid.parts_y):
        for i in range(grid.parts_x):
            right, down = (i + 0.5) / grid.parts_x, (j + 0.5) / grid.parts_y
            x, y = _at(grid.transform, column.astype(np.float64) + right, row.astype(np.float64) + down)
            for start in range(0, len(x), POINTS_AT_ONCE):
                part = slice(start, start + POINTS_AT_ONCE)
                lng, lat = grid.reference.to_wgs84(x[part], y[part])
                _check_degrees(lng, lat, grid.reference)
                inside = np.ones(len(lng), dtype=np.bool_) if zone is None else zone.contains(lng, lat)
                sums.outside.append(fsum(share[part][~inside]))
                sums.add(cells_of(lng[inside], lat[inside], resolution), share[part][inside])


def _check_degrees(lng: FloatArray, lat: FloatArray, reference: Reference) -> None:
    if np.isfinite(lng).all() and np.isfinite(lat).all() and (np.abs(lng) <= 180).all() and (np.abs(lat) <= 90).all():
        return
    raise InvalidInput(
        f"按 {reference.text} 读取时,坐标超出地球范围。",
        f"Read as {reference.text}, the coordinates are not on the earth.",
        errors=[
            ErrorItem(
                "--crs", "与数据不符", "does not fit the data", value=reference.text,
                remedy_zh="查明栅格的坐标系,用 --crs 注明",
                remedy_en="find out the raster's system and name it with --crs",
            )
        ],
    )  # fmt: skip
