"""The answer to the call that every resident makes, written without models: see ``schemas.nearest.NearestStations``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import orjson

from app.api.answers import encode
from app.api.language import Language
from app.api.method import profile_json
from app.api.offer_texts import Upcoming, moment_text, online_courses, session_text
from app.api.summaries import open_locations, snapshot_notice, station_summaries
from app.geo.crs import Crs, point_from_wgs84
from app.geo.opening_hours import OpenState
from app.geo.timetable import NONE
from app.models.vocabularies import DatasetKind
from app.services.astray import Nearby
from app.services.hours_at import Opening
from app.services.nearest import NearestAnswer, NearestHit, NearestQuery, Ready, SnapEvidence
from app.services.profiles import WalkingProfile
from app.services.snapshot import Snapshot
from app.services.uncertain_position import Uncertainty

KINDS = (DatasetKind.STATIONS, DatasetKind.NETWORK, DatasetKind.BOUNDARIES)
NULL = b"null"
MOST_RESTS = 1000  # some 1 KB each


class Asking(NamedTuple):
    """What an answer is written for: the coordinate system and the language of the reader, the moment known."""

    snapshot: Snapshot
    query: NearestQuery
    crs: Crs
    language: Language
    known_at: datetime | None = None


@dataclass(frozen=True)
class Written:
    """What an answer says of stations (by number) and data, written once per snapshot, language and system."""

    before: list[bytes]  # of a hit's numbers: the station's summary
    after: list[bytes]  # the argument of wx.openLocation
    notice: bytes
    hours: dict[int, tuple[int, int, bytes]]  # station -> from when, until when, what is said meanwhile

    @classmethod
    def of(cls, snapshot: Snapshot, language: Language, crs: Crs) -> Written:
        def write() -> Written:
            notice = snapshot_notice(snapshot, language, KINDS)
            return cls(
                [b'{"station":' + orjson.dumps(text) for text in station_summaries(snapshot, language, crs)],
                [b',"open_location":' + orjson.dumps(text) + b"}" for text in open_locations(snapshot)],
                b"null" if notice is None else encode(notice),
                snapshot.hours.said,
            )

        return snapshot.masks.get(("nearest texts", language, crs), write)


@dataclass(frozen=True)
class Sheet:
    """What all answers to one question have in common, written once in a language and a system of coordinates.

    ``rests`` holds by station and session what follows the walk, for who leaves at a moment or later and arrives before
    another.
    """

    head: bytes
    tail: bytes
    written: Written
    upcoming: Upcoming
    asking: Asking
    rests: dict[tuple[int, int], tuple[int, int, bytes]]

    @classmethod
    def of(cls, asking: Asking, ready: Ready) -> Sheet:
        """Kept with what the question comes to."""
        key = asking[2:]
        held: Sheet | None = ready.texts.get(key)
        if held is None:
            held = ready.texts[key] = cls._made(asking)
        return held

    @classmethod
    def _made(cls, asking: Asking) -> Sheet:
        snapshot, query, crs, language, known_at = asking
        written, course = Written.of(snapshot, language, crs), query.wanted.course
        at, order = moment_text(query.leave_s), query.order.value
        head = f'{{"crs":"{crs.value}","day":"{query.day.isoformat()}","at":"{at}","order":"{order}",'
        return cls(
            head.encode(),
            b',"profile":%b,"data_notice":%b}' % (_profile(query.profile), _notice(asking, written)),
            written,
            Upcoming.of(snapshot, course, language),
            asking,
            {} if known_at else snapshot.masks.get(("rests", course, language, snapshot.offer.seats.version), dict),
        )

    @cached_property
    def online(self) -> bytes:
        """Online courses that fit."""
        snapshot, query, _, language, known_at = self.asking
        return b"[]" if known_at else online_courses(snapshot, query.wanted.course, query.leave_s, language)

    @cached_property
    def nothing(self) -> str:
        """What to say where there is no hit."""
        return nothing_within(self.asking.query, self.asking.language)


# written by hand: this is the call that all residents make, and orjson takes a third longer for the same bytes
BODY = (
    b'%b"hits":[%b],"beyond":%b,"nearby":[],"online":%b,"message":%b,"hint":%b,"accuracy":%b,"inside_area":%b,'
    b'"searched_m":%a,"snap":%b%b'
)
SNAP = b'{"snap_m":%a,"edge_id":%d,"component":%d,"lng":%a,"lat":%a}'
HIT = b'%b,"walk_minutes":%a,"walk_seconds":%d,"walk_m":%a,"straight_m":%a,"detour":%a%b'
HIT_HERE = HIT.replace(b"%a%b", b"null%b")  # right at the position there is no detour
REST = b',"hours":%b,"session":%b,"sessions":%b%b'


def body_of(
    asking: Asking, answer: NearestAnswer, *, uncertainty: Uncertainty | None = None, hint: Crs | None = None
) -> bytes:
    """The answer as it is sent."""
    crs, language = asking.crs, asking.language
    sheet, online, message = Sheet.of(asking, answer.ready), b"[]", None
    if not answer.hits:
        online = sheet.online
    if not answer.hits or not answer.inside_area:
        message = message_of(answer, sheet.nothing, language, online=online != b"[]")
    return BODY % (
        sheet.head,
        b",".join([_hit(asking, sheet, hit) for hit in answer.hits]),
        NULL if answer.beyond is None else _hit(asking, sheet, answer.beyond),
        online,
        NULL if message is None else orjson.dumps(message),
        NULL if hint is None else orjson.dumps(_hint(hint, language)),
        NULL if uncertainty is None else orjson.dumps(_accuracy(uncertainty)),
        b"true" if answer.inside_area else b"false",
        answer.searched_m,
        _snap(answer.snap, crs),
        sheet.tail,
    )


def astray_body(asking: Asking, nearby: list[Nearby], *, inside_area: bool, hint: Crs | None) -> bytes:
    """The answer to a position that no street is known near."""
    snapshot, query, crs, language, _ = asking
    written, summaries, locations = (
        Written.of(snapshot, language, crs), station_summaries(snapshot, language, crs), open_locations(snapshot)
    )  # fmt: skip
    return orjson.dumps({
        "crs": crs.value, "day": query.day, "at": moment_text(query.leave_s), "order": query.order.value,
        "hits": [],
        "beyond": None,
        "nearby": [
            {
                "station": summaries[one.number], "straight_m": one.straight_m,
                "open_location": locations[one.number],
            }
            for one in nearby
        ],
        "online": orjson.Fragment(online_courses(snapshot, query.wanted.course, query.leave_s, language)),
        "message": astray_message(nearby, asking.language, inside_area=inside_area),
        "hint": None if hint is None else _hint(hint, asking.language),
        "accuracy": None,
        "inside_area": inside_area,
        "searched_m": 0.0,
        "snap": None,
        "profile": orjson.Fragment(_profile(query.profile)),
        "data_notice": orjson.Fragment(_notice(asking, written)),
    })  # fmt: skip


def _snap(snap: SnapEvidence, crs: Crs) -> bytes:
    """The same as ``snap_json``, written."""
    snap_m, edge_id, component, x, y = snap
    if crs is not Crs.WGS84:
        x, y = point_from_wgs84(x, y, crs)
        x, y = round(x, 6), round(y, 6)
    return SNAP % (snap_m, edge_id, component, x, y)


def snap_json(snap: SnapEvidence, crs: Crs) -> dict[str, Any]:
    """How a position was attached to the streets; see ``schemas.common.Snap``."""
    lng, lat = point_from_wgs84(snap.lng, snap.lat, crs)
    return {
        "snap_m": snap.snap_m,
        "edge_id": snap.edge_id,
        "component": snap.component,
        "lng": round(lng, 6),
        "lat": round(lat, 6),
    }


def _hit(asking: Asking, sheet: Sheet, hit: NearestHit) -> bytes:
    _, walk_seconds, walk_m, straight_m, number, session = hit
    leave_s, detour = asking.query.leave_s, hit.detour
    arrival_s = leave_s + walk_seconds
    held = sheet.rests.get((number, session))
    if held is None or leave_s < held[0] or arrival_s >= held[1]:
        rest = _rest(asking, sheet, hit, arrival_s)
    else:
        rest = held[2]
    walk = sheet.written.before[number], hit.walk_minutes, walk_seconds, walk_m, straight_m
    return HIT_HERE % (*walk, rest) if detour is None else HIT % (*walk, detour, rest)


def _rest(asking: Asking, sheet: Sheet, hit: NearestHit, arrival_s: int) -> bytes:
    """What follows the walk; kept where it holds for all who leave and arrive before something changes."""
    snapshot, leave_s, number = asking.snapshot, asking.query.leave_s, hit.number
    hours = sheet.written.hours.get(number)
    if hours is None or leave_s < hours[0] or arrival_s >= hours[1]:
        hours = _hours(snapshot, number, leave_s, arrival_s)
    if asking.known_at is not None:
        return REST % (hours[2], NULL, b"[]", sheet.written.after[number])
    coming, session = sheet.upcoming.at(number, leave_s), NULL
    if hit.session != NONE:
        session = session_text(snapshot.offer, hit.session, asking.language, reachable=True)
    rest = REST % (hours[2], session, coming.text(arrival_s), sheet.written.after[number])
    if arrival_s < hours[1] and arrival_s <= coming.first_s:
        if len(sheet.rests) >= MOST_RESTS:
            sheet.rests.clear()  # of sessions that are over
        sheet.rests[number, hit.session] = leave_s, min(hours[1], coming.first_s + 1), rest
    return rest


def _hours(snapshot: Snapshot, station: int, leave_s: int, arrival_s: int) -> tuple[int, int, bytes]:
    """What is said of a station's hours, kept where it holds for all who leave and arrive before the next change."""
    begins_s, ends_s, now = snapshot.hours.stretch(station, leave_s)
    if arrival_s < ends_s:
        held = snapshot.hours.said[station] = begins_s, ends_s, _hours_text(now, now.state)
        return held
    return leave_s, arrival_s, _hours_text(now, snapshot.hours.opening(station, arrival_s).state)


