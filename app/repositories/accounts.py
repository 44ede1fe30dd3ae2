"""Users and the tokens of their machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, text, update
from sqlalchemy.orm import Session

from app.models import ApiToken, Area, SignInState, User
from app.models.vocabularies import AreaLevel, Role

ACCOUNTS_LOCK = 0x5C_ACC_0117  # any constant of our own


@dataclass(frozen=True)
class UserRow:
    """One account as it is kept, without its password; ``area_name`` None when the area is no longer loaded."""

    id: int
    username: str
    display_name: str
    role: str
    area_code: str
    area_level: str
    area_name: str | None
    must_change_password: bool
    is_disabled: bool
    version: int
    created_at: datetime
    password_changed_at: datetime
    last_sign_in_at: datetime | None
    locked_until: datetime | None


@dataclass(frozen=True)
class TokenRow:
    """One API token as it is kept, without its hash, and whose it is."""

    id: int
    user_id: int
    username: str
    name: str
    prefix: str
    role: str
    area_code: str
    area_level: str
    may_write: bool
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def lock_accounts(session: Session) -> None:
    """Let changes of accounts follow one another; held until the transaction ends. They are rare."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ACCOUNTS_LOCK})


def _users() -> Any:
    here = User.__table__.columns
    own = [here[name] for name in UserRow.__dataclass_fields__ if name in here]
    return (
        select(*own, Area.name.label("area_name"), SignInState.last_sign_in_at, SignInState.locked_until)
        .outerjoin(Area, Area.code == User.area_code)
        .outerjoin(SignInState, SignInState.username == User.username)
    )


def _user(row: Row[*tuple[Any, ...]]) -> UserRow:
    return UserRow(**row._mapping)


def find_user(session: Session, username: str) -> UserRow | None:
    row = session.execute(_users().where(User.username == username)).one_or_none()
    return None if row is None else _user(row)


def find_user_by_id(session: Session, user_id: int) -> UserRow | None:
    row = session.execute(_users().where(User.id == user_id)).one_or_none()
    return None if row is None else _user(row)


def list_users(session: Session, *, after: str | None = None, limit: int | None = None) -> list[UserRow]:
    """Accounts by username, from the one after ``after`` on."""
    query = _users().order_by(User.username)
    if after is not None:
        query = query.where(User.username > after)
    if limit is not None:
        query = query.limit(limit)
    return [_user(row) for row in session.execute(query)]


def usernames(session: Session) -> list[str]:
    """All of them, sorted."""
    return list(session.scalars(select(User.username).order_by(User.username)))


def count_users(session: Session) -> int:
    return int(session.scalar(select(func.count()).select_from(User)) or 0)


def password_hash_of(session: Session, username: str) -> tuple[int, str, bool] | None:
    """Id, hash, and whether the account is disabled."""
    query = select(User.id, User.password_hash, User.is_disabled).where(User.username == username)
    row = session.execute(query).one_or_none()
    return None if row is None else (row.id, row.password_hash, row.is_disabled)


def insert_user(session: Session, values: dict[str, Any]) -> int:
    """Write an account; its id."""
    return session.execute(insert(User).values(**values).returning(User.id)).scalar_one()


def update_user(session: Session, user_id: int, values: dict[str, Any]) -> None:
    session.execute(update(User).where(User.id == user_id).values(**values))


def other_administrators(session: Session, user_id: int) -> int:
    """How many other accounts are enabled and administrators'."""
    query = select(func.count()).where(User.role == Role.ADMINISTRATOR.value, ~User.is_disabled, User.id != user_id)
    return int(session.scalar(query) or 0)


def level_of_area(session: Session, code: str) -> str | None:
    return session.scalar(select(Area.level).where(Area.code == code))


def cities(session: Session) -> list[str]:
    """Codes of the areas that are cities."""
    return list(session.scalars(select(Area.code).where(Area.level == AreaLevel.CITY.value).order_by(Area.code)))


def parent_of_area(session: Session, code: str) -> str | None:
    return session.scalar(select(Area.parent_code).where(Area.code == code))


def _tokens() -> Any:
    here = ApiToken.__table__.columns
    own = [here[name] for name in TokenRow.__dataclass_fields__ if name in here]
    return select(*own, User.username).join(User, User.id == ApiToken.user_id)


def list_tokens(
    session: Session, *, user_id: int | None = None, after: int | None = None, limit: int | None = None
) -> list[TokenRow]:
    """Tokens by id from the one after ``after`` on, revoked ones too; of one user, or of all."""
    query = _tokens().order_by(ApiToken.id)
    if after is not None:
        query = query.where(ApiToken.id > after)
    if limit is not None:
        query = query.limit(limit)
    if user_id is not None:
        query = query.where(ApiToken.user_id == user_id)
    return [TokenRow(**row._mapping) for row in session.execute(query)]


def find_token(session: Session, token_id: int) -> TokenRow | None:
    row = session.execute(_tokens().where(ApiToken.id == token_id)).one_or_none()
    return None if row is None else TokenRow(**row._mapping)


def insert_token(session: Session, values: dict[str, Any]) -> int:
    """Write a token; its id."""
    return session.execute(insert(ApiToken).values(**values).returning(ApiToken.id)).scalar_one()


def revoke_tokens(session: Session, token_ids: Sequence[int]) -> None:
    """End tokens that have not been ended yet."""
    if token_ids:
        ending = update(ApiToken).where(ApiToken.id.in_(token_ids), ApiToken.revoked_at.is_(None))
        session.execute(ending.values(revoked_at=func.now()))


def token_by_prefix(session: Session, prefix: str) -> Row[*tuple[Any, ...]] | None:
    """The token with its hash, and what a request needs of its user."""
    query = (
        select(ApiToken, User.username, User.display_name, User.is_disabled)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.prefix == prefix)
    )
    return session.execute(query).one_or_none()


def note_token_use(session: Session, token_id: int, now: datetime, every: timedelta) -> None:
    """Set ``last_used_at``, unless that was done less than ``every`` ago."""
    stale = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at < now - every)
    session.execute(update(ApiToken).where(ApiToken.id == token_id, stale).values(last_used_at=now))
