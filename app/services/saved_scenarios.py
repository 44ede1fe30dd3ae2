"""Scenarios that planners keep: named, shared with the office or by a link, changed by their owners (and, where
they are shared, by administrators).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ErrorItem, Forbidden, NotFound, StaleVersion
from app.models.vocabularies import Role
from app.repositories import scenarios as repo
from app.repositories.scenarios import ScenarioRecord
from app.services.acting import act_as
from app.services.actors import Actor


class Sharing(StrEnum):
    """Who may read it besides its owner: nobody; all who can sign in; they and whoever has the link."""

    PRIVATE = "private"
    OFFICE = "office"
    LINK = "link"


@dataclass(frozen=True)
class ScenarioFacts:
    """What an owner decides. ``question`` is what ``POST /v1/scenarios`` takes."""

    name: str
    note: str | None
    shared: Sharing
    question: dict[str, Any]


def list_scenarios(session: Session, actor: Actor, *, before: int | None, limit: int) -> list[ScenarioRecord]:
    """The actor's own and those that others share, the newest first."""
    return repo.readable_scenarios(session, actor.username, before=before, limit=limit)


def get_scenarios(session: Session, actor: Actor, ids: Sequence[int]) -> list[ScenarioRecord]:
    """Some of them, in this order. Raises NotFound naming the first that is not there, or not for the actor."""
    held = {one.id: one for one in repo.readable_scenarios(session, actor.username, ids=list(ids))}
    for number in ids:
        if number not in held:
            raise _unknown("id", str(number))
    return [held[number] for number in ids]


def scenario_of_link(session: Session, share_key: str) -> ScenarioRecord:
    """The one that a link leads to. Raises NotFound, also where it is no longer shared so."""
    found = repo.scenario_of_key(session, share_key)
    if found is None or found.shared != Sharing.LINK:
        raise _unknown("key", share_key)
    return found


def add_scenario(session: Session, actor: Actor, facts: ScenarioFacts) -> ScenarioRecord:
    """Keep one. Raises Forbidden for a token that only reads."""
    actor.require(Role.VIEWER, write=True)
    act_as(session, actor)
    values = {**vars(facts), "shared": facts.shared.value, "owner": actor.username}
    number = repo.insert_scenario(session, {**values, "share_key": secrets.token_urlsafe(16)})
    return get_scenarios(session, actor, [number])[0]


def change_scenario(
    session: Session, actor: Actor, scenario_id: int, facts: ScenarioFacts, version: int
) -> ScenarioRecord:
    """Write it anew; it stays its owner's. Raises NotFound, Forbidden for another's, StaleVersion."""
    held = _own(session, actor, scenario_id)
    _check_version(held, version)
    repo.update_scenario(session, scenario_id, {**vars(facts), "shared": facts.shared.value})
    return get_scenarios(session, actor, [scenario_id])[0]


def remove_scenario(session: Session, actor: Actor, scenario_id: int, version: int) -> None:
    """Forget it; the audit log keeps what it was. Raises NotFound, Forbidden for another's, StaleVersion."""
    _check_version(_own(session, actor, scenario_id), version)
    repo.delete_scenario(session, scenario_id)


def _own(session: Session, actor: Actor, scenario_id: int) -> ScenarioRecord:
    actor.require(Role.VIEWER, write=True)
    act_as(session, actor)
    held = repo.lock_scenario(session, scenario_id)
    if held is None or (held.owner != actor.username and held.shared == Sharing.PRIVATE):
        raise _unknown("id", str(scenario_id))
    if held.owner != actor.username and actor.role is not Role.ADMINISTRATOR:
        item = ErrorItem(
            "id", f"属于 {held.owner}", f"belongs to {held.owner}", value=str(scenario_id),
            remedy_zh="以其 question 另存一份自己的", remedy_en="save its question as one of your own",
        )  # fmt: skip
        raise Forbidden(
            "只有本人和系统管理员可以修改或删除方案。",
            "Only its owner or an administrator may change it.",
            errors=[item],
        )
    return held


def _check_version(held: ScenarioRecord, version: int) -> None:
    if held.version == version:
        return
    item = ErrorItem(
        "version", f"现为 {held.version}", f"is now {held.version}", value=str(version),
        remedy_zh="重新读取后再改", remedy_en="read it anew, then change it",
    )  # fmt: skip
    raise StaleVersion("您读取之后,方案已被修改,未写入。", "It was changed since you read it.", errors=[item])


def _unknown(field: str, value: str) -> NotFound:
    item = ErrorItem(
        field, "没有这个方案,或没有与您共享", "there is none, or it is not shared with you", value=value,
        remedy_zh="见 /v1/scenarios/saved,或请其主人共享",
        remedy_en="see /v1/scenarios/saved, or ask its owner to share",
    )  # fmt: skip
    return NotFound("没有这个方案。", "There is no such scenario.", errors=[item])
