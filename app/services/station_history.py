"""A station's history: what was so from which day on, for everybody; who changed what and why, for officers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.vocabularies import AuditAction
from app.repositories import audit as audit_repo
from app.repositories import station_versions as version_repo
from app.repositories.audit import EntryFilter
from app.repositories.station_records import GIVEN
from app.repositories.stations import station_codes
from app.services.actors import Actor
from app.services.station_record import FIELD
from app.services.station_register import get_ledger_station
from app.services.suggestions import unknown_code

MOST = 5_000  # entries of one station that are looked at
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
    """What one transaction changed: by field, old and new. ``valid_from`` is the day from which on it holds, if any."""

    at: datetime
    actor: str
    role: str | None
    channel: str
    reason: str | None
    action: AuditAction
    valid_from: date | None
    changes: dict[str, tuple[Any, Any]]


def public_history(session: Session, code: str) -> list[PublicState]:
    """The timeline of a station as known now, the oldest state first. Raises NotFound."""
    timeline = version_repo.known_timelines(session, [code]).get(code)
    if timeline is None:
        item = unknown_code(
            "code", code, station_codes(session), "站点", "station", "用 /v1/stations?q= 查找", "see /v1/stations?q="
        )
        raise NotFound(f"没有代码为 {code} 的站点。", f"There is no station {code}.", errors=[item])
    found = []
    before: Mapping[str, Any] | None = None
    for state in timeline:
        changes = {} if before is None else _differences(before, state.values, public_only=True)
        found.append(PublicState(state.valid_from, state.valid_to, changes))
        before = state.values
    return found


def station_changes(session: Session, actor: Actor, code: str) -> list[StationChange]:
    """Who changed what of a station, the newest first. Raises NotFound, OutOfScope."""
    get_ledger_station(session, actor, code)
    entries = audit_repo.list_entries(session, EntryFilter(kind="station", key=code), before_id=None, limit=MOST)
    found: list[StationChange] = []
    for entry in reversed(entries):
        changes = _changes(entry.before or {}, entry.after or {})
        since = (entry.after or {}).get("valid_from")
        change = StationChange(
            entry.at, entry.actor, entry.role, entry.channel, entry.reason, AuditAction(entry.action),
            date.fromisoformat(since) if since else None, changes,
        )  # fmt: skip
        # a change of a day long past is written state by state: it is one change
        if found and found[-1].at == entry.at and found[-1].actor == entry.actor:
            change = _joined(found.pop(), change)
        found.append(change)
    return [change for change in reversed(found) if change.changes or change.action is not AuditAction.UPDATE]


def _joined(first: StationChange, then: StationChange) -> StationChange:
    changes = dict(first.changes)
    for name, (old, new) in then.changes.items():
        changes[name] = (changes[name][0] if name in changes else old, new)
    kept = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    return StationChange(
        first.at, first.actor, first.role, first.channel, first.reason, first.action,
        first.valid_from or then.valid_from, kept,
    )  # fmt: skip


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """By field of the record; columns that follow from the position, or that nobody wrote, are left out."""
    found = {}
    for column in {**before, **after}:
        name = FIELDS_OF_COLUMNS.get(column, column)
        old, new = before.get(column), after.get(column)
        if name in FIELD and old != new and (old or new is not None) and not (old is None and new in ([], "")):
            found[name] = (old, new)
    return found


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, public_only: bool
) -> dict[str, tuple[Any, Any]]:
    found = {}
    for column, new in after.items():
        name = FIELDS_OF_COLUMNS.get(column, column)
        if name in FIELD and (FIELD[name].is_public or not public_only) and before[column] != new:
            found[name] = (before[column], new)
    return found
