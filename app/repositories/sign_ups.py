"""Sign-ups for sessions, and the seats that they take."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import CourseSession, SessionAttendance, SessionSeats, SignUp
from app.models.vocabularies import SessionStatus, SignUpState

OPEN = (SignUpState.CONFIRMED.value, SignUpState.WAITING.value)
NOT_CANCELLED = (*OPEN, SignUpState.ATTENDED.value, SignUpState.ABSENT.value)


@dataclass(frozen=True)
class SignUpRow:
    """One sign-up."""

    id: int
    session_id: int
    state: str
    target_group: str
    phone_encrypted: bytes | None
    erase_after: date
    created_at: datetime


@dataclass(frozen=True)
class Taken:
    """How many seats of a session are taken, and how many wait."""

    taken: int = 0
    waiting: int = 0


_ROW = [getattr(SignUp, name) for name in SignUpRow.__dataclass_fields__]


def seats_taken(session: Session, since: datetime) -> list[tuple[int, int]]:
    """(session, seats taken) of planned sessions that begin from a moment on, where any is taken."""
    query = (
        select(SessionSeats.session_id, SessionSeats.taken)
        .join(CourseSession, CourseSession.id == SessionSeats.session_id)
        .where(
            CourseSession.starts_at >= since, CourseSession.status == SessionStatus.PLANNED.value,
            SessionSeats.taken > 0,
        )
        .order_by(SessionSeats.session_id)
    )  # fmt: skip
    return [(number, count) for number, count in session.execute(query)]


def taken_of(session: Session, session_id: int) -> Taken:
    """As far as is known without a lock."""
    query = select(SessionSeats.taken, SessionSeats.waiting).where(SessionSeats.session_id == session_id)
    row = session.execute(query).one_or_none()
    return Taken() if row is None else Taken(row.taken, row.waiting)


def lock_seats(session: Session, session_id: int) -> Taken:
    """The same, and nobody else gives or takes a seat of this session until the transaction ends."""
    session.execute(insert(SessionSeats).values(session_id=session_id).on_conflict_do_nothing())
    query = select(SessionSeats.taken, SessionSeats.waiting).where(SessionSeats.session_id == session_id)
    row = session.execute(query.with_for_update()).one()
    return Taken(row.taken, row.waiting)


def set_taken(session: Session, session_id: int, taken: Taken) -> None:
    """To be called with the lock held."""
    session.execute(
        update(SessionSeats)
        .where(SessionSeats.session_id == session_id)
        .values(taken=taken.taken, waiting=taken.waiting)
    )


def by_code(session: Session, code_sha256: bytes) -> SignUpRow | None:
    row = session.execute(select(*_ROW).where(SignUp.code_sha256 == code_sha256)).one_or_none()
    return None if row is None else SignUpRow(**row._mapping)


def by_codes(session: Session, codes: Collection[bytes]) -> dict[bytes, SignUpRow]:
    """Those that there are, by the hash of their code."""
    query = select(SignUp.code_sha256, *_ROW).where(SignUp.code_sha256.in_(codes))
    found = {}
    for digest, *values in session.execute(query):
        found[digest] = SignUpRow(*values)
    return found


def is_signed_up(session: Session, session_id: int, phone_mac: bytes) -> bool:
    query = select(SignUp.id).where(
        SignUp.session_id == session_id, SignUp.phone_mac == phone_mac, SignUp.state.in_(NOT_CANCELLED)
    )
    return session.scalar(query.limit(1)) is not None


def count_open(session: Session, phone_mac: bytes, now: datetime) -> int:
    """Sign-ups of one person for sessions that are still to come."""
    query = (
        select(func.count())
        .select_from(SignUp)
        .join(CourseSession, CourseSession.id == SignUp.session_id)
        .where(SignUp.phone_mac == phone_mac, SignUp.state.in_(OPEN), CourseSession.starts_at > now)
    )
    return int(session.scalar(query) or 0)


def insert_sign_up(session: Session, values: Mapping[str, Any]) -> int:
    return int(session.scalars(insert(SignUp).values(**values).returning(SignUp.id)).one())


def set_state(session: Session, ids: Collection[int], state: SignUpState, *, forget: bool = False) -> None:
    """Give sign-ups another state; ``forget`` erases the phone number at once."""
    if not ids:
        return
    values: dict[str, Any] = {"state": state.value, "changed_at": func.now()}
    if forget:
        values |= {"phone_encrypted": None, "phone_mac": None}
    session.execute(update(SignUp).where(SignUp.id.in_(ids)).values(**values))


def first_waiting(session: Session, session_id: int, count: int | None) -> list[int]:
    """Those who have waited longest."""
    query = (
        select(SignUp.id)
        .where(SignUp.session_id == session_id, SignUp.state == SignUpState.WAITING.value)
        .order_by(SignUp.id)
    )
    return list(session.scalars(query if count is None else query.limit(count)))


def waiting_before(session: Session, session_id: int, sign_up_id: int) -> int:
    """How many have waited longer."""
    query = (
        select(func.count())
        .select_from(SignUp)
        .where(
            SignUp.session_id == session_id, SignUp.state == SignUpState.WAITING.value, SignUp.id < sign_up_id
        )
    )  # fmt: skip
    return int(session.scalar(query) or 0)


def list_of_session(session: Session, session_id: int) -> list[SignUpRow]:
    """All sign-ups of a session in their order, cancelled ones too."""
    query = select(*_ROW).where(SignUp.session_id == session_id).order_by(SignUp.id)
    return [SignUpRow(**row._mapping) for row in session.execute(query)]


def erase_phones(session: Session, day: date) -> int:
    """Forget the numbers whose time is over on a day; how many."""
    due = SignUp.phone_encrypted.is_not(None) & (SignUp.erase_after < day)
    done = session.execute(update(SignUp).where(due).values(phone_encrypted=None, phone_mac=None))
    return int(getattr(done, "rowcount", 0))


def attendance_of(session: Session, session_id: int) -> dict[str, tuple[int, int]]:
    """Group -> (attended, certificates) as last recorded."""
    query = select(
        SessionAttendance.target_group, SessionAttendance.attended, SessionAttendance.certificates
    ).where(SessionAttendance.session_id == session_id)  # fmt: skip
    return {group: (attended, certificates) for group, attended, certificates in session.execute(query)}


def replace_attendance(session: Session, session_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record it anew: each row has ``target_group``, ``attended`` and ``certificates``."""
    session.execute(delete(SessionAttendance).where(SessionAttendance.session_id == session_id))
    if rows:
        session.execute(insert(SessionAttendance), [{**row, "session_id": session_id} for row in rows])
