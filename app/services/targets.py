"""Targets by area: read by everybody for cities and districts, set by city officers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, InvalidInput, NotFound, StaleVersion
from app.models.vocabularies import AreaLevel, Role, TargetMeasure
from app.repositories import areas as area_repo
from app.repositories import targets as repo
from app.repositories.context import ledger_moment
from app.repositories.progress import TreeArea, area_tree
from app.repositories.targets import Position, TargetRow, TargetSum
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.plan import default_due
from app.services.suggestions import unknown_code


@dataclass(frozen=True)
class NewTarget:
    """A target to be set. Without ``due_on`` it is due at the end of the year, or of the selection of its batch."""

    year: int
    area_code: str
    measure: TargetMeasure
    value: int
    due_on: date | None = None
    note: str | None = None


@dataclass(frozen=True)
class TargetChange:
    """A target as it shall be; ``version`` is the one that was read. Area and measure stay."""

    value: int
    due_on: date
    note: str | None
    version: int


@dataclass(frozen=True)
class TargetView:
    """A target and the name of its area, None where its boundary is no longer loaded."""

    row: TargetRow
    area_name: str | None


@dataclass(frozen=True)
class SumView:
    """A target beside the sum of those below; ``difference`` is that sum less the target."""

    row: TargetSum
    area_name: str | None

    @property
    def difference(self) -> int | None:
        return None if self.row.value is None else self.row.parts_value - self.row.value


def list_targets(
    session: Session, actor: Actor | None, *, area_code: str | None, measure: TargetMeasure | None, year: int | None,
    retired: bool, after: Position | None, limit: int,
) -> list[TargetView]:  # fmt: skip
    """Targets by area, measure and day: of cities and districts, and of the towns in the actor's scope.

    ``area_code``: of this area and those inside. Raises InvalidInput for an area that there is not.
    """
    codes = None if area_code is None else [area.code for area in inside(area_tree(session), area_code, "area")]
    rows = repo.list_targets(
        session, actor.scope if actor else None, area_codes=codes, measure=measure.value if measure else None,
        year=year, retired=retired, after=after, limit=limit,
    )  # fmt: skip
    return _views(session, rows)


def get_target(session: Session, actor: Actor | None, target_id: int) -> TargetView:
    """One target. Raises NotFound, also for a town's that the actor may not see."""
    row = repo.get_target(session, target_id)
    if row is not None:
        visible = repo.list_targets(session, actor.scope if actor else None, area_codes=[row.area_code], retired=True)
        if row in visible:
            return _views(session, [row])[0]
    raise NotFound(f"没有编号为 {target_id} 的目标。", f"There is no target {target_id}.")


def sums(session: Session, actor: Actor | None, *, area_code: str | None) -> list[SumView]:
    """Every target beside the sum of those below it: shown, never forced to agree."""
    parents = None if area_code is None else [area.code for area in inside(area_tree(session), area_code, "area")]
    rows = repo.sums_below(session, actor.scope if actor else None, parents)
    names = area_repo.names_of_codes(session, {row.area_code for row in rows}) if rows else {}
    return [SumView(row, names.get(row.area_code)) for row in rows]


def add_target(session: Session, actor: Actor, new: NewTarget, *, reason: str | None = None) -> TargetView:
    """Set a target. Raises Forbidden below the city's officers, OutOfScope; Conflict where one is in force."""
    actor.require(Role.CITY_OFFICER, write=True)
    _require_area(session, actor, new.area_code, new.measure)
    due_on = new.due_on or default_due(new.measure, new.year)
    if due_on.year != new.year:
        item = ErrorItem(
            "due_on", "不在目标年度之内", "is not in the target's year", value=due_on.isoformat(),
            remedy_zh=f"写 {new.year} 年的日期,或去掉 due_on", remedy_en=f"a day of {new.year}, or leave it out",
        )  # fmt: skip
        raise InvalidInput("目标日期有误。", "The day is wrong.", errors=[item])
    act_as(session, actor, reason=reason)
    ledger_moment(session)  # one writer at a time: what is free now will be
    _check_free(session, new.area_code, new.measure.value, due_on, None)
    values = {
        "year": new.year, "area_code": new.area_code, "measure": new.measure.value, "value": new.value,
        "due_on": due_on, "note": new.note,
    }  # fmt: skip
    return _there(session, repo.insert_target(session, values))


def change_target(
    session: Session, actor: Actor, target_id: int, change: TargetChange, *, reason: str | None = None
) -> TargetView:
    """Change a target; a share that the software had made becomes one that somebody set.

    Raises Forbidden, NotFound, OutOfScope, StaleVersion; Conflict for a retired one or a day that is taken.
    """
    actor.require(Role.CITY_OFFICER, write=True)
    act_as(session, actor, reason=reason)
    ledger_moment(session)
    held = _held(session, actor, target_id)
    values = {"value": change.value, "due_on": change.due_on, "year": change.due_on.year, "note": change.note}
    _check_version(held, change.version, values)
    if held.is_retired:
        raise Conflict("该目标已停用,不能修改。请另设目标。", "This target is retired. Set a new one.")
    _check_free(session, held.area_code, held.measure, change.due_on, target_id)
    if any(getattr(held, name) != value for name, value in values.items()):
        repo.update_target(session, target_id, {**values, "synthetic": False})
    return _there(session, target_id)


