"""The nearest stations for a mini-program's map: see ``schemas.wx.WxNearest``."""

from __future__ import annotations

from typing import Any

from app.api.nearest_texts import KINDS, Asking, astray_message, message_of
from app.api.summaries import open_locations, snapshot_notice
from app.api.wx import cut_to_size, marker, marker_ids, minutes_text, points
from app.services.astray import Nearby
from app.services.nearest import NearestAnswer
from app.services.positions import Position
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo

Told = tuple[StationInfo, int, float | None, float]  # a station, its number, minutes on foot, metres straight


def ids_of(snapshot: Snapshot) -> dict[str, int]:
    """The marker id of every station."""
    return snapshot.masks.get("marker ids", lambda: marker_ids(snapshot.stations.table.at))


def wx_body_of(asking: Asking, position: Position, answer: NearestAnswer) -> dict[str, Any]:
    """Stations in walking distance, or the one beyond."""
    hits = answer.hits or ([] if answer.beyond is None else [answer.beyond])
    language = asking.language
    told: list[Told] = [(hit.station, hit.number, hit.walk_minutes, hit.straight_m) for hit in hits]
    return _body(asking, position, told, message_of(answer, asking.query, language, online=False))


def wx_astray_body(
    asking: Asking, position: Position, nearby: list[Nearby], *, inside_area: bool
) -> dict[str, Any]:  # fmt: skip
    """Stations in a straight line."""
    told: list[Told] = [(one.station, one.number, None, one.straight_m) for one in nearby]
    return _body(asking, position, told, astray_message(nearby, asking.language, inside_area=inside_area))


def _body(asking: Asking, position: Position, told: list[Told], message: str | None) -> dict[str, Any]:
    snapshot, query, _, language, known_at = asking
    ids, locations = ids_of(snapshot), open_locations(snapshot)
    places = points([s.lng for s, *_ in told], [s.lat for s, *_ in told])
    markers, hits = [], []
    for (station, number, minutes, straight_m), place in zip(told, places, strict=True):
        said = "" if minutes is None else minutes_text(minutes, language)
        markers.append(marker(ids[station.code], station.code, station.name, place, said))
        hits.append({
            "marker_id": ids[station.code], "code": station.code, "name": station.name, "walk_minutes": minutes,
            "straight_m": straight_m, "state": snapshot.hours.opening(number, query.leave_s).state.value,
            "open_location": locations[number],
        })  # fmt: skip
    return cut_to_size(
        {
            "markers": markers, "include_points": [*points([position.lng], [position.lat]), *places], "hits": hits,
            "message": message, "data_notice": snapshot_notice(snapshot, language, KINDS, known_at),
        },
        "markers",
    )  # fmt: skip
