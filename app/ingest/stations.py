"""``import stations``: a ledger of stations; all faulty rows are reported, and then nothing is written."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.engine import session_scope
from app.geo.crs import Crs
from app.geo.geodesy import distances_m
from app.ingest.city import check_same_city, loaded_areas, zone_of_areas
from app.ingest.columns import DATES, DEFAULTS, HEADINGS, VOCABULARIES, word_of, words
from app.ingest.files import check_file, sha256_of
from app.ingest.ledger import Ledger, Record, crs_required, read_ledger
from app.ingest.report import ImportReport
from app.ingest.station_places import Surroundings, check_position
from app.ingest.station_streets import check_streets
from app.ingest.transaction import SourceFacts, Tell, dataset_facts, load_once, silent
from app.ingest.values import code_of, date_of, number_of, text_of
from app.models.vocabularies import DatasetKind, HostKind, StationStatus, StationType
from app.repositories.areas import AreaRow
from app.services.loading import LoadResult, NewStation, load_stations
from app.services.streets import Streets, streets_now
from app.settings import home_settings, method_settings

METHOD_VERSION = 1
SAME_PLACE_M = 20.0


@dataclass(frozen=True)
class StationOptions:
    """``crs`` of the coordinates in the file; ``replace`` removes stations that are not in it."""

    crs: Crs | None
    replace: bool = False
    facts: SourceFacts = field(default_factory=SourceFacts)


def import_stations(
    engine: Engine, path: Path, options: StationOptions, *, dry_run: bool = False, tell: Tell = silent
) -> ImportReport:
    """Read a ledger and add its stations or bring them up to date, by code, in one transaction.

    Raises CrsRequired, FileUnreadable, InvalidInput, Conflict, and ImportFailed with all faulty rows; the database is
    then as it was.
    """
    with session_scope(engine) as session:
        areas = loaded_areas(session)

    def loaded_streets() -> Streets | None:
        tell("读取路网", "reading the streets")
        return streets_now(engine, home_settings(), method_settings())

    stations, report = read_stations(path, options, areas, tell, loaded_streets)
    parameters = {"method": METHOD_VERSION, "crs": report.figures["crs"], "replace": options.replace}
    facts = dataset_facts(options.facts, DatasetKind.STATIONS, path, report, parameters)

    def load(session: Session) -> LoadResult:
        tell("写入数据库", "writing to the database")
        return load_stations(session, facts, stations, report.for_dataset(), replace=options.replace)

    def same_city(session: Session) -> None:
        check_same_city(session, zone_of_areas(areas))

    return load_once(engine, report, load, dry_run=dry_run, check=[same_city])


def read_stations(
    path: Path,
    options: StationOptions,
    areas: list[AreaRow],
    tell: Tell = silent,
    loaded_streets: Callable[[], Streets | None] = lambda: None,
) -> tuple[list[NewStation], ImportReport]:
    """The stations of a ledger, by code, checked against the areas and streets that are loaded.

    The streets are read (which may take seconds) only when no row is faulty.

    Raises CrsRequired, FileUnreadable, InvalidInput, and ImportFailed with all faulty rows.
    """
    if options.crs is None and path.suffix.lower() not in (".geojson", ".json"):
        raise crs_required()
    check_file(path)
    report = ImportReport(DatasetKind.STATIONS, path.name, sha256_of(path))
    tell("读取台账", "reading the ledger")
    ledger = read_ledger(path, options.crs, report)
    _tell_assumptions(ledger, report)
    around = Surroundings.of(zone_of_areas(areas), areas)
    if around.zone is None:
        report.note(
            "数据库中没有区划,未检查站点是否在城市之内。请先导入区划。",
            "No areas are loaded: whether stations are in the city was not checked. Import areas first.",
        )
    read = [(record.row, _station(record, ledger, around, report)) for record in ledger.records]
    stations = [(row, station) for row, station in read if station is not None]
    codes = [(record.row, code_of(record.values.get("code"))) for record in ledger.records]
    if "code" not in ledger.fields:
        codes = [(row, station.code) for row, station in stations]
    _check_codes(codes, report)
    _check_places(stations, report)
    _tell_of_no_shift(stations, ledger.crs, report)
    report.figures |= {"rows_read": len(ledger.records), "crs": ledger.crs.value}
    report.raise_if_errors()
    check_streets(stations, loaded_streets(), report)
    for kind in StationType:
        report.figures[f"type_{kind.value}"] = sum(station.type is kind for _, station in stations)
    return sorted((station for _, station in stations), key=lambda station: station.code), report


def _tell_assumptions(ledger: Ledger, report: ImportReport) -> None:
    for name, default in DEFAULTS.items():
        if name not in ledger.fields:
            report.note(
                f"没有“{HEADINGS[name][0]}”列:全部记为“{default.title_zh}”。",
                f"There is no column {name}: all are recorded as {default.value}.",
            )
    if "code" not in ledger.fields:
        report.note(
            "没有编号列:编号由名称与坐标生成(S- 加 10 位)。",
            "There is no column code: codes are made from name and position (S- and ten digits).",
        )
    if "name" not in ledger.fields:
        report.note("没有名称列:以编号为名称。", "There is no column name: codes are the names.")
    if "opened_on" not in ledger.fields:
        report.note("没有开站日期列:视为一直开放。", "There is no column opened_on: they count as open since ever.")


def _tell_of_no_shift(stations: list[tuple[int, NewStation]], crs: Crs, report: ImportReport) -> None:
    """GCJ-02 is WGS84 outside of mainland China: whoever names it there may have named it by mistake."""
    at = [(station.lng, station.lat) == (station.source_lng, station.source_lat) for _, station in stations]
    if crs is Crs.GCJ02 and any(at):
        report.warn(
            "GCJ-02 只在中国大陆有偏移,这些位置按 WGS84 存入", "GCJ-02 moves nothing outside of mainland China: these "
            "positions are stored as they are", field="--crs", value=f"{sum(at)} / {len(at)}",
            remedy=("核对 --crs", "check --crs"),
        )  # fmt: skip


def _station(record: Record, ledger: Ledger, around: Surroundings, report: ImportReport) -> NewStation | None:
    """The station of a record; None after its faults were reported."""
    before = report.error_count
    row, values = record.row, record.values
    code = code_of(values.get("code"))
    name = text_of(values.get("name")) or (code if "name" not in ledger.fields else "")
    if "code" in ledger.fields and not code:
        report.error("编号为空", "the code is empty", row=row, field="code", remedy=("补上编号", "fill it in"))
    if not name:
        report.error("名称为空", "the name is empty", row=row, field="name", remedy=("补上名称", "fill it in"))
    kinds = {name: _word(name, record, report) for name in VOCABULARIES}
    days = {name: _day(name, record, report) for name in DATES}
    if days["opened_on"] and days["closed_on"] and days["closed_on"] < days["opened_on"]:
        report.error(
            "关闭日期早于开站日期", "it was closed before it was opened", row=row, field="closed_on",
            value=f"{days['opened_on']}, {days['closed_on']}", remedy=("改正日期", "correct the dates"),
        )  # fmt: skip
    lng, lat = _coordinate("lng", record, report), _coordinate("lat", record, report)
    if lng is None or lat is None:
        return None
    named = text_of(values.get("district")) or None, text_of(values.get("town")) or None
    place = check_position(lng, lat, ledger.crs, named, around, row, report)
    if place is None or report.error_count > before:
        return None
    return NewStation(
        code=code or made_code(name, *place), name=name, type=StationType(kinds["type"]),
        host_kind=HostKind(kinds["host_kind"]), status=StationStatus(kinds["status"]),
        address=text_of(values.get("address")) or None, selected_on=days["selected_on"],
        plaque_hung_on=days["plaque_hung_on"], opened_on=days["opened_on"], closed_on=days["closed_on"],
        lng=place[0], lat=place[1], source_crs=ledger.crs.value, source_lng=lng, source_lat=lat,
    )  # fmt: skip


def made_code(name: str, lng: float, lat: float) -> str:
    """A code for a station that has none: the same for the same name and WGS84 position (to 0.1 m)."""
    return "S-" + hashlib.sha256(f"{name}|{lng:.6f}|{lat:.6f}".encode()).hexdigest()[:10]


def _word(name: str, record: Record, report: ImportReport) -> str:
    text = text_of(record.values.get(name))
    if not text:
        return DEFAULTS[name].value
    try:
        return word_of(VOCABULARIES[name], text).value
    except ValueError:
        known = "、".join(words(VOCABULARIES[name]))
        report.error(
            f"未知的{HEADINGS[name][0]}", f"an unknown {name}", row=record.row, field=name, value=text,
            remedy=(f"可用:{known}", f"use one of: {', '.join(member.value for member in VOCABULARIES[name])}"),
        )  # fmt: skip
        return DEFAULTS[name].value


def _day(name: str, record: Record, report: ImportReport) -> date | None:
    value = record.values.get(name)
    try:
        return date_of(value)
    except ValueError:
        report.error(
            "不是日期", "not a date", row=record.row, field=name, value=value,
            remedy=("写作 2025-06-30、2025/6/30 或 2025年6月30日", "write 2025-06-30"),
        )  # fmt: skip
        return None


def _coordinate(name: str, record: Record, report: ImportReport) -> float | None:
    value = record.values.get(name)
    try:
        return number_of(value)
    except (ValueError, TypeError):
        report.error(
            "坐标不是数字" if text_of(value) else "缺少坐标",
            "the coordinate is not a number" if text_of(value) else "the coordinate is missing",
            row=record.row, field=name, value=value if text_of(value) else None,
            remedy=("写作十进制度,如 113.3245", "write decimal degrees, such as 113.3245"),
        )  # fmt: skip
        return None


def _check_codes(codes: list[tuple[int, str]], report: ImportReport) -> None:
    """Every code once; empty ones are reported elsewhere."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, code in codes:
        if code:
            rows[code].append(row)
    for code, same in rows.items():
        for row in same if len(same) > 1 else ():
            others = [str(r) for r in same if r != row]
            report.error(
                f"编号重复(第 {'、'.join(others)} 行)", f"the code is also that of row {', '.join(others)}", row=row,
                field="code", value=code, remedy=("合并为一行,或改正编号", "merge the rows, or correct the code"),
            )  # fmt: skip


def _check_places(stations: list[tuple[int, NewStation]], report: ImportReport) -> None:
    """Rows of one name within a few metres may be one station written twice."""
    by_name: dict[str, list[tuple[int, NewStation]]] = defaultdict(list)
    for row, station in stations:
        by_name[station.name].append((row, station))
    for name, same in by_name.items():
        for k, (row, station) in enumerate(same):
            for other_row, other in same[:k]:
                if distances_m(station.lng, station.lat, other.lng, other.lat).item() <= SAME_PLACE_M:
                    report.warn(
                        f"与第 {other_row} 行同名且相距不到 {SAME_PLACE_M:.0f} 米",
                        f"of the same name as row {other_row} and within {SAME_PLACE_M:.0f} m of it", row=row,
                        field="name", value=name, remedy=("核对是否重复", "check whether it is the same station"),
                    )  # fmt: skip
