"""Signing in and out, sessions, and who a request with an access token comes from.

An attempt is counted as failed before the password is compared, in a transaction of its own, and taken back when it was
right: so many attempts at once cannot have more guesses than one after the other. Names that do not exist are counted
and locked like those that do.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidCredentials, LockedOut, SessionEnded, TooManyRequests
from app.models.vocabularies import AreaLevel, AuditAction, Channel, Role
from app.repositories import accounts as account_repo
from app.repositories import sign_ins as repo
from app.repositories.accounts import UserRow
from app.repositories.scope import Scope
from app.services import access_tokens
from app.services.acting import act_as
from app.services.actors import Actor, of_public
from app.services.audit import note_event
from app.services.passwords import is_right
from app.settings import AuthSettings

USERNAME = re.compile(r"[a-z0-9._-]{3,40}").fullmatch
SESSIONS_KEPT = timedelta(days=30)  # after their end
NAMES_KEPT = timedelta(days=1)  # names without an account that were tried


@dataclass(frozen=True)
class Origin:
    """Where a request comes from: for limits and for the audit log."""

    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class SignedIn:
    """What a sign-in or a refresh gives. The refresh token is good once."""

    access_token: str
    expires_in_s: int
    refresh_token: str
    session_id: str
    session_expires_at: datetime
    user: UserRow


def sign_in(engine: Engine, settings: AuthSettings, username: str, password: str, origin: Origin) -> SignedIn:
    """A new session. Its transactions are its own: a failure is counted and logged although the request is refused.

    Raises InvalidCredentials with the same words and after the same time for an unknown name, a wrong password and a
    disabled account; LockedOut and TooManyRequests after too many failures, for the right password too.
    """
    name = username.strip().lower()
    known_form = USERNAME(name) is not None
    failure_id = begin_attempt(engine, settings, name if known_form else None, origin)
    with Session(engine) as session:
        found = account_repo.password_hash_of(session, name) if known_form else None
    user_id, password_hash, is_disabled = found or (None, None, True)
    right = is_right(password, password_hash)
    if user_id is None or not right or is_disabled:
        fail_attempt(engine, settings, name if known_form else None, origin)
        raise _wrong()
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        repo.clear_attempts(session, name, signed_in_at=now)
        if failure_id is not None:
            repo.take_back_failure(session, failure_id)
        user = account_repo.find_user_by_id(session, user_id)
        if user is None or user.is_disabled:  # disabled while the password was compared
            raise _wrong()
        made = _open_session(session, settings, user, now)
        window = timedelta(minutes=settings.address_window_minutes)
        repo.forget_old(session, now - window, now - NAMES_KEPT, now - SESSIONS_KEPT)
        actor = actor_of(user, origin, session_id=made.session_id)
        note_event(session, actor, AuditAction.SIGN_IN, "user", name, details={"session": made.session_id[:8]})
    return made


def refresh(engine: Engine, settings: AuthSettings, refresh_token: str, origin: Origin) -> SignedIn:
    """New tokens for a session. Raises TokenInvalid, TokenExpired, or SessionEnded.

    A refresh token that comes a second time has been stolen, or was: the session ends (RFC 9700, 4.14.2).
    """
    digest = hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        found = repo.session_of_refresh_token(session, digest)
        if found is None:
            raise access_tokens.token_invalid("refresh_token")
        held = found.AuthSession
        if held.ended_at is not None or found.is_disabled:
            raise _session_ended("refresh_token")
        if now >= held.expires_at or now >= held.refreshed_at + timedelta(hours=settings.session_idle_hours):
            raise access_tokens.token_expired("refresh_token")
        user = account_repo.find_user_by_id(session, held.user_id)
        assert user is not None
        actor = actor_of(user, origin, session_id=held.id)
        if found.used_at is None:
            repo.use_refresh_token(session, digest, held.id, now)
            return _tokens(session, settings, user, held.id, now, held.expires_at)
        repo.end_sessions(session, now, session_id=held.id)
        details = {"session": held.id[:8], "cause": "a refresh token came a second time"}
        note_event(session, actor, AuditAction.SIGN_OUT, "user", user.username, details=details)
    raise _session_ended("refresh_token")


def sign_out(session: Session, actor: Actor) -> None:
    """End the actor's session: its access token is refused from the commit on. Raises nothing for an API token."""
    if actor.session_id is None:
        return
    if repo.end_sessions(session, datetime.now(UTC), session_id=actor.session_id):
        details = {"session": actor.session_id[:8]}
        note_event(session, actor, AuditAction.SIGN_OUT, "user", actor.username, details=details)


def sign_out_all(session: Session, actor: Actor) -> int:
    """End all sessions and sign with a new key from now on; how many sessions that were."""
    actor.require(Role.ADMINISTRATOR, write=True)
    account_repo.lock_accounts(session)
    act_as(session, actor)
    ended = repo.end_sessions(session, datetime.now(UTC))
    repo.retire_keys(session)
    access_tokens.signing_key(session)
    note_event(session, actor, AuditAction.SIGN_OUT, "user", "*", details={"sessions": ended})
    return ended


