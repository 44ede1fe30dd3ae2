"""Where the stations of a ledger are: on the earth, in the city, in the district that the row names; or why not.

Nothing is ever moved. A row that fits only in another coordinate system, or with longitude and latitude exchanged, is
reported as such, with the remedy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
import shapely

from app.errors import ErrorItem
from app.geo.arrays import BoolArray, FloatArray
from app.geo.crs import GCJ_BOX, Contains, Crs, to_wgs84
from app.geo.geodesy import distances_m
from app.ingest.city import Zone
from app.ingest.columns import plain
from app.ingest.report import ImportReport, RowIssue, Severity
from app.models.vocabularies import AreaLevel, DatasetKind
from app.repositories.areas import AreaRow

BESIDE_M = 2_000.0  # borders are often drawn coarsely: a station this near is doubted, not refused
OTHERS = (Crs.GCJ02, Crs.BD09, Crs.WGS84)
SUFFIXES = ("街道办事处", "街道", "镇", "区", "县", "市", "街")


@dataclass(frozen=True)
class Surroundings:
    """The city, and its areas by code and by name."""

    zone: Zone | None
    areas: dict[tuple[AreaLevel, str], list[AreaRow]]

    @classmethod
    def of(cls, zone: Zone | None, areas: list[AreaRow]) -> Surroundings:
        found: dict[tuple[AreaLevel, str], list[AreaRow]] = {}
        levels = {level.value: level for level in AreaLevel}
        for area in areas:
            for name in {plain(area.code), *_names(area.name)}:
                found.setdefault((levels[area.level], name), []).append(area)
        return cls(zone, found)

    def named(self, level: AreaLevel, text: str) -> shapely.Geometry | None:
        """The outline of the area that a row names by code or name, suffix or not; None when it is not known."""
        for name in (plain(text), *_names(text)):
            held = self.areas.get((level, name))
            if held:
                return shapely.union_all([area.geom for area in held])
        return None


def check_position(
    lng: float, lat: float, crs: Crs, named: tuple[str | None, str | None], around: Surroundings, row: int,
    report: ImportReport,
) -> tuple[float, float] | None:  # fmt: skip
    """The WGS84 position of a row, or None after an error was reported.

    ``lng, lat`` as given, in ``crs``; ``named`` the district and the town that the row names, if it does.
    """
    value = f"{lng}, {lat}"
    if lng == 0 and lat == 0:
        report.error(
            "坐标为 0,0(通常表示缺失)", "the position is 0, 0, which usually means that it is missing", row=row,
            field="lng, lat", value=value, remedy=("补上坐标", "fill in the coordinates"),
        )  # fmt: skip
        return None
    if abs(lng) > 180 or abs(lat) > 90:
        swapped = abs(lat) <= 180 and abs(lng) <= 90
        _out_of_range(swapped, value, row, report)
        return None
    x, y = _wgs84(lng, lat, crs)
    if around.zone is not None and not _inside(around.zone.contains, x, y):
        if not _beside(lng, lat, crs, around.zone, row, report):
            return None
        return x, y
    levels = (AreaLevel.DISTRICT, named[0]), (AreaLevel.TOWN, named[1])
    for level, text in levels:
        if text and not _in_named(lng, lat, crs, level, text, around, row, report):
            return None
    return x, y


def likely_systems(lng: float, lat: float, given: Crs, contains: Contains) -> list[Crs]:
    """The other systems in which a position as given would be in the right place; none outside of China's box."""
    west, south, east, north = GCJ_BOX
    if not (west <= lng <= east and south <= lat <= north):
        return []
    same = (Crs.WGS84, Crs.CGCS2000)
    others = [crs for crs in OTHERS if crs is not given and not (crs in same and given in same)]
    return [crs for crs in others if _inside(contains, *_wgs84(lng, lat, crs))]


def _in_named(
    lng: float, lat: float, crs: Crs, level: AreaLevel, text: str, around: Surroundings, row: int, report: ImportReport
) -> bool:
    """Is it in the area that the row names? If not, an error when another system explains it, else a warning."""
    outline = around.named(level, text)
    if outline is None:
        if any(known is level for known, _ in around.areas):
            report.warn(
                f"没有名为“{text}”的{level.title_zh}", f"there is no {level.value} of that name", row=row,
                field=level.value, value=text,
            )  # fmt: skip
        return True
    shapely.prepare(outline)

    def contains(x: FloatArray, y: FloatArray) -> BoolArray:
        return np.asarray(shapely.intersects_xy(outline, x, y), dtype=np.bool_)

    if _inside(contains, *_wgs84(lng, lat, crs)):
        return True
    systems = likely_systems(lng, lat, crs, contains)
    if systems:
        _wrong_system(systems, crs, f"{lng}, {lat}", f"“{text}”", text, row, report)
        return False
    report.warn(
        f"该位置不在所填的“{text}”之内", f"the position is not in {text}, which the row names", row=row,
        field=f"{level.value}, lng, lat", value=f"{text}: {lng}, {lat}",
        remedy=("核对坐标与所属区划", "check the coordinates and the area"),
    )  # fmt: skip
    return True


