"""Attempts to sign in, sessions, refresh tokens, signing keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, case, delete, func, insert, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.models import AuthKey, AuthSession, RefreshToken, SignInFailure, SignInState, User


def count_attempt(session: Session, username: str, now: datetime, forget_after: timedelta) -> Row[*tuple[Any, ...]]:
    """Count an attempt on a name before it is known to fail; ``failed_in_row`` and ``locked_until`` after it.

    The row stays locked until the transaction ends. The count starts anew after a lock-out is over, and when nobody
    tried for ``forget_after``. During a lock-out nothing is counted.
    """
    state = SignInState
    anew = or_(state.locked_until <= now, state.last_tried_at < now - forget_after)
    locked = and_(state.locked_until.is_not(None), state.locked_until > now)
    made = upsert(state).values(username=username, failed_in_row=1, last_tried_at=now)
    made = made.on_conflict_do_update(
        index_elements=["username"],
        set_={
            "failed_in_row": case(
                (locked, state.failed_in_row), (anew, 1), else_=state.failed_in_row + 1
            ),
            "locked_until": case((anew, null()), else_=state.locked_until),
            "last_tried_at": case((locked, state.last_tried_at), else_=now),
        },
    )  # fmt: skip
    return session.execute(made.returning(state.failed_in_row, state.locked_until)).one()


def lock_name(session: Session, username: str, limit: int, until: datetime) -> bool:
    """Lock a name that has failed ``limit`` times; was it locked by this?"""
    name = SignInState.username == username
    locking = update(SignInState).where(name, SignInState.failed_in_row >= limit, SignInState.locked_until.is_(None))
    return session.execute(locking.values(locked_until=until).returning(SignInState.username)).first() is not None


def clear_attempts(session: Session, username: str, *, signed_in_at: datetime | None) -> None:
    """Nothing counts against the name any more: it has signed in, or an administrator let it."""
    values: dict[str, Any] = {"failed_in_row": 0, "locked_until": None}
    if signed_in_at is not None:
        values["last_sign_in_at"] = signed_in_at
    session.execute(update(SignInState).where(SignInState.username == username).values(**values))


def count_failure(session: Session, address: str, now: datetime) -> int:
    """Count a failure against an address; the id under which it can be taken back."""
    made = insert(SignInFailure).values(address=address, at=now).returning(SignInFailure.id)
    return session.execute(made).scalar_one()


def take_back_failure(session: Session, failure_id: int) -> None:
    session.execute(delete(SignInFailure).where(SignInFailure.id == failure_id))


def failures_of(session: Session, address: str, since: datetime, limit: int) -> tuple[int, datetime | None]:
    """How many failures came from an address since then, and when the last ``limit`` of them began."""
    query = select(SignInFailure.at).where(SignInFailure.address == address, SignInFailure.at > since)
    moments = list(session.scalars(query.order_by(SignInFailure.at.desc()).limit(limit)))
    return len(moments), moments[-1] if moments else None


def forget_old(session: Session, failures_before: datetime, states_before: datetime, sessions_before: datetime) -> None:
    """Drop what counts no more: failures, names that never signed in, sessions that were over before then."""
    session.execute(delete(SignInFailure).where(SignInFailure.at < failures_before))
    session.execute(
        delete(SignInState).where(SignInState.last_tried_at < states_before, SignInState.last_sign_in_at.is_(None))
    )
    session.execute(delete(AuthSession).where(AuthSession.expires_at < sessions_before))


def current_key(session: Session) -> tuple[int, bytes] | None:
    """Id and secret of the key that is signed with."""
    query = select(AuthKey.id, AuthKey.secret).where(AuthKey.retired_at.is_(None)).order_by(AuthKey.id.desc()).limit(1)
    row = session.execute(query).one_or_none()
    return None if row is None else (row.id, row.secret)


def insert_key(session: Session, secret: bytes) -> int:
    return session.execute(insert(AuthKey).values(secret=secret).returning(AuthKey.id)).scalar_one()


def retire_keys(session: Session) -> None:
    session.execute(update(AuthKey).where(AuthKey.retired_at.is_(None)).values(retired_at=func.now()))


def insert_session(session: Session, session_id: str, user_id: int, now: datetime, expires_at: datetime) -> None:
    values = {"id": session_id, "user_id": user_id, "created_at": now, "refreshed_at": now, "expires_at": expires_at}
    session.execute(insert(AuthSession).values(**values))


def insert_refresh_token(session: Session, digest: bytes, session_id: str) -> None:
    session.execute(insert(RefreshToken).values(token_sha256=digest, session_id=session_id))


def session_of_refresh_token(session: Session, digest: bytes) -> Row[*tuple[Any, ...]] | None:
    """The refresh token, its session and its user. Token and session stay locked until the transaction ends."""
    query = (
        select(RefreshToken.used_at, AuthSession, User.username, User.is_disabled)
        .join(AuthSession, AuthSession.id == RefreshToken.session_id)
        .join(User, User.id == AuthSession.user_id)
        .where(RefreshToken.token_sha256 == digest)
        .with_for_update(of=(RefreshToken, AuthSession))
    )
    return session.execute(query).one_or_none()


def use_refresh_token(session: Session, digest: bytes, session_id: str, now: datetime) -> None:
    session.execute(update(RefreshToken).where(RefreshToken.token_sha256 == digest).values(used_at=now))
    session.execute(update(AuthSession).where(AuthSession.id == session_id).values(refreshed_at=now))


def end_sessions(
    session: Session, now: datetime, *, session_id: str | None = None, user_id: int | None = None,
    but: str | None = None,
) -> int:  # fmt: skip
    """End one session, or all of a user but one, or all there are; how many were ended."""
    ending = update(AuthSession).where(AuthSession.ended_at.is_(None))
    if session_id is not None:
        ending = ending.where(AuthSession.id == session_id)
    if user_id is not None:
        ending = ending.where(AuthSession.user_id == user_id)
    if but is not None:
        ending = ending.where(AuthSession.id != but)
    return len(session.execute(ending.values(ended_at=now).returning(AuthSession.id)).all())


def signed_in(session: Session, key_id: int, session_id: str) -> Row[*tuple[Any, ...]] | None:
    """All that a request with an access token needs, in one query: the key, the session, the user.

    None for a key that there is not; session and user are None when there is no such session.
    """
    query = (
        select(
            AuthKey.secret, AuthKey.retired_at, AuthSession.ended_at, AuthSession.expires_at,
            User.id.label("user_id"), User.username, User.display_name, User.role, User.area_code, User.area_level,
            User.is_disabled,
        )
        .select_from(AuthKey)
        .outerjoin(AuthSession, AuthSession.id == session_id)
        .outerjoin(User, User.id == AuthSession.user_id)
        .where(AuthKey.id == key_id)
    )  # fmt: skip
    return session.execute(query).one_or_none()
