"""Exemplars (典型样板, §1.2 and §7.3): the district proposes, the city names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, Forbidden, NotFound
from app.models.vocabularies import ExemplarState, Role
from app.repositories import quality_exemplars as repo
from app.repositories.quality_exemplars import ExemplarRow
from app.repositories.quality_places import Place
from app.services.actors import Actor
from app.services.quality_checks import FIRST_DAY, begin, check_days, check_place, check_version, not_now, station_of
from app.services.station_table import today


@dataclass(frozen=True)
class NewExemplar:
    """Which station, for which year, under which title, and why."""

    station_code: str
    year: int
    title: str
    reason: str


def list_exemplars(
    session: Session, actor: Actor, place: Place, *, year: int | None, states: Sequence[ExemplarState],
    before_id: int | None, limit: int,
) -> list[ExemplarRow]:  # fmt: skip
    """Exemplars in scope, the latest first."""
    actor.require(Role.VIEWER)
    check_place(session, actor, place)
    return repo.list_exemplars(
        session, actor.scope, place, year=year, states=[s.value for s in states], before_id=before_id, limit=limit
    )


def add_exemplar(session: Session, actor: Actor, new: NewExemplar) -> ExemplarRow:
    """Propose a station; a city officer names it at once. Raises Forbidden, NotFound, OutOfScope, Conflict."""
    actor.require(Role.DISTRICT_OFFICER, write=True)
    begin(session, actor)
    station_of(session, actor, new.station_code)
    check_days("year", date(new.year, 1, 1), FIRST_DAY, today())
    held = repo.in_force(session, new.station_code, new.year)
    if held is not None:
        state = ExemplarState(held.state)
        item = ErrorItem(
            "station", f"{new.year} 年{state.title_zh}(编号 {held.id})", f"is {state.value} for {new.year} ({held.id})",
            value=new.station_code, remedy_zh="不必重复提交", remedy_en="once a year is enough",
        )  # fmt: skip
        raise Conflict("该站点当年已推荐或评定。", "The station is proposed or named for that year.", errors=[item])
    is_named = actor.role.rank >= Role.CITY_OFFICER.rank
    values = {
        "station_code": new.station_code, "year": new.year, "title": new.title, "reason": new.reason,
        "state": (ExemplarState.NAMED if is_named else ExemplarState.PROPOSED).value, "proposed_by": actor.username,
        "decided_by": actor.username if is_named else None,
    }  # fmt: skip
    return _there(session, repo.insert_exemplar(session, values))


def name_exemplar(session: Session, actor: Actor, exemplar_id: int, version: int) -> ExemplarRow:
    """Name what was proposed. Raises Forbidden below the city, NotFound, StaleVersion, Conflict."""
    actor.require(Role.CITY_OFFICER, write=True)
    begin(session, actor)
    held = _held(session, actor, exemplar_id)
    check_version(held, version, {})
    _require(held, ExemplarState.PROPOSED)
    repo.update_exemplar(session, exemplar_id, {"state": ExemplarState.NAMED.value, "decided_by": actor.username})
    return _there(session, exemplar_id)


def withdraw_exemplar(session: Session, actor: Actor, exemplar_id: int, version: int, reason: str) -> ExemplarRow:
    """Take it back, with a reason: a proposal by the district, a named one by the city. Raises as naming does."""
    actor.require(Role.DISTRICT_OFFICER, write=True)
    begin(session, actor, reason)
    held = _held(session, actor, exemplar_id)
    if held.state == ExemplarState.NAMED and actor.role.rank < Role.CITY_OFFICER.rank:
        item = ErrorItem(
            "id", "已由市级评定", "was named by the city", remedy_zh="请市级撤销", remedy_en="ask the city"
        )
        raise Forbidden("已评定的样板由市级撤销。", "What the city has named, the city withdraws.", errors=[item])
    check_version(held, version, {})
    if held.state == ExemplarState.WITHDRAWN:
        raise not_now("state", "已撤销", "withdrawn", "无需再次撤销", "there is nothing to do")
    values = {
        "state": ExemplarState.WITHDRAWN.value, "decided_by": actor.username, "withdrawn_reason": reason,
    }  # fmt: skip
    repo.update_exemplar(session, exemplar_id, values)
    return _there(session, exemplar_id)


def _require(held: ExemplarRow, state: ExemplarState) -> None:
    if held.state != state.value:
        now = ExemplarState(held.state)
        raise not_now(
            "state", now.title_zh, now.value, f"此操作只适用于“{state.title_zh}”", f"only for what is {state.value}"
        )


def _held(session: Session, actor: Actor, exemplar_id: int) -> ExemplarRow:
    held = _there(session, exemplar_id)
    station_of(session, actor, held.station_code)
    return held


def _there(session: Session, exemplar_id: int) -> ExemplarRow:
    held = repo.get_exemplar(session, exemplar_id)
    if held is None:
        raise NotFound(f"没有编号为 {exemplar_id} 的典型样板。", f"There is no exemplar {exemplar_id}.")
    return held
