"""A station's history: for everybody what was so from which day on; for officers also when that became known, by whom
and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.vocabularies import AuditAction
from app.repositories import audit as audit_repo
from app.repositories import station_versions as version_repo
from app.repositories.audit import EntryFilter, EntryRow
from app.repositories.station_records import GIVEN
from app.repositories.station_versions import StationState
from app.repositories.stations import station_codes
from app.services.actors import Actor
from app.services.station_record import EMPTY, FIELD
from app.services.station_register import get_ledger_station
from app.services.suggestions import unknown_code
from app.services.timelines import compared

MOST = 5_000  # entries of the audit log that are looked at
FIELDS_OF_COLUMNS = {column: name for name, column in GIVEN.items()}


@dataclass(frozen=True)
class PublicState:
    """What was so from ``valid_from`` until before ``valid_to`` (None: without bound).

    ``changes`` are public fields against the state before, old and new; of the first state there are none.
    """

    valid_from: date | None
    valid_to: date | None
    changes: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class StationChange:
    """What became known at a moment of the time from ``valid_from`` until before ``valid_to``: by field, old and new.

    Who wrote it, and why, where that is in the audit log. Of a station that was removed there are no changes.
    """

    at: datetime
    actor: str | None
    role: str | None
    channel: str | None
    reason: str | None
    action: AuditAction
    valid_from: date | None
    valid_to: date | None
    changes: dict[str, tuple[Any, Any]]


def public_history(session: Session, code: str) -> list[PublicState]:
    """The timeline of a station as known now, the oldest state first. Raises NotFound."""
    timeline = version_repo.known_timelines(session, [code]).get(code)
    if timeline is None:
        item = unknown_code(
            "code", code, station_codes(session), "站点", "station", "用 /v1/stations?q= 查找", "see /v1/stations?q="
        )
        raise NotFound(f"没有代码为 {code} 的站点。", f"There is no station {code}.", errors=[item])
    found: list[PublicState] = []
    before: Mapping[str, Any] = {}
    for state in timeline:
        changes = _differences(before, state.values, public_only=True) if found else {}
        if found and not changes:  # what differs is nobody's business but the officers'
            found[-1] = replace(found[-1], valid_to=state.valid_to)
        else:
            found.append(PublicState(state.valid_from, state.valid_to, changes))
        before = state.values
    return found


def station_changes(session: Session, actor: Actor, code: str) -> list[StationChange]:
    """What became known of a station, by whom and why, the newest first. Raises NotFound, OutOfScope."""
    get_ledger_station(session, actor, code)
    states = version_repo.all_states(session, code)
    entries = audit_repo.list_entries(session, EntryFilter(kind="station", key=code), before_id=None, limit=MOST)
    written = {entry.at: entry for entry in entries}
    found: list[StationChange] = []
    before: list[StationState] = []
    for moment in sorted({at for kept in states for at in (kept.known_from, kept.known_to) if at is not None}):
        after = [kept.state for kept in states if kept.is_known_at(moment)]
        found += reversed(_changes(moment, written.get(moment), before, after))
        before = after
    return found[::-1]


def _changes(
    moment: datetime, entry: EntryRow | None, before: Sequence[StationState], after: Sequence[StationState]
) -> list[StationChange]:
    """By period, the oldest first; neighbours in which the same became different are one."""
    action = AuditAction.UPDATE if before and after else AuditAction.INSERT if after else AuditAction.DELETE
    who: tuple[str | None, str | None, str | None, str | None] = (None, None, None, None)
    if entry is not None:
        who = entry.actor, entry.role, entry.channel, entry.reason
    if not after:
        return [StationChange(moment, *who, action, None, None, {})]
    found: list[StationChange] = []
    last: dict[str, tuple[Any, Any]] = {}
    for start, end, old, new in compared(before, after):
        changes = _differences(old or {}, new or {}, public_only=False)
        if changes and changes == last:
            found[-1] = replace(found[-1], valid_to=end)
        elif changes:
            found.append(StationChange(moment, *who, action, start, end, changes))
        last = changes
    return found


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, public_only: bool
) -> dict[str, tuple[Any, Any]]:
    """By field of the record; columns that follow from the position, or that nobody filled in, are left out."""
    found = {}
    for column, new in after.items():
        name = FIELDS_OF_COLUMNS.get(column, column)
        if name not in FIELD or not (FIELD[name].is_public or not public_only):
            continue
        old = before.get(column, EMPTY[name])
        if old != new:
            found[name] = (old, new)
    return found
