"""From the body of a scenario to the question of the service. All faults of all changes are told at once."""

from __future__ import annotations

from dataclasses import replace

import opening_hours

from app.api.schemas.scenarios import ScenarioChange, ScenarioQuestion
from app.errors import DomainError, ErrorItem, InvalidInput
from app.geo.opening_hours import TIME_ZONE
from app.models.vocabularies import StationType
from app.services.coverage import CoverageQuery
from app.services.positions import Position, position_in, read_crs
from app.services.profiles import resolve_profile
from app.services.scenario_changes import ChangeKind, Proposed
from app.services.scenarios import ScenarioQuery
from app.services.station_table import today

NEEDED: dict[ChangeKind, tuple[str, ...]] = {
    ChangeKind.ADD: ("lng", "lat"),
    ChangeKind.MOVE: ("code", "lng", "lat"),
    ChangeKind.CLOSE: ("code",),
    ChangeKind.HOURS: ("code", "opening_hours"),
}
ALLOWED: dict[ChangeKind, tuple[str, ...]] = {**NEEDED, ChangeKind.ADD: ("lng", "lat", "name", "type", "opening_hours")}
FIELDS = ("code", "name", "type", "lng", "lat", "opening_hours")


def query_of(asked: ScenarioQuestion) -> ScenarioQuery:
    """What coverage is asked for. Raises InvalidInput for a speed or minutes out of range."""
    day = asked.as_of or (today() if asked.open_at is None else asked.open_at.astimezone(TIME_ZONE).date())
    types = tuple(sorted({one.value for one in asked.station_type}))
    coverage = CoverageQuery(resolve_profile(asked.profile, asked.speed_kmh), day, asked.minutes, types)
    return ScenarioQuery(coverage, asked.open_at)


def changes_of(asked: ScenarioQuestion) -> list[Proposed]:
    """The changes. Raises CrsRequired, CoordinateInvalid for the system; InvalidInput with every fault of every one."""
    if any(one.lng is not None or one.lat is not None for one in asked.changes):
        read_crs(asked.crs)
    items: list[ErrorItem] = []
    made = [_read(k, one, asked.crs, items) for k, one in enumerate(asked.changes)]
    if items:
        raise InvalidInput("方案中的改变写得不对。", "The changes of the scenario are not right.", errors=items)
    return made


def _read(k: int, one: ScenarioChange, crs: str | None, items: list[ErrorItem]) -> Proposed:
    needed, allowed = NEEDED[one.kind], ALLOWED[one.kind]
    for name in FIELDS:
        value = getattr(one, name)
        if value is None and name in needed:
            items.append(
                ErrorItem(
                    f"changes[{k}].{name}", "缺少", "is missing",
                    remedy_zh=f"{one.kind.value} 须有 {'、'.join(needed)}",
                    remedy_en=f"{one.kind.value} needs {', '.join(needed)}",
                )
            )  # fmt: skip
        elif value is not None and name not in allowed:
            items.append(
                ErrorItem(
                    f"changes[{k}].{name}", f"{one.kind.value} 没有此项", f"does not belong to {one.kind.value}",
                    value=str(value), remedy_zh="去掉此项", remedy_en="leave it out",
                )
            )  # fmt: skip
    if one.opening_hours is not None and not opening_hours.validate(one.opening_hours):
        items.append(
            ErrorItem(
                f"changes[{k}].opening_hours", "不是开放时间的写法", "is not in the form of opening hours",
                value=one.opening_hours, remedy_zh="如 Mo-Fr 09:00-17:00; Sa 09:00-12:00",
                remedy_en="such as Mo-Fr 09:00-17:00; Sa 09:00-12:00",
            )
        )  # fmt: skip
    kind = one.type.value if one.type is not None else StationType.COMMUNITY.value
    return Proposed(one.kind, one.code, one.name, kind, _position(k, one, crs, items), one.opening_hours)


def _position(k: int, one: ScenarioChange, crs: str | None, items: list[ErrorItem]) -> Position | None:
    if one.lng is None or one.lat is None:
        return None
    try:
        return position_in(one.lng, one.lat, read_crs(crs))
    except DomainError as wrong:
        items.extend(replace(item, field=f"changes[{k}].{item.field}") for item in wrong.errors)
        return None
