"""The calendar of holidays that opening hours are read by, and the hours of a station."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import personal
from app.api.deps import LanguageDep, SessionDep
from app.api.described import answers, problems
from app.api.identity import ActorDep
from app.api.language import Language
from app.api.parameters import StationCode, WrittenDay
from app.api.schemas import calendar as schemas
from app.api.summaries import notice_at
from app.geo.opening_hours import TIME_ZONE, OpenState
from app.models.vocabularies import DatasetKind
from app.services import calendar as service
from app.services.calendar import FIRST_YEAR, LAST_YEAR
from app.services.station_hours import Day, hours_of
from app.services.station_table import today

router = APIRouter()
Year = Annotated[int, Path(ge=FIRST_YEAR, le=LAST_YEAR, description="年份 · Year", examples=[2026])]


@router.get(
    "/calendar/{year}",
    tags=["stations"],
    operation_id="getCalendar",
    summary="节假日与调休 · Holidays and make-up workdays",
    response_model=schemas.CalendarOut,
    responses=answers("该年的安排 · The year") | problems(404),
)
def get_calendar(request: Request, session: SessionDep, year: Year) -> Response:
    """开放时间按此判断;未公布的年份 `announced` 为 false · Hours are read by it; `announced` is false until then."""
    return personal(request, schemas.CalendarOut.of(service.get_year(session, year)))


@router.put(
    "/ledger/calendar/{year}",
    tags=["ledger"],
    operation_id="replaceCalendar",
    summary="录入一年的节假日安排 · Enter the holidays of a year",
    response_model=schemas.CalendarOut,
    responses=answers("该年的安排 · The year") | problems(400, 401, 403, 404, 409, 413),
)
def put_calendar(
    request: Request, session: SessionDep, actor: ActorDep, year: Year, asked: schemas.CalendarAsked
) -> Response:
    """整年录入,代替软件自带的安排;市级及以上 · A whole year, in place of what the software knows; for the city."""
    holidays, workdays = asked.parts()
    made = service.replace_year(session, actor, year, asked.version, holidays, workdays, asked.source)
    return personal(request, schemas.CalendarOut.of(made))


@router.get(
    "/stations/{code}/hours",
    tags=["stations"],
    operation_id="getStationHours",
    summary="开放时间,逐日 · Opening hours, day by day",
    response_model=schemas.StationHours,
    responses=answers("开放时间 · Opening hours") | problems(404),
)
def get_hours(
    request: Request,
    session: SessionDep,
    language: LanguageDep,
    code: StationCode,
    first: Annotated[
        WrittenDay | None,
        Query(description="自哪一天起;默认今天 · From which day on; today by default", examples=["2026-10-01"]),
    ] = None,
    days: Annotated[int, Query(ge=1, le=62, description="几天 · How many days", examples=[7])] = 7,
) -> Response:
    """总按北京时间。法定节假日休息(开放时间写明 PH 的除外),调休日照常;未公布的年份为 unknown。

    In the time of Guangzhou, always. Closed on public holidays unless the hours name PH, open on make-up workdays;
    unknown in years that are not announced.
    """
    found = hours_of(session, code, first or today(), days, datetime.now(TIME_ZONE))
    return personal(request, schemas.StationHours(
        code=found.code, name=found.name, time_zone=str(TIME_ZONE), opening_hours=found.opening_hours,
        now=schemas.StateOfStation(state=found.state, until=found.until),
        days=[_day(day, language) for day in found.days],
        data_notice=notice_at(session, language, (DatasetKind.STATIONS,), None),
    ))  # fmt: skip


def _day(day: Day, language: Language) -> schemas.HoursOfDay:
    hours, state = day.hours, OpenState.CLOSED
    if hours.intervals:
        state = OpenState.OPEN
    elif not hours.state_known:
        state = OpenState.UNKNOWN
    return schemas.HoursOfDay(
        date=day.day, weekday=day.day.isoweekday(), kind=day.kind, kind_title=schemas.kind_title(day.kind, language),
        holiday_name=day.holiday_name, state=state, note=day.note,
        intervals=[schemas.Interval(begins=_clock(a), ends=_clock(b)) for a, b in hours.intervals],
    )  # fmt: skip


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
