"""What the parts of supervision have in common: the station, the version, the place that a list asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, InvalidInput, NotFound, StaleVersion
from app.models.vocabularies import AreaLevel
from app.repositories.context import ledger_moment
from app.repositories.quality_places import Place
from app.repositories.stations import StationRow, get_station, station_codes
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.station_reads import check_area
from app.services.suggestions import unknown_code

FIRST_DAY = date(2025, 1, 1)  # the plan is of 2025


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


def begin(session: Session, actor: Actor, reason: str | None = None) -> None:
    """From here on ``actor`` writes, and nobody else does: what is found to be so stays so until the end."""
    act_as(session, actor, reason=reason)
    ledger_moment(session)


def any_station(session: Session, code: str, field: str = "station") -> StationRow:
    """A station, whoever asks. Raises NotFound with codes that look like it."""
    row = get_station(session, code)
    if row is None:
        item = unknown_code(
            field, code, station_codes(session), "站点", "station", "用 /v1/stations?q= 查找",
            "look with /v1/stations?q=",
        )  # fmt: skip
        raise NotFound(f"没有编号为 {code} 的站点。", f"There is no station {code}.", errors=[item])
    return row


def station_of(session: Session, actor: Actor, code: str, field: str = "station") -> StationRow:
    """A station in the actor's scope. Raises NotFound, OutOfScope."""
    row = any_station(session, code, field)
    actor.require_area(row.district_code, row.town_code, field=field, value=code)
    return row


def check_place(session: Session, actor: Actor, place: Place) -> None:
    """Raises NotFound or OutOfScope for the station that a list asks for, InvalidInput for unknown areas."""
    if place.station_code is not None:
        station_of(session, actor, place.station_code)
    for field, level, code in (
        ("district", AreaLevel.DISTRICT, place.district_code),
        ("town", AreaLevel.TOWN, place.town_code),
    ):
        if code is not None:
            check_area(session, field, level, code)


def check_version(held: Versioned, version: int, values: Mapping[str, Any]) -> None:
    """Raises StaleVersion, naming what of ``values`` differs, unless ``version`` is the one that is there."""
    if held.version == version:
        return
    names = [name for name, value in values.items() if getattr(held, name) != value] or ["version"]
    raise StaleVersion(
        "您读取之后,他人已修改,未写入。请重新读取后再改。",
        "Somebody else has changed it since you read it; nothing was written. Read it anew.",
        errors=[
            ErrorItem(
                name, f"现为“{getattr(held, name)}”", f"is now {getattr(held, name)!r}",
                value=str(values.get(name, version)),
                remedy_zh=f"当前版本为 {held.version}", remedy_en=f"the current version is {held.version}",
            )
            for name in names
        ],
    )  # fmt: skip


def check_days(field: str, day: date, first: date, last: date) -> None:
    """Raises InvalidInput for a day before ``first`` or after ``last``."""
    if first <= day <= last:
        return
    item = ErrorItem(
        field, "日期不在可用范围内", "is not within the days that are possible", value=day.isoformat(),
        remedy_zh=f"须在 {first} 至 {last} 之间", remedy_en=f"it must be from {first} to {last}",
    )  # fmt: skip
    raise InvalidInput("日期有误。", "A date is wrong.", errors=[item])


def not_now(field: str, state_zh: str, state_en: str, remedy_zh: str, remedy_en: str) -> Conflict:
    """The refusal of a step that the state of something does not allow."""
    item = ErrorItem(
        field, f"当前为“{state_zh}”", f"is {state_en} now", value=state_en, remedy_zh=remedy_zh, remedy_en=remedy_en
    )
    return Conflict(
        f"当前状态“{state_zh}”下不能这样做。", f"That cannot be done while it is {state_en}.", errors=[item]
    )


def working_days_after(day: date, count: int) -> date:
    """The day that is ``count`` working days (Monday to Friday; holidays are not looked at) after ``day``."""
    while count > 0:
        day += timedelta(days=1)
        if day.weekday() < 5:
            count -= 1
    return day