@lru_cache(maxsize=4096)
def _hours_text(now: Opening, then: OpenState) -> bytes:
    until = None if now.until_s is None else moment_text(now.until_s)
    return orjson.dumps({"state": now.state.value, "until": until, "on_arrival": then.value})


def _accuracy(uncertainty: Uncertainty) -> dict[str, Any]:
    return {
        "accuracy_m": uncertainty.accuracy_m, "first_may_change": uncertainty.first_may_change,
        "could_be": uncertainty.could_be, "walk_seconds": uncertainty.walk_seconds, "sampled": uncertainty.sampled,
        "spacing_m": uncertainty.spacing_m,
    }  # fmt: skip


def _hint(crs: Crs, language: Language) -> dict[str, str]:
    zh, en = crs.title_zh, crs.title_en
    said = language.pick(
        f"该位置附近没有街道,但若坐标是 {zh}({crs.value}),就正在街边:请检查 crs。",
        f"No street is near this position; read as {en} ({crs.value}) it lies right beside one: check crs.",
    )
    return {"crs": crs.value, "message": said}


def _notice(asking: Asking, written: Written) -> bytes:
    if asking.known_at is None:
        return written.notice
    said = snapshot_notice(asking.snapshot, asking.language, KINDS, asking.known_at)
    return NULL if said is None else encode(said)