def identify(session: Session, token: str, origin: Origin) -> Actor:
    """Who an access token is for, as the account is now. Raises TokenExpired, TokenInvalid, or SessionEnded."""
    named = access_tokens.read_unverified(token)
    found = repo.signed_in(session, named.key_id, named.session_id)
    if found is None:
        raise access_tokens.token_invalid()
    claims = access_tokens.verify(token, found.secret)
    if found.user_id is None or claims["sub"] != str(found.user_id):
        raise access_tokens.token_invalid()
    if found.ended_at is not None or found.retired_at is not None or found.is_disabled:
        raise _session_ended("Authorization")
    if datetime.now(UTC) >= found.expires_at:
        raise access_tokens.token_expired()
    return Actor(
        user_id=found.user_id, username=found.username, display_name=found.display_name, role=Role(found.role),
        scope=Scope(AreaLevel(found.area_level), found.area_code), channel=Channel.SESSION, address=origin.address,
        request_id=origin.request_id, session_id=named.session_id,
    )  # fmt: skip


def actor_of(user: UserRow, origin: Origin, *, session_id: str | None = None) -> Actor:
    """The user of an account as the one who acts."""
    return Actor(
        user_id=user.id, username=user.username, display_name=user.display_name, role=Role(user.role),
        scope=Scope(AreaLevel(user.area_level), user.area_code), channel=Channel.SESSION, address=origin.address,
        request_id=origin.request_id, session_id=session_id,
    )  # fmt: skip


def begin_attempt(engine: Engine, settings: AuthSettings, name: str | None, origin: Origin) -> int | None:
    """Count an attempt as failed until it is known not to be. Raises LockedOut or TooManyRequests."""
    now = datetime.now(UTC)
    lock = timedelta(minutes=settings.lock_minutes)
    window = timedelta(minutes=settings.address_window_minutes)
    with Session(engine) as session, session.begin():
        if origin.address is not None:
            limit = settings.address_failures
            count, since = repo.failures_of(session, origin.address, now - window, limit)
            if count >= limit and since is not None:
                raise _too_many(origin.address, since + window - now)
        if name is not None:
            state = repo.count_attempt(session, name, now, forget_after=lock)
            if state.locked_until is not None:
                raise _locked(state.locked_until - now)
            if state.failed_in_row > settings.lock_after_failures:  # others are being compared at this moment
                raise _locked(timedelta(seconds=5))
        return None if origin.address is None else repo.count_failure(session, origin.address, now)


def fail_attempt(engine: Engine, settings: AuthSettings, name: str | None, origin: Origin) -> None:
    """Lock the name if that was one too many, and log it. What was no name is not kept: it may be a password."""
    unknown = replace(of_public(), address=origin.address, request_id=origin.request_id)
    until = datetime.now(UTC) + timedelta(minutes=settings.lock_minutes)
    with Session(engine) as session, session.begin():
        note_event(session, unknown, AuditAction.SIGN_IN_FAILED, "user", name or "?")
        if name is not None and repo.lock_name(session, name, settings.lock_after_failures, until):
            details = {"until": until.isoformat(timespec="seconds")}
            note_event(session, unknown, AuditAction.LOCKED_OUT, "user", name, details=details)


def _open_session(session: Session, settings: AuthSettings, user: UserRow, now: datetime) -> SignedIn:
    session_id = secrets.token_hex(16)
    expires_at = now + timedelta(days=settings.session_days)
    repo.insert_session(session, session_id, user.id, now, expires_at)
    return _tokens(session, settings, user, session_id, now, expires_at)


def _tokens(
    session: Session, settings: AuthSettings, user: UserRow, session_id: str, now: datetime, expires_at: datetime
) -> SignedIn:
    life = min(timedelta(minutes=settings.access_token_minutes), expires_at - now)
    refresh_token = secrets.token_urlsafe(32)
    repo.insert_refresh_token(session, hashlib.sha256(refresh_token.encode()).digest(), session_id)
    access_token = access_tokens.sign(access_tokens.signing_key(session), user.id, session_id, now, life)
    return SignedIn(access_token, int(life.total_seconds()), refresh_token, session_id, expires_at, user)


def _wrong() -> InvalidCredentials:
    item = ErrorItem(
        "username", "用户名或密码不对,或账号已停用", "username or password is wrong, or the account is disabled",
        remedy_zh="检查输入法与大小写;忘记密码请找系统管理员重设",
        remedy_en="check the spelling; an administrator can set a new password",
    )  # fmt: skip
    return InvalidCredentials("用户名或密码不对。", "Wrong username or password.", errors=[item])


def _session_ended(field: str) -> SessionEnded:
    item = ErrorItem(
        field, "所属的登录已结束", "belongs to a session that has ended",
        remedy_zh="请重新登录", remedy_en="sign in again",
    )  # fmt: skip
    return SessionEnded("登录已结束,请重新登录。", "The session has ended; sign in again.", errors=[item])


def _locked(left: timedelta) -> LockedOut:
    seconds = max(1, int(left.total_seconds()) + 1)
    item = ErrorItem(
        "username", "连续多次失败,暂时锁定", "locked for a while after several failures",
        remedy_zh="请稍后再试,或请系统管理员重设密码", remedy_en="wait, or ask an administrator for a new password",
    )  # fmt: skip
    return LockedOut(
        f"连续多次密码错误,请在 {seconds} 秒后再试。", f"Too many wrong passwords in a row; try again in {seconds} s.",
        retry_after_s=seconds, errors=[item],
    )  # fmt: skip


def _too_many(address: str, left: timedelta) -> TooManyRequests:
    seconds = max(1, int(left.total_seconds()) + 1)
    item = ErrorItem(
        "address", "此地址登录失败次数过多", "too many failed sign-ins from this address", value=address,
        remedy_zh=f"请在 {seconds} 秒后再试", remedy_en=f"try again in {seconds} s",
    )  # fmt: skip
    return TooManyRequests("登录失败过多。", "Too many failed sign-ins.", retry_after_s=seconds, errors=[item])
