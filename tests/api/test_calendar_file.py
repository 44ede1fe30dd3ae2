"""Calendar files: what is in one, letter by letter, and that another program's reader takes it in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import icalendar
from hypothesis import given, settings
from hypothesis import strategies as st

from app import __version__
from app.api.calendar_file import calendar_of
from app.api.language import Language
from app.api.schemas.common import Notice
from app.repositories.offered_courses import CourseFacts, SessionFacts

COURSE = CourseFacts(
    id=7, station_code="S-1", station_name="猎德站", title="焊工;夜校,一班", kind="special", form="evening_school",
    skill="焊工", industry=None, target_groups=[], fee_yuan=Decimal("120.50"), subsidised=True,
    subsidy_note="凭证书申领", seats=20, status="offered", online_url=None, description="自带\n工装",
)  # fmt: skip
SESSION = SessionFacts(
    id=42, course=COURSE, station_address="猎德大道 1 号", lng=113.33, lat=23.12,
    starts_at=datetime(2026, 12, 1, 11, tzinfo=UTC), ends_at=datetime(2026, 12, 1, 13, tzinfo=UTC), teacher="李师傅",
    status="planned", seats=20, taken=3, waiting=0, version=3, updated_at=datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC),
)  # fmt: skip
ONLINE = replace(
    SESSION, id=43, status="cancelled", version=1, teacher=None,
    course=replace(COURSE, form="online", fee_yuan=Decimal(0), subsidised=False, online_url="https://example.org/a?b=1,2",
                   description=None),
)  # fmt: skip
NOTICE = Notice(synthetic=True, message="含合成数据,仅供演示。", datasets=[])

GOLDEN = f"""\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Yangcheng Skills Map//{__version__}//ZH
X-WR-CALDESC:含合成数据\\,仅供演示。\\n只含最近的 2 场。
X-WR-CALNAME:羊城技能加油站:培训场次
BEGIN:VTIMEZONE
TZID:Asia/Shanghai
COMMENT:This timezone only works from 2020-01-01 to 2050-01-01.
BEGIN:STANDARD
DTSTART:20200101T000000
TZNAME:CST
TZOFFSETFROM:+0800
TZOFFSETTO:+0800
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY:焊工\\;夜校\\,一班
DTSTART;TZID=Asia/Shanghai:20261201T190000
DTEND;TZID=Asia/Shanghai:20261201T210000
DTSTAMP:20261125T010203Z
UID:42@session.yangcheng-skills-map
SEQUENCE:2
DESCRIPTION:学费 120.5 元\\n可申领补贴:凭证书申领\\n讲师:李师傅\\n自带\\n工装\\n含合成数据\\,仅供演示。
GEO:23.12;113.33
LAST-MODIFIED:20261125T010203Z
LOCATION:猎德站\\,猎德大道 1 号
STATUS:CONFIRMED
END:VEVENT
BEGIN:VEVENT
SUMMARY:焊工\\;夜校\\,一班
DTSTART;TZID=Asia/Shanghai:20261201T190000
DTEND;TZID=Asia/Shanghai:20261201T210000
DTSTAMP:20261125T010203Z
UID:43@session.yangcheng-skills-map
SEQUENCE:0
DESCRIPTION:免费\\n含合成数据\\,仅供演示。
LAST-MODIFIED:20261125T010203Z
STATUS:CANCELLED
URL:https://example.org/a?b=1,2
END:VEVENT
END:VCALENDAR
"""


def unfolded(content: bytes) -> str:
    """The lines of RFC 5545, section 3.1, put together again."""
    assert content.endswith(b"\r\n") and b"\n" not in content.replace(b"\r\n", b"")
    return content.replace(b"\r\n ", b"").replace(b"\r\n", b"\n").decode()


def test_a_calendar_is_letter_by_letter_this() -> None:
    assert unfolded(calendar_of([SESSION, ONLINE], Language.ZH, NOTICE, is_cut=True)) == GOLDEN


def test_in_english_and_of_real_data() -> None:
    text = unfolded(calendar_of([SESSION], Language.EN))
    assert (
        "DESCRIPTION:Fee 120.5 yuan\\nSubsidised: 凭证书申领\\nTeacher: 李师傅" in text and "X-WR-CALDESC" not in text
    )


PEOPLES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120).map(
    lambda said: said.strip() or "-"
)


@settings(max_examples=60, deadline=None)
@given(title=PEOPLES, address=PEOPLES, note=PEOPLES)
def test_whatever_people_wrote_is_read_back(title: str, address: str, note: str) -> None:
    one = replace(SESSION, station_address=address, course=replace(COURSE, title=title, description=note))
    content = calendar_of([one], Language.ZH, NOTICE)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))  # octets
    (event,) = icalendar.Calendar.from_ical(content).walk("VEVENT")
    assert str(event["SUMMARY"]) == title and str(event["LOCATION"]) == f"猎德站,{address}"
    assert note in str(event["DESCRIPTION"])
    assert event.decoded("DTSTART") == SESSION.starts_at and event["DTSTART"].params["TZID"] == "Asia/Shanghai"
