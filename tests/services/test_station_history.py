"""The history of a station tells everything that became known of it, and to the public what is theirs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import NotFound, OutOfScope
from app.models.vocabularies import AuditAction
from app.repositories.station_versions import all_states
from app.services.station_history import StationChange, public_history, station_changes
from app.services.station_ledger import StationEdit, save_stations
from app.services.station_record import EMPTY
from app.services.station_table import today
from tests.services.test_station_ledger import CITY, FIRST, PLACES, SECOND, add, change, city, held
from tests.support.ledger import new_moment

__all__ = ["city"]  # the fixture
MARCH, MAY, JULY = date(2026, 3, 1), date(2026, 5, 1), date(2026, 7, 1)


def told(session: Session) -> list[StationChange]:
    return station_changes(session, CITY, "N-1")


def periods(found: list[StationChange], field: str) -> list[tuple[Any, ...]]:
    return [(one.valid_from, one.valid_to, *one.changes[field]) for one in found if field in one.changes]


def test_every_change_is_told_with_who_and_why(city: Session) -> None:
    add(city, FIRST, seats=10)
    new_moment(city)
    edit = StationEdit("N-1", {"seats": 20}, 1, MARCH)
    save_stations(city, CITY, [edit], reason="扩建")
    change(city, FIRST, 2, notes="内部", address="新址")
    newest, second, first = told(city)
    assert (newest.actor, newest.reason, newest.valid_from) == (FIRST.username, None, None)
    assert newest.changes == {"notes": (None, "内部"), "address": (None, "新址")}
    assert (second.actor, second.role, second.channel) == (CITY.username, "city_officer", "session")
    assert (second.reason, second.valid_from, second.valid_to) == ("扩建", MARCH, None)
    assert second.changes == {"seats": (10, 20)} and second.action is AuditAction.UPDATE
    assert first.action is AuditAction.INSERT and first.changes["seats"] == (None, 10)
    assert first.changes["lng"] == (None, PLACES["900101"][0]) and "contractor_organisations" not in first.changes
    assert newest.at > second.at > first.at


def test_what_was_different_for_a_while_in_the_past_is_told(city: Session) -> None:
    """The record as it is now is the same before and after: only the past of it changed."""
    add(city, seats=10)
    change(city, CITY, 1, seats=30, since=JULY)
    change(city, CITY, 2, seats=20, since=MARCH, until=MAY)
    assert held(city)["seats"] == 30
    assert periods(told(city), "seats") == [(MARCH, MAY, 10, 20), (JULY, None, 10, 30), (None, None, None, 10)]


def test_a_change_across_states_is_told_by_period(city: Session) -> None:
    add(city, seats=10)
    change(city, CITY, 1, seats=30, since=MAY)
    change(city, CITY, 2, seats=40, since=MARCH)
    assert periods(told(city), "seats")[:2] == [(MARCH, MAY, 10, 40), (MAY, None, 30, 40)]
    change(city, CITY, 3, name="改名")  # a correction of all states is one
    assert periods(told(city), "name")[0] == (None, None, "新站", "改名")
    assert len(told(city)) == 5


def test_changes_undo_to_what_was_known(city: Session) -> None:
    """Taking the newest changes back one by one from what is known now comes to what was known before them."""
    add(city, seats=10)
    change(city, CITY, 1, seats=30, since=MAY, until=JULY)
    change(city, CITY, held_version(city), status="suspended", since=MARCH)
    change(city, CITY, held_version(city), seats=11)
    change(city, CITY, held_version(city), name="又名", seats=5, since=date(2026, 6, 1))
    states, found = all_states(city, "N-1"), told(city)
    days = [date(2026, 1, 1) + timedelta(days=10 * k) for k in range(25)]
    moments = sorted({state.known_from for state in states})
    assert len(moments) == 5
    for moment in moments:
        known = [kept.state for kept in states if kept.is_known_at(moment)]
        for day in days:
            (state,) = (s for s in known if (s.valid_from or day) <= day and (s.valid_to is None or day < s.valid_to))
            replayed: dict[str, Any] = dict(EMPTY)
            for one in reversed(found):
                if one.at <= moment and (one.valid_from or day) <= day and (one.valid_to is None or day < one.valid_to):
                    for name, (old, new) in one.changes.items():
                        assert replayed[name] == old
                        replayed[name] = new
            for name in ("name", "seats", "status", "address"):
                assert replayed[name] == state.values[name], (moment, day, name)


def held_version(session: Session) -> int:
    return int(session.scalar(text("SELECT version FROM stations WHERE code = 'N-1'")) or 0)


def test_removed_by_hand_and_written_before_the_audit(city: Session) -> None:
    new_moment(city)
    first = station_changes(city, CITY, "S-001")[-1]
    assert first.action is AuditAction.INSERT
    city.execute(text("DELETE FROM stations WHERE code = 'S-001'"))
    with pytest.raises(NotFound):
        station_changes(city, CITY, "S-001")
    new_moment(city)
    city.execute(
        text('INSERT INTO stations SELECT (jsonb_populate_record(s, \'{"code": "S-001"}\')).* FROM stations s LIMIT 1')
    )
    again = station_changes(city, CITY, "S-001")
    assert [one.action for one in again] == [AuditAction.INSERT, AuditAction.DELETE, AuditAction.INSERT]
    assert again[1].changes == {} and again[0].channel == "database"


def test_only_officers_of_the_place_read_who_changed_what(city: Session) -> None:
    add(city)
    assert station_changes(city, FIRST, "N-1")
    with pytest.raises(OutOfScope):
        station_changes(city, SECOND, "N-1")


def test_the_public_reads_what_is_public(city: Session) -> None:
    add(city, seats=10, notes="内部")
    change(city, CITY, 1, seats=20, since=MARCH)
    change(city, CITY, 2, notes="更内部", staff_count=3, since=MAY)  # nobody's business
    change(city, CITY, 3, status="suspended", since=today())
    found = public_history(city, "N-1")
    assert [(one.valid_from, one.valid_to) for one in found] == [(None, MARCH), (MARCH, today()), (today(), None)]
    assert [one.changes for one in found] == [{}, {"seats": (10, 20)}, {"status": ("open", "suspended")}]
    with pytest.raises(NotFound, match="There is no station"):
        public_history(city, "none")
