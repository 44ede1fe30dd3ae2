"""What answers from the snapshot say of stations and of the data; made once per snapshot, language and system."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.api.language import Language
from app.api.schemas.common import Notice
from app.api.schemas.stations import COORDINATE_DECIMALS, title
from app.geo.crs import Crs, from_wgs84
from app.models.vocabularies import DatasetKind, HostKind, StationStatus, StationType
from app.repositories.stations import Moment
from app.services.dataset_reads import data_notice, has_stations, imported_after, notice_of, sources_of_snapshot
from app.services.snapshot import Snapshot
from app.services.snapshot_at import imported_since
from app.services.station_table import StationInfo


def station_summaries(snapshot: Snapshot, language: Language, crs: Crs) -> list[orjson.Fragment]:
    """Every station by its number, as ready JSON; see ``schemas.common.StationSummary``."""

    def make() -> list[orjson.Fragment]:
        stations = snapshot.stations.table.stations
        lng, lat = from_wgs84([s.lng for s in stations], [s.lat for s in stations], crs)
        return [
            orjson.Fragment(orjson.dumps(_summary(snapshot, station, language, x, y, crs)))
            for station, x, y in zip(stations, lng.tolist(), lat.tolist(), strict=True)
        ]

    return snapshot.cached(("station summaries", language, crs), make)


def open_locations(snapshot: Snapshot) -> list[orjson.Fragment]:
    """Every station by its number, as the argument of ``wx.openLocation``: GCJ-02, latitude first as it wants."""

    def make() -> list[orjson.Fragment]:
        stations = snapshot.stations.table.stations
        lng, lat = from_wgs84([s.lng for s in stations], [s.lat for s in stations], Crs.GCJ02)
        return [
            orjson.Fragment(orjson.dumps({
                "latitude": round(y, COORDINATE_DECIMALS), "longitude": round(x, COORDINATE_DECIMALS),
                "name": station.name, "address": station.address or "",
            }))
            for station, x, y in zip(stations, lng.tolist(), lat.tolist(), strict=True)
        ]  # fmt: skip

    return snapshot.cached("open locations", make)


def snapshot_notice(
    snapshot: Snapshot, language: Language, kinds: Collection[DatasetKind] | None = None,
    known_at: datetime | None = None,
) -> Notice | None:  # fmt: skip
    """What to say beside an answer that is computed from these kinds of data (all of them when None).

    Of an earlier moment also what is not as it was known then.
    """
    key = ("notice", language, None if kinds is None else frozenset(kinds))
    notice = snapshot.cached(key, lambda: Notice.of(notice_of(sources_of_snapshot(snapshot), kinds), language))
    if known_at is None:
        return notice
    late = [kind for kind in map(DatasetKind, imported_since(snapshot, known_at)) if kinds is None or kind in kinds]
    tells_of_stations = kinds is None or DatasetKind.STATIONS in kinds
    return said_of_then(
        notice, late, language, has_stations=bool(snapshot.stations.table.stations) or not tells_of_stations
    )


def notice_at(
    session: Session, language: Language, kinds: Collection[DatasetKind], at: Moment | None
) -> Notice | None:  # fmt: skip
    """The same beside an answer that is read from the database, of now or of a moment."""
    notice = Notice.of(data_notice(session, kinds, at), language)
    if at is None:
        return notice
    late = imported_after(session, at.known_at, kinds)
    return said_of_then(notice, late, language, has_stations=has_stations(session, at))


def said_of_then(
    notice: Notice | None, late: Sequence[DatasetKind], language: Language, *, has_stations: bool = True
) -> Notice | None:
    """A notice with what has to be said of an earlier moment: which data is not of then, that none was known."""
    said = [] if notice is None else [notice.message]
    if late:
        zh, en = "、".join(kind.title_zh for kind in late), ", ".join(kind.title_en.lower() for kind in late)
        said.append(
            language.pick(
                f"{zh}是该时点之后导入的,不是当时的数据。", f"Imported after that moment, not the data of then: {en}."
            )
        )
    if not has_stations:
        said.append(language.pick("该时点尚无站点记录。", "No station was on record at that moment."))
    if not said or (notice is not None and len(said) == 1):
        return notice
    return Notice(
        synthetic=notice is not None and notice.synthetic,
        message=language.pick("", " ").join(said),
        datasets=[] if notice is None else notice.datasets,
    )


def _summary(
    snapshot: Snapshot, station: StationInfo, language: Language, lng: float, lat: float, crs: Crs
) -> dict[str, Any]:
    return {
        "code": station.code,
        "name": station.name,
        "type": station.type,
        "type_title": title(StationType(station.type), language),
        "host_kind": station.host_kind,
        "host_kind_title": title(HostKind(station.host_kind), language),
        "status": station.status,
        "status_title": title(StationStatus(station.status), language),
        "address": station.address,
        "district": _area(snapshot, station.district_code),
        "town": _area(snapshot, station.town_code),
        "lng": round(lng, COORDINATE_DECIMALS),
        "lat": round(lat, COORDINATE_DECIMALS),
        "crs": crs.value,
        "synthetic": station.synthetic,
    }


def _area(snapshot: Snapshot, code: str | None) -> dict[str, str | None] | None:
    if code is None:
        return None
    known = code in snapshot.areas.at
    return {"code": code, "name": snapshot.areas.get(code).name if known else None}