@lru_cache(maxsize=64)
def _profile(profile: WalkingProfile) -> bytes:
    return encode(profile_json(profile))


def message_of(answer: NearestAnswer, nothing: str, language: Language, *, online: bool) -> str | None:
    """What the reader should be told in plain words (``nothing`` without a hit); None where hits say it all."""
    said: list[str] = []
    if not answer.inside_area:
        said.append(language.pick("该位置在已载入的区域之外。", "This position is outside the areas that are loaded."))
    if not answer.hits:
        said.append(nothing)
        if answer.beyond is None:
            said.append(language.pick("步行也到不了更远的站点。", "None farther away can be walked to either."))
        else:
            name, far = answer.beyond.station.name, f"{answer.beyond.walk_minutes:.0f}"
            said.append(
                language.pick(
                    f"最近的是{name},步行约 {far} 分钟。", f"The nearest is {name}, about {far} minutes on foot."
                )
            )
        if online:
            said.append(language.pick("另有线上课程可选。", "There are online courses, too."))
    return language.pick("", " ").join(said) or None


def nothing_within(query: NearestQuery, language: Language) -> str:
    minutes, wanted = f"{query.max_minutes:g}", query.wanted
    if wanted.session_until_s is not None:
        return language.pick(
            f"步行 {minutes} 分钟内没有赶得上且有余位的合适场次。",
            f"No fitting session with a seat can be reached in time within {minutes} minutes' walk.",
        )
    is_plain = wanted.course.is_any and wanted.open_at_s is None and not wanted.host_kinds and not wanted.accessible
    if is_plain:
        return language.pick(
            f"步行 {minutes} 分钟内没有开放的站点。", f"No open station within {minutes} minutes' walk."
        )
    return language.pick(
        f"步行 {minutes} 分钟内没有符合条件的站点。", f"No station that fits within {minutes} minutes' walk."
    )


def astray_message(nearby: list[Nearby], language: Language, *, inside_area: bool) -> str:
    """What to tell a reader whose position no street is known near."""
    where = (
        language.pick(
            "该位置附近没有已知的街道,无法计算步行时间。", "No street is known near this position: no walk can be told."
        )
        if inside_area
        else language.pick(
            "该位置在已载入的区域之外,附近没有已知的街道,无法计算步行时间。",
            "This position is outside the areas that are loaded, and no street is known near it: no walk can be told.",
        )
    )
    if not nearby:
        return where + language.pick("没有符合条件的站点。", " No station fits.")
    name, far_km = nearby[0].station.name, f"{nearby[0].straight_m / 1e3:.1f}"
    return where + language.pick(
        f"区域内直线距离最近的是{name},约 {far_km} 公里。",
        f" The nearest in a straight line is {name}, {far_km} km away.",
    )
