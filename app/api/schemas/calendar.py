"""Holidays and make-up workdays; opening hours by day."""

from __future__ import annotations

from datetime import date as Day
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api.language import Language
from app.api.schemas.common import Notice, NoticeField
from app.api.schemas.ledger_courses import Version
from app.geo.opening_hours import DayKind, OpenState
from app.services.calendar import Holiday, YearView

Name = Annotated[str, Field(max_length=50, pattern=r"^[^\x00-\x1f\x7f]*$")]


class HolidayOut(BaseModel):
    """A day of a statutory holiday. 法定节假日"""

    model_config = ConfigDict(extra="forbid")

    date: Day = Field(examples=["2026-10-01"])
    name: Name = Field(default="", examples=["国庆节"])


class CalendarAsked(BaseModel):
    """A whole year, as the State Council announced it."""

    model_config = ConfigDict(extra="forbid")

    version: Version | None = Field(
        default=None, description="修改时为读到的版本,新增时不写 · None for a new one", examples=[None]
    )
    holidays: list[HolidayOut] = Field(
        min_length=1, max_length=120, description="放假的每一天 · Every day off",
        examples=[[{"date": "2026-10-01", "name": "国庆节"}]],
    )  # fmt: skip
    workdays: list[Day] = Field(
        max_length=60, description="调休上班的周末 · Weekends worked", examples=[["2026-10-10"]]
    )
    source: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] = Field(
        examples=["国办发明电〔2025〕7号"]
    )

    def parts(self) -> tuple[list[Holiday], list[Day]]:
        return [Holiday(one.date, one.name) for one in self.holidays], self.workdays


class CalendarOut(BaseModel):
    """A year as opening hours are read by it. 节假日安排"""

    year: int = Field(examples=[2026])
    announced: bool = Field(
        description="未公布的年份,开放时间为 unknown · Not announced: hours are unknown", examples=[True]
    )
    source: str | None = Field(description="何处得知 · Where it is from", examples=["chinesecalendar 1.11.0"])
    holidays: list[HolidayOut]
    workdays: list[Day] = Field(description="调休上班 · Weekends worked", examples=[["2026-10-10"]])
    version: int | None = Field(description="由人员录入的版本;库中自带则为 null · Of what was entered", examples=[None])

    @classmethod
    def of(cls, view: YearView) -> CalendarOut:
        return cls(
            year=view.year, announced=view.announced, source=view.source, workdays=sorted(view.workdays),
            holidays=[HolidayOut(date=one.day, name=one.name) for one in view.holidays], version=view.version,
        )  # fmt: skip


class Interval(BaseModel):
    """Local times; 26:00 is two o'clock of the next day."""

    begins: str = Field(examples=["09:00"])
    ends: str = Field(examples=["21:00"])


class HoursOfDay(BaseModel):
    """One day. 一天"""

    date: Day = Field(examples=["2026-11-25"])
    weekday: int = Field(description="1 为星期一 · 1 is Monday", examples=[3])
    kind: DayKind = Field(examples=["workday"])
    kind_title: str = Field(examples=["工作日"])
    holiday_name: str | None = Field(examples=[None])
    state: OpenState = Field(description="open 为当日有开放时间 · open: it opens on that day", examples=["open"])
    intervals: list[Interval]
    note: str | None = Field(description="例外日期的说明 · Of an exceptional day", examples=[None])


class StateOfStation(BaseModel):
    """At this moment. 此刻"""

    state: OpenState = Field(examples=["open"])
    until: datetime | None = Field(examples=["2026-11-25T21:00:00+08:00"])


class StationHours(BaseModel):
    """A station's opening hours, day by day. 开放时间"""

    code: str = Field(examples=["YC440106-001"])
    name: str = Field(examples=["天河南街羊城技能加油站"])
    time_zone: str = Field(examples=["Asia/Shanghai"])
    opening_hours: str | None = Field(examples=["Mo-Fr 09:00-21:00"])
    now: StateOfStation
    days: list[HoursOfDay]
    data_notice: Notice | None = NoticeField


KIND_TITLES = {
    DayKind.WORKDAY: ("工作日", "Workday"), DayKind.WEEKEND: ("周末", "Weekend"),
    DayKind.HOLIDAY: ("法定节假日", "Public holiday"), DayKind.MAKEUP_WORKDAY: ("调休上班", "Make-up workday"),
    DayKind.UNANNOUNCED: ("节假日安排未公布", "Not announced yet"),
}  # fmt: skip


def kind_title(kind: DayKind, language: Language) -> str:
    """What a kind of day is called."""
    return language.pick(*KIND_TITLES[kind])
