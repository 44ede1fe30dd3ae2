"""The nearest stations for a mini-program's map: see ``schemas.wx.WxNearest``."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from app.api.nearest_texts import KINDS, Asking, astray_message, message_of, nothing_within
from app.api.offer_texts import session_text
from app.api.summaries import open_locations, snapshot_notice
from app.api.wx import MOST_BYTES, how_many_fit, marker, marker_ids, minutes_text, points
from app.geo.timetable import NONE
from app.services.astray import Nearby
from app.services.nearest import NearestAnswer
from app.services.positions import Position
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo

MOST_STATION_BYTES = MOST_BYTES - 10_000  # the message and the notice come on top


class _Told(NamedTuple):
    """A station and its number, minutes and metres on foot where they are known, metres straight, and the session."""

    station: StationInfo
    number: int
    walk_minutes: float | None
    walk_m: float | None
    straight_m: float
    session: int = NONE


def ids_of(snapshot: Snapshot) -> dict[str, int]:
    """The marker id of every station."""
    return snapshot.masks.get("marker ids", lambda: marker_ids(snapshot.stations.table.at))


def wx_body_of(asking: Asking, position: Position, answer: NearestAnswer) -> dict[str, Any]:
    """Stations in walking distance, or the one beyond."""
    hits = answer.hits or ([] if answer.beyond is None else [answer.beyond])
    told = [_Told(h.station, h.number, h.walk_minutes, h.walk_m, h.straight_m, h.session) for h in hits]
    message = message_of(answer, nothing_within(asking.query, asking.language), asking.language, online=False)
    return _body(asking, position, told, message, within_reach=bool(answer.hits))


def wx_astray_body(asking: Asking, position: Position, nearby: list[Nearby], *, inside_area: bool) -> dict[str, Any]:
    """Stations in a straight line."""
    told = [_Told(one.station, one.number, None, None, one.straight_m) for one in nearby]
    message = astray_message(nearby, asking.language, inside_area=inside_area)
    return _body(asking, position, told, message, within_reach=False)


def _body(
    asking: Asking, position: Position, told: list[_Told], message: str | None, *, within_reach: bool
) -> dict[str, Any]:
    ids = ids_of(asking.snapshot)
    places = points([one.station.lng for one in told], [one.station.lat for one in told])
    shown = []
    for one, place in zip(told, places, strict=True):
        station, minutes = one.station, one.walk_minutes
        said = "" if minutes is None else minutes_text(minutes, asking.language)
        pin = marker(ids[station.code], station.code, station.name, place, said)
        shown.append({"marker": pin, "hit": _hit(asking, one, pin["id"]), "place": place})
    shown = shown[: how_many_fit(shown, MOST_STATION_BYTES)]
    return {
        "markers": [one["marker"] for one in shown],
        "include_points": [*points([position.lng], [position.lat]), *(one["place"] for one in shown)],
        "hits": [one["hit"] for one in shown],
        "within_reach": within_reach,
        "message": message,
        "shown": len(shown),
        "data_notice": snapshot_notice(asking.snapshot, asking.language, KINDS, asking.known_at),
    }


def _hit(asking: Asking, told: _Told, marker_id: int) -> dict[str, Any]:
    """See ``schemas.wx.WxHit``."""
    snapshot, language = asking.snapshot, asking.language
    session = None
    if told.session != NONE:
        session = orjson.Fragment(session_text(snapshot.offer, told.session, language, reachable=True))
    return {
        "marker_id": marker_id,
        "code": told.station.code,
        "name": told.station.name,
        "walk_minutes": told.walk_minutes,
        "walk_m": told.walk_m,
        "straight_m": told.straight_m,
        "state": snapshot.hours.opening(told.number, asking.query.leave_s).state.value,
        "session": session,
        "open_location": open_locations(snapshot)[told.number],
    }