def _beside(lng: float, lat: float, crs: Crs, zone: Zone, row: int, report: ImportReport) -> bool:
    """Is a position that is not inside right beside the border (reported, kept), or plainly elsewhere (an error)?"""
    value = f"{lng}, {lat}"
    if abs(lng) <= 90 and _inside(zone.contains, *_wgs84(lat, lng, crs)):
        _swapped(value, row, report)
        return False
    systems = likely_systems(lng, lat, crs, zone.contains)
    if systems:
        _wrong_system(systems, crs, value, "城市", "the city", row, report)
        return False
    gap_m = _gap_m(zone.geometry, *_wgs84(lng, lat, crs))
    remedy = ("核对坐标;若无误,请先导入正确的区划", "check the coordinates; if right, import the right areas first")
    if gap_m <= BESIDE_M:
        report.warn(
            f"该位置在城市边界之外 {gap_m:.0f} 米({zone.name_zh}):保留,但不计入任何区划",
            f"the position is {gap_m:.0f} m outside of the city ({zone.name_en}): kept, but counted in no area",
            row=row, field="lng, lat", value=value, remedy=remedy,
        )  # fmt: skip
        return True
    report.error(
        f"该位置在城市之外({zone.name_zh})", f"the position is outside of the city ({zone.name_en})", row=row,
        field="lng, lat", value=value, remedy=remedy,
    )  # fmt: skip
    return False


def _gap_m(outline: shapely.Geometry, lng: float, lat: float) -> float:
    """Metres from a position to the nearest point of an outline (as it is nearest in degrees)."""
    line = shapely.shortest_line(outline, shapely.Point(lng, lat))
    (x, y), _ = shapely.get_coordinates(line)
    return float(distances_m(x, y, lng, lat))


def _wrong_system(
    systems: list[Crs], given: Crs, value: str, where_zh: str, where_en: str, row: int, report: ImportReport
) -> None:
    likely = " 或 ".join(crs.value for crs in systems), " or ".join(crs.value for crs in systems)
    report.error(
        f"按 {given.value} 不在{where_zh}之内,按 {likely[0]} 则在其内:坐标系可能不是 {given.value}",
        f"as {given.value} it is not in {where_en}, as {likely[1]} it is: the system may not be {given.value}", row=row,
        field="lng, lat", value=value,
        remedy=(
            f"查明坐标来源;若整个文件都是 {likely[0]},用 --crs 注明,否则改正该行",
            f"find out where the coordinates come from; if the whole file is {likely[1]}, say so with --crs, "
            "else correct the row",
        ),
    )  # fmt: skip


def _out_of_range(swapped: bool, value: str, row: int, report: ImportReport) -> None:
    if swapped:
        _swapped(value, row, report)
        return
    report.error(
        "坐标超出经纬度范围", "the coordinates are out of the range of degrees", row=row, field="lng, lat", value=value,
        remedy=("应为十进制度,经度在前", "write decimal degrees, longitude first"),
    )  # fmt: skip


def _swapped(value: str, row: int, report: ImportReport) -> None:
    report.error(
        "经度与纬度可能颠倒了", "longitude and latitude seem to be exchanged", row=row, field="lng, lat", value=value,
        remedy=("对调两列;中国的经度约为 73–135,纬度约为 3–54", "exchange the columns: in China longitude is 73–135"),
    )  # fmt: skip


def _wgs84(lng: float, lat: float, crs: Crs) -> tuple[float, float]:
    x, y = to_wgs84(lng, lat, crs)
    return float(x), float(y)


def _inside(contains: Contains, lng: float, lat: float) -> bool:
    return isfinite(lng) and isfinite(lat) and bool(contains(np.array([lng]), np.array([lat]))[0])


def _names(text: str) -> set[str]:
    """A name with and without the word that says what it is (天河区, 天河); one character alone is no name."""
    whole = plain(text)
    for suffix in SUFFIXES:
        if whole.endswith(suffix) and len(whole) - len(suffix) >= 2:
            return {whole, whole[: -len(suffix)]}
    return {whole}


def position_faults(lng: float, lat: float, crs: Crs, around: Surroundings) -> tuple[list[ErrorItem], list[ErrorItem]]:
    """Errors and warnings of a single position as it was given, outside of any file."""
    report = ImportReport(DatasetKind.STATIONS, "", "")
    check_position(lng, lat, crs, (None, None), around, 0, report)
    errors, warnings = ([_unnumbered(issue) for issue in report.of(severity)] for severity in Severity)
    return errors, warnings


def _unnumbered(issue: RowIssue) -> ErrorItem:
    return replace(issue.as_error_item(), field=issue.field or "lng, lat")
