"""The register of organisations, and pairings (结对) of stations with training bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, InvalidInput, NotFound, StaleVersion
from app.models.vocabularies import PairingMode, Role
from app.repositories import organisations as repo
from app.repositories.context import ledger_moment
from app.repositories.organisations import OrganisationRow, PairingRow
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.station_register import get_ledger_station
from app.services.station_table import today


def list_organisations(
    session: Session, actor: Actor, *, text: str | None, after_name: str | None, limit: int
) -> list[OrganisationRow]:
    """Organisations by name. The register is the whole city's: every officer reads it."""
    actor.require(Role.VIEWER)
    return repo.list_organisations(session, text=text, after_name=after_name, limit=limit)


def add_organisation(session: Session, actor: Actor, values: Mapping[str, Any]) -> OrganisationRow:
    """Put an organisation into the register. Raises Conflict when name or credit code (统一社会信用代码) is taken."""
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor)
    ledger_moment(session)  # one writer at a time: what is not taken now will not be
    _check_free(session, values, None)
    return _organisation(session, repo.insert_organisation(session, values))


def change_organisation(
    session: Session, actor: Actor, organisation_id: int, version: int, values: Mapping[str, Any]
) -> OrganisationRow:
    """Change its facts; the name, by which stations name it, stays. Raises NotFound, StaleVersion, Conflict."""
    actor.require(Role.DISTRICT_OFFICER, write=True)
    act_as(session, actor)
    ledger_moment(session)
    held = _organisation(session, organisation_id)
    _check_version(held, version, values)
    _check_free(session, {"credit_code": values.get("credit_code")}, organisation_id)
    repo.update_organisation(session, organisation_id, values)
    return _organisation(session, organisation_id)


def list_pairings(
    session: Session, actor: Actor, *, station_code: str | None, current: bool, after_id: int | None, limit: int
) -> list[PairingRow]:
    """Pairings of stations in scope, by id; ``current``: only those that are not over."""
    actor.require(Role.VIEWER)
    day = today() if current else None
    return repo.list_pairings(
        session, actor.scope, station_code=station_code, current_on=day, after_id=after_id, limit=limit
    )


def add_pairing(session: Session, actor: Actor, values: Mapping[str, Any]) -> PairingRow:
    """Record a pairing. Raises NotFound, OutOfScope; Conflict where 一对一 would not be one to one."""
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor)
    ledger_moment(session)
    get_ledger_station(session, actor, values["station_code"])
    _organisation(session, values["organisation_id"])
    _check_dates(values.get("signed_on"), values.get("ends_on"))
    _check_mode(session, values["station_code"], values["organisation_id"], values["mode"], values.get("ends_on"), None)
    return _pairing(session, repo.insert_pairing(session, values))


def change_pairing(
    session: Session, actor: Actor, pairing_id: int, version: int, values: Mapping[str, Any]
) -> PairingRow:
    """Change or end a pairing; station and organisation stay. Raises NotFound, OutOfScope, StaleVersion, Conflict."""
    actor.require(Role.TOWN_OFFICER, write=True)
    act_as(session, actor)
    ledger_moment(session)
    held = get_pairing(session, actor, pairing_id)
    _check_version(held, version, values)
    new = replace(held, **values)
    _check_dates(new.signed_on, new.ends_on)
    _check_mode(session, new.station_code, new.organisation_id, new.mode, new.ends_on, pairing_id)
    repo.update_pairing(session, pairing_id, values)
    return _pairing(session, pairing_id)


def get_pairing(session: Session, actor: Actor, pairing_id: int) -> PairingRow:
    """One pairing. Raises NotFound, OutOfScope."""
    held = _pairing(session, pairing_id)
    get_ledger_station(session, actor, held.station_code)
    return held


def _pairing(session: Session, pairing_id: int) -> PairingRow:
    held = repo.get_pairing(session, pairing_id)
    if held is None:
        raise NotFound(f"没有编号为 {pairing_id} 的结对。", f"There is no pairing {pairing_id}.")
    return held


def _organisation(session: Session, organisation_id: int) -> OrganisationRow:
    held = repo.get_organisation(session, organisation_id)
    if held is None:
        item = ErrorItem(
            "organisation_id", "没有这个单位", "no such organisation", value=str(organisation_id),
            remedy_zh="用 /v1/ledger/organisations?q= 查找,或先登记",
            remedy_en="look with /v1/ledger/organisations?q=, or add it",
        )  # fmt: skip
        raise NotFound(
            f"没有编号为 {organisation_id} 的单位。", f"There is no organisation {organisation_id}.", errors=[item]
        )
    return held


def _check_free(session: Session, values: Mapping[str, Any], but: int | None) -> None:
    field = repo.find_taken(session, values.get("name"), values.get("credit_code"), but)
    if field is not None:
        item = ErrorItem(
            field, "已有单位使用", "is that of another organisation", value=str(values[field]),
            remedy_zh="用 q 查找已登记的单位", remedy_en="look for it with q",
        )  # fmt: skip
        raise Conflict("单位已登记。", "The organisation is registered already.", errors=[item])


def _check_version(held: OrganisationRow | PairingRow, version: int, values: Mapping[str, Any]) -> None:
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


def _check_dates(signed_on: date | None, ends_on: date | None) -> None:
    if signed_on is not None and ends_on is not None and ends_on < signed_on:
        item = ErrorItem(
            "ends_on", "早于签订日期", "is before it was signed", value=ends_on.isoformat(), remedy_zh="改正日期",
            remedy_en="correct the dates",
        )  # fmt: skip
        raise InvalidInput("结对日期有误。", "The dates are wrong.", errors=[item])


def _check_mode(
    session: Session, station_code: str, organisation_id: int, mode: str, ends_on: date | None, but: int | None
) -> None:
    """The same pair once only; 一对一 beside no other current pairing of the station, and none beside it."""
    day = today()
    if ends_on is not None and ends_on < day:
        return
    for other in repo.current_pairings(session, station_code, day, but):
        same = other.organisation_id == organisation_id
        if not same and PairingMode.ONE_TO_ONE not in (mode, other.mode):
            continue
        item = ErrorItem(
            "organisation_id" if same else "mode",
            "已与该单位结对" if same else f"该站点已与“{other.organisation}”结对({PairingMode(other.mode).title_zh})",
            "is paired with it already" if same else f"the station is paired with {other.organisation} ({other.mode})",
            value=str(organisation_id) if same else mode,
            remedy_zh=f"修改或结束原结对(编号 {other.id}),或改为一对多",
            remedy_en=f"change or end pairing {other.id}, or make both one_to_many",
        )  # fmt: skip
        raise Conflict("与现有结对冲突。", "It is at odds with a pairing that there is.", errors=[item])
