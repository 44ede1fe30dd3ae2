"""Stations as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput, LevelNotLoaded, NotFound
from app.geo.crs import Crs, from_wgs84
from app.models.vocabularies import AreaLevel
from app.repositories import areas as area_repo
from app.repositories import datasets as dataset_repo
from app.repositories import station_records as record_repo
from app.repositories import stations as station_repo
from app.repositories.stations import Moment, StationFilter, StationRow
from app.services.station_record import FIELDS
from app.services.suggestions import unknown_code


@dataclass(frozen=True)
class AreaName:
    """An area by code and name; the name is None when its boundary is no longer loaded."""

    code: str
    name: str | None


@dataclass(frozen=True)
class StationView:
    """One station with the names around it. ``lng, lat`` are in ``crs``; ``row`` holds what is kept (WGS84)."""

    row: StationRow
    district: AreaName | None
    town: AreaName | None
    lng: float
    lat: float
    crs: Crs
    synthetic: bool


@dataclass(frozen=True)
class StationPage:
    """A page: ``total`` counts the whole list; the next page begins after ``last_code``, None on the last one."""

    stations: list[StationView]
    total: int
    last_code: str | None


def list_stations(
    session: Session, wanted: StationFilter, *, after_code: str | None, limit: int, crs: Crs = Crs.WGS84,
    at: Moment | None = None,
) -> StationPage:  # fmt: skip
    """Stations by code after ``after_code``, as they are now or were at a moment.

    Raises InvalidInput for a district or town that there is not, LevelNotLoaded when no such areas are loaded.
    """
    for field, level, code in (
        ("district", AreaLevel.DISTRICT, wanted.district_code),
        ("town", AreaLevel.TOWN, wanted.town_code),
    ):
        if code is not None:
            check_area(session, field, level, code)
    rows = station_repo.list_stations(session, wanted, after_code=after_code, limit=limit + 1, at=at)
    more = len(rows) > limit
    rows = rows[:limit]
    return StationPage(
        stations=_views(session, rows, crs),
        total=station_repo.count_stations(session, wanted, at),
        last_code=rows[-1].code if more else None,
    )


def get_station(session: Session, code: str, crs: Crs = Crs.WGS84, at: Moment | None = None) -> StationView:
    """One station, as it is now or was at a moment. Raises NotFound with the codes that look like it."""
    row = station_repo.get_station(session, code, at)
    if row is not None:
        return _views(session, [row], crs)[0]
    if at is not None and station_repo.get_station(session, code) is not None:
        raise _not_then(code)
    item = unknown_code(
        "code", code, station_repo.station_codes(session), "站点", "station",
        "用 /v1/stations?q= 按名称或地址查找", "find it by name or address with /v1/stations?q=",
    )  # fmt: skip
    zh, en = ("", "") if at is None else ("该时点", " at that moment")
    raise NotFound(f"{zh}没有代码为 {code} 的站点。", f"There is no station {code}{en}.", errors=[item])


def _not_then(code: str) -> NotFound:
    item = ErrorItem(
        "code", "该时点尚无此站点的记录", "was not on record at that moment", value=code,
        remedy_zh="写更晚的 known_at,或去掉", remedy_en="name a later known_at, or leave it out",
    )  # fmt: skip
    return NotFound(f"该时点没有站点 {code}。", f"There was no station {code} at that moment.", errors=[item])


def public_record(session: Session, code: str, at: Moment | None = None) -> dict[str, Any]:
    """What everybody may read of a station's full record, by field; nothing where there is no such station then."""
    kept = record_repo.record_at(session, code, at)
    return {} if kept is None else {field.name: kept.values[field.name] for field in FIELDS if field.is_public}


def check_area(session: Session, field: str, level: AreaLevel, code: str) -> None:
    """Raises InvalidInput unless there is an area of that level and code, LevelNotLoaded when there is none at all."""
    found = area_repo.levels_of_codes(session, [code]).get(code)
    if found == level.value:
        return
    if area_repo.count_by_level(session).get(level.value, 0) == 0:
        raise LevelNotLoaded(
            f"尚未导入{level.title_zh}级区划,无法按其筛选。",
            f"No areas of level {level.value} are loaded, so there is nothing to filter by.",
        )
    known = area_repo.area_codes(session, level.value)
    item = unknown_code(
        field, code, known, level.title_zh, level.value,
        f"全部代码见 /v1/areas?level={level.value}", f"all codes are at /v1/areas?level={level.value}",
    )  # fmt: skip
    if found is not None:
        other = AreaLevel(found)
        raise InvalidInput(
            f"{code} 是{other.title_zh}级区划,不是{level.title_zh}。",
            f"{code} is an area of level {other.value}, not {level.value}.",
            errors=[item],
        )
    raise InvalidInput(f"没有代码为 {code} 的{level.title_zh}。", f"There is no {level.value} {code}.", errors=[item])


def _views(session: Session, rows: Sequence[StationRow], crs: Crs) -> list[StationView]:
    codes = {code for row in rows for code in (row.district_code, row.town_code) if code is not None}
    names = area_repo.names_of_codes(session, codes) if codes else {}
    synthetic = dataset_repo.synthetic_ids(session)
    lng, lat = from_wgs84([row.lng for row in rows], [row.lat for row in rows], crs)
    return [
        StationView(
            row=row,
            district=AreaName(row.district_code, names.get(row.district_code)) if row.district_code else None,
            town=AreaName(row.town_code, names.get(row.town_code)) if row.town_code else None,
            lng=x,
            lat=y,
            crs=crs,
            synthetic=row.dataset_id in synthetic,
        )
        for row, x, y in zip(rows, lng.tolist(), lat.tolist(), strict=True)
    ]
