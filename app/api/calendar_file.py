"""Sessions as a calendar that phones and desks can take in (RFC 5545)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from icalendar import Calendar, Event, vGeo, vText

from app import __version__
from app.api.language import Language
from app.api.schemas.common import Notice
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import CourseForm, SessionStatus
from app.repositories.offered_courses import SessionFacts

MEDIA_TYPE = "text/calendar; charset=utf-8"
UID_SUFFIX = "session.yangcheng-skills-map"
FIRST_DAY, LAST_DAY = date(2020, 1, 1), date(2050, 1, 1)  # for which the time zone is written out: one offset, no more


def calendar_of(
    sessions: Sequence[SessionFacts], language: Language, notice: Notice | None = None, *, is_cut: bool = False
) -> bytes:
    """The sessions as events, times in Asia/Shanghai with its definition. ``is_cut``: there are more than these.

    ``notice`` is said of every event: in a calendar they stand among others, far from what was answered beside them.
    """
    calendar = Calendar()
    calendar.add("prodid", f"-//Yangcheng Skills Map//{__version__}//ZH")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", vText(language.pick("羊城技能加油站:培训场次", "Yangcheng skills stations: sessions")))
    said = [] if notice is None else [notice.message]
    if is_cut:
        said.append(language.pick(f"只含最近的 {len(sessions)} 场。", f"Only the next {len(sessions)} sessions."))
    if said:
        calendar.add("x-wr-caldesc", vText("\n".join(said)))  # a plain one would go out unescaped
    for one in sessions:
        calendar.add_component(_event(one, language, notice))
    calendar.add_missing_timezones(first_date=FIRST_DAY, last_date=LAST_DAY)
    content: bytes = calendar.to_ical()
    return content


def _event(one: SessionFacts, language: Language, notice: Notice | None) -> Event:
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
    event.add("description", _description(one, language, notice))
    if course.form == CourseForm.ONLINE:
        if course.online_url:
            event.add("url", course.online_url)
    else:
        place = course.station_name if one.station_address is None else f"{course.station_name},{one.station_address}"
        event.add("location", vText(place))
        event.add("geo", vGeo((round(one.lat, 6), round(one.lng, 6))))
    return event


def _description(one: SessionFacts, language: Language, notice: Notice | None) -> str:
    course = one.course
    fee = float(course.fee_yuan)
    said = [
        language.pick("免费", "Free") if fee == 0 else language.pick(f"学费 {fee:g} 元", f"Fee {fee:g} yuan"),
        *([_subsidy(course.subsidy_note, language)] if course.subsidised else []),
        *([language.pick(f"讲师:{one.teacher}", f"Teacher: {one.teacher}")] if one.teacher else []),
        *([course.description] if course.description else []),
        *([notice.message] if notice is not None else []),
    ]
    return "\n".join(said)


def _subsidy(note: str | None, language: Language) -> str:
    said = language.pick("可申领补贴", "Subsidised")
    return said if note is None else language.pick(f"{said}:{note}", f"{said}: {note}")
