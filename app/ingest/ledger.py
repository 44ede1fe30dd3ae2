"""A station ledger as records: CSV, XLSX and GeoJSON alike."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import CrsRequired, ErrorItem, InvalidInput
from app.geo.crs import Crs
from app.ingest.columns import HEADINGS, REQUIRED, field_of
from app.ingest.files import check_file, text_encoding, unreadable
from app.ingest.report import ImportReport
from app.ingest.tables import Row, csv_rows, xlsx_rows

HEADING_WITHIN = 20  # titles and notes may stand above the headings
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".et")
GEOJSON = (".geojson", ".json")
WGS84_NAMES = ("CRS84", "4326")  # in the member "crs" of old GeoJSON files


@dataclass(frozen=True)
class Record:
    """One station as it stands in the file: values by field."""

    row: int
    values: dict[str, object]


@dataclass(frozen=True)
class Ledger:
    """The records of a file, the fields that it has, and the system of its coordinates."""

    records: list[Record]
    fields: frozenset[str]
    crs: Crs


def read_ledger(path: Path, crs: Crs | None, report: ImportReport) -> Ledger:
    """The records of a ledger, whatever its format.

    Raises FileUnreadable; CrsRequired when the system of the coordinates is not stated (a GeoJSON without ``crs`` is
    WGS84 by RFC 7946); InvalidInput when a required column is missing or a field has two columns.
    """
    check_file(path)
    kind = path.suffix.lower()
    if kind in GEOJSON:
        return _geojson(path, crs, report)
    if crs is None:
        raise crs_required()
    rows = xlsx_rows(path) if kind in WORKBOOKS else list(csv_rows(path))
    return _table(path, rows, crs, report)


def crs_required() -> CrsRequired:
    return CrsRequired(
        "没有注明坐标系(--crs)。WGS84 与 GCJ-02 在广州相差约 600 米,相当于半个 15 分钟步行圈,因此不作猜测。",
        "The coordinate system is not stated (--crs). WGS84 and GCJ-02 are about 600 m apart in Guangzhou, half of a "
        "15-minute walk, so it is not guessed.",
        errors=[
            ErrorItem(
                "--crs", "缺少坐标系", "no coordinate system",
                remedy_zh="GPS、天地图:wgs84 或 cgcs2000;高德、腾讯、微信:gcj02;百度:bd09",
                remedy_en="GPS and Tianditu: wgs84 or cgcs2000; Amap, Tencent and WeChat: gcj02; Baidu: bd09",
            )
        ],
    )  # fmt: skip


def _table(path: Path, rows: list[Row], crs: Crs, report: ImportReport) -> Ledger:
    at = _heading_row(rows)
    if at is None:
        seen = "、".join(str(cell) for cell in (rows[0][1] if rows else [])[:20])
        raise unreadable(
            path, f"没有找到表头(第一行:{seen or '空'})",
            f"no headings were found (the first row is: {seen or 'empty'})",
            remedy_zh="表头须含“名称、经度、纬度”(或 name, lng, lat)", remedy_en="it needs the headings name, lng, lat",
        )  # fmt: skip
    columns = _columns([str(cell or "").strip() for cell in rows[at][1]], report)
    records = [
        Record(number, {field: cells[k] for field, k in columns.items() if k < len(cells)})
        for number, cells in rows[at + 1 :]
        if any(str(cells[k] if cells[k] is not None else "").strip() for k in columns.values() if k < len(cells))
    ]
    _check_some(path, records)
    return Ledger(records, frozenset(columns), crs)


def _heading_row(rows: list[Row]) -> int | None:
    for at, (_, cells) in enumerate(rows[:HEADING_WITHIN]):
        if len({field_of(cell) for cell in cells} - {None}) >= 2:
            return at
    return None


def _columns(headings: list[str], report: ImportReport) -> dict[str, int]:
    """The column of every field. Raises InvalidInput when one is missing or there twice."""
    columns: dict[str, int] = {}
    unknown = []
    for k, heading in enumerate(headings):
        field = field_of(heading)
        if field is None:
            if heading:
                unknown.append(heading)
        elif field in columns:
            raise _bad_columns(
                f"有两列都表示“{HEADINGS[field][0]}”", f"two columns both mean {field}",
                f"{headings[columns[field]]}, {heading}", "只保留一列", "keep one of them",
            )  # fmt: skip
        else:
            columns[field] = k
    missing = [field for field in REQUIRED if field not in columns and not (field == "name" and "code" in columns)]
    if missing:
        raise _bad_columns(
            f"缺少列:{'、'.join(HEADINGS[field][0] for field in missing)}", f"missing columns: {', '.join(missing)}",
            ", ".join(headings), "补上这些列(中英文表头均可)", "add them, with Chinese or English headings",
        )  # fmt: skip
    if unknown:
        report.note(f"未使用的列:{'、'.join(unknown)}。", f"Columns that are not used: {', '.join(unknown)}.")
    return columns


def _bad_columns(zh: str, en: str, value: str, remedy_zh: str, remedy_en: str) -> InvalidInput:
    item = ErrorItem("headings", zh, en, value=value, remedy_zh=remedy_zh, remedy_en=remedy_en)
    return InvalidInput(f"{zh}。", f"{en.capitalize()}.", errors=[item])


def _geojson(path: Path, crs: Crs | None, report: ImportReport) -> Ledger:
    try:
        content = json.loads(path.read_text(encoding=text_encoding(path)))
        features = content["features"]
        if not isinstance(features, list):
            raise TypeError("features is not a list")
        properties = [dict(feature.get("properties") or {}) for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise unreadable(
            path, f"不是 GeoJSON 要素集合,或文件不完整({fault})",
            f"it is not a GeoJSON FeatureCollection, or it is truncated ({fault})",
            remedy_zh="导出为 FeatureCollection(点要素)", remedy_en="export it as a FeatureCollection of points",
        ) from fault  # fmt: skip
    _check_some(path, properties)
    named = str((content.get("crs") or {}).get("properties", {}).get("name", "")) if content.get("crs") else ""
    if crs is None and named and not named.endswith(WGS84_NAMES):
        raise crs_required()
    if crs is None:
        report.note("按 RFC 7946,GeoJSON 的坐标为 WGS84。", "GeoJSON coordinates are WGS84 (RFC 7946).")
    elif crs not in (Crs.WGS84, Crs.CGCS2000):
        report.warn(
            f"GeoJSON 标准规定 WGS84,按 --crs 以 {crs.value} 读取",
            f"GeoJSON is WGS84 by its standard; it was read as {crs.value}, as --crs says", field="crs",
        )  # fmt: skip
    keys = [str(key) for record in properties for key in record]
    headings = [key for key in dict.fromkeys(keys) if field_of(key) not in ("lng", "lat")]  # the geometry has them
    columns = _columns([*headings, "lng", "lat"], report)
    names = {field: headings[k] for field, k in columns.items() if k < len(headings)}
    records = []
    for row, (feature, record) in enumerate(zip(features, properties, strict=True), start=1):
        lng, lat = _position(feature.get("geometry"))
        values: dict[str, object] = {field: record.get(name) for field, name in names.items()}
        records.append(Record(row, {**values, "lng": lng, "lat": lat}))
    return Ledger(records, frozenset(columns), crs or Crs.WGS84)


def _position(geometry: Any) -> tuple[object, object]:
    """The two numbers of a point; None for anything else, which is then reported as a missing coordinate."""
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None, None
    at = geometry.get("coordinates")
    return (at[0], at[1]) if isinstance(at, list) and len(at) >= 2 else (None, None)


def _check_some(path: Path, records: list[Any]) -> None:
    if not records:
        raise unreadable(
            path, "其中没有站点", "it has no stations",
            remedy_zh="检查导出是否完整、数据是否在第一个可见的工作表",
            remedy_en="check its export, and that the first visible sheet holds the data",
        )  # fmt: skip