def retire_target(
    session: Session, actor: Actor, target_id: int, version: int, *, reason: str | None = None
) -> TargetView:
    """Let a target no longer hold; it stays on record. Retired again, it stays as it is."""
    actor.require(Role.CITY_OFFICER, write=True)
    act_as(session, actor, reason=reason)
    ledger_moment(session)
    held = _held(session, actor, target_id)
    if not held.is_retired:
        _check_version(held, version, {"is_retired": True})
        repo.update_target(session, target_id, {"is_retired": True})
    return _there(session, target_id)


def inside(tree: list[TreeArea], code: str, field: str) -> list[TreeArea]:
    """An area and all areas inside. Raises InvalidInput for a code that there is not."""
    known = {area.code: area for area in tree}
    if code not in known:
        item = unknown_code(
            field, code, list(known), "区划", "area", "全部代码见 /v1/areas", "all codes are at /v1/areas"
        )
        raise InvalidInput(f"没有代码为 {code} 的区划。", f"There is no area {code}.", errors=[item])
    held = {code}
    for level in (AreaLevel.DISTRICT, AreaLevel.TOWN):  # top down
        held |= {area.code for area in tree if area.level == level.value and area.parent_code in held}
    return [area for area in tree if area.code in held]


def _require_area(session: Session, actor: Actor, code: str, measure: TargetMeasure) -> None:
    area = inside(area_tree(session), code, "area_code")
    (own,) = (one for one in area if one.code == code)
    _require_scope(actor, own)
    if own.level == AreaLevel.TOWN.value and measure is TargetMeasure.DISTRICTS_COVERED:
        item = ErrorItem(
            "measure", "不适用于镇街", "is not a measure of towns", value=measure.value,
            remedy_zh="只为市或区设定", remedy_en="set it for a city or a district",
        )  # fmt: skip
        raise InvalidInput("镇街没有此项目标。", "Towns have no such target.", errors=[item])


def _require_scope(actor: Actor, area: TreeArea) -> None:
    level = AreaLevel(area.level)
    district = area.code if level is AreaLevel.DISTRICT else area.parent_code if level is AreaLevel.TOWN else None
    town = area.code if level is AreaLevel.TOWN else None
    actor.require_area(district, town, field="area_code", value=area.code)


def _held(session: Session, actor: Actor, target_id: int) -> TargetRow:
    row = repo.get_target(session, target_id)
    if row is None:
        raise NotFound(f"没有编号为 {target_id} 的目标。", f"There is no target {target_id}.")
    known = {area.code: area for area in area_tree(session)}
    _require_scope(actor, known.get(row.area_code, TreeArea(row.area_code, AreaLevel.CITY.value, "", None)))
    return row


def _there(session: Session, target_id: int) -> TargetView:
    row = repo.get_target(session, target_id)
    if row is None:
        raise NotFound(f"没有编号为 {target_id} 的目标。", f"There is no target {target_id}.")
    return _views(session, [row])[0]


def _check_free(session: Session, area_code: str, measure: str, due_on: date, but: int | None) -> None:
    other = repo.find_in_force(session, area_code, measure, due_on)
    if other is None or other.id == but:
        return
    item = ErrorItem(
        "due_on", f"已有目标(编号 {other.id},值 {other.value})", f"has target {other.id} ({other.value}) already",
        value=due_on.isoformat(), remedy_zh="修改那一项,或先停用它", remedy_en="change that one, or retire it first",
    )  # fmt: skip
    raise Conflict("该区划此项指标在该日已有目标。", "There is a target for this measure and day.", errors=[item])


def _check_version(held: TargetRow, version: int, values: Mapping[str, Any]) -> None:
    if held.version == version:
        return
    differing = [name for name, value in values.items() if getattr(held, name) != value]
    raise StaleVersion(
        "您读取之后,他人已修改,未写入。请重新读取后再改。",
        "Somebody else has changed it since you read it; nothing was written. Read it anew.",
        errors=[
            ErrorItem(
                name, f"现为“{getattr(held, name)}”", f"is now {getattr(held, name)!r}", value=str(values[name]),
                remedy_zh=f"当前版本为 {held.version}", remedy_en=f"the current version is {held.version}",
            )
            for name in differing
        ],
    )  # fmt: skip


def _views(session: Session, rows: list[TargetRow]) -> list[TargetView]:
    names = area_repo.names_of_codes(session, {row.area_code for row in rows}) if rows else {}
    return [TargetView(row, names.get(row.area_code)) for row in rows]
