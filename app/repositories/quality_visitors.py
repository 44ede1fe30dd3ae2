"""People who rate or complain without signing in: counted by a mark that nobody can read an address from.

The mark is a keyed hash of the address. The key is of one day and goes with it, and so do the counts.
"""

from __future__ import annotations

import secrets
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import VisitorCount, VisitorKey


def key_of(session: Session, day: date) -> bytes:
    """The key of a day, made with its first use."""
    made = insert(VisitorKey).values(day=day, secret=secrets.token_bytes(32)).on_conflict_do_nothing()
    held = session.scalar(select(VisitorKey.secret).where(VisitorKey.day == day))
    if held is None:
        session.execute(made)
        held = session.scalars(select(VisitorKey.secret).where(VisitorKey.day == day)).one()
    return held


def forget_before(session: Session, day: date) -> None:
    """Drop the keys and counts of the days before."""
    if session.scalar(select(VisitorKey.day).where(VisitorKey.day < day).limit(1)) is not None:
        session.execute(delete(VisitorKey).where(VisitorKey.day < day))
        session.execute(delete(VisitorCount).where(VisitorCount.day < day))


def raise_count(session: Session, day: date, mark: bytes, purpose: str, station_code: str) -> int:
    """Count one more; how many there are with it."""
    counted = insert(VisitorCount).values(day=day, mark=mark, purpose=purpose, station_code=station_code, count=1)
    keys = ["day", "mark", "purpose", "station_code"]
    statement = counted.on_conflict_do_update(index_elements=keys, set_={"count": VisitorCount.count + 1})
    return int(session.scalars(statement.returning(VisitorCount.count)).one())


def count_of(session: Session, day: date, mark: bytes, purpose: str, station_code: str = "") -> int:
    """How many there are."""
    query = select(VisitorCount.count).where(
        VisitorCount.day == day, VisitorCount.mark == mark, VisitorCount.purpose == purpose,
        VisitorCount.station_code == station_code,
    )  # fmt: skip
    return int(session.scalar(query) or 0)
