"""Sessions as a calendar that phones and desks can take in (RFC 5545)."""

from __future__ import annotations

from collections.abc import Sequence

from icalendar import Calendar, Event, vGeo, vText

from app import __version__
from app.api.language import Language
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import CourseForm, SessionStatus
from app.repositories.offered_courses import SessionFacts

MEDIA_TYPE = "text/calendar; charset=utf-8"
UID_SUFFIX = "session.yangcheng-skills-map"


def calendar_of(sessions: Sequence[SessionFacts], language: Language, *, is_cut: bool = False) -> bytes:
    """The sessions as events, times in Asia/Shanghai with its definition. ``is_cut``: there are more than these."""
    calendar = Calendar()
    calendar.add("prodid", f"-//Yangcheng Skills Map//{__version__}//ZH")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", language.pick("羊城技能加油站:培训场次", "Yangcheng skills stations: sessions"))
    if is_cut:
        said = language.pick(f"只含最近的 {len(sessions)} 场。", f"Only the next {len(sessions)} sessions.")
        calendar.add("x-wr-caldesc", said)
    for one in sessions:
        calendar.add_component(_event(one, language))
    calendar.add_missing_timezones()
    content: bytes = calendar.to_ical()
    return content


def _event(one: SessionFacts, language: Language) -> Event:
    event, course = Event(), one.course
    event.add("uid", f"{one.id}@{UID_SUFFIX}")
    event.add("dtstamp", one.updated_at)
    event.add("last-modified", one.updated_at)
    event.add("sequence", one.version - 1)
    event.add("summary", course.title)
    event.add("dtstart", one.starts_at.astimezone(TIME_ZONE))
    event.add("dtend", one.ends_at.astimezone(TIME_ZONE))
    is_off = one.status == SessionStatus.CANCELLED
    event.add("status", "CANCELLED" if is_off else "CONFIRMED")
    event.add("description", _description(one, language))
    if course.form == CourseForm.ONLINE:
        if course.online_url:
            event.add("url", course.online_url)
    else:
        place = course.station_name if one.station_address is None else f"{course.station_name},{one.station_address}"
        event.add("location", vText(place))
        event.add("geo", vGeo((round(one.lat, 6), round(one.lng, 6))))
    return event


def _description(one: SessionFacts, language: Language) -> str:
    course = one.course
    fee = float(course.fee_yuan)
    said = [
        language.pick("免费", "Free") if fee == 0 else language.pick(f"学费 {fee:g} 元", f"Fee {fee:g} yuan"),
        *([language.pick("可申领补贴", "Subsidised")] if course.subsidised else []),
        *([language.pick(f"讲师:{one.teacher}", f"Teacher: {one.teacher}")] if one.teacher else []),
        *([course.description] if course.description else []),
    ]
    return "\n".join(said)
