"""Accounts: made, changed, disabled, given another password. None is ever removed.

Changes of accounts wait for one another (they are rare), so that two administrators cannot lower each other at the same
time. What a change takes away is gone at once: sessions end, and tokens that may do more than the account are revoked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, InvalidInput, NotFound, StaleVersion
from app.models.vocabularies import Role
from app.repositories import accounts as repo
from app.repositories import sign_ins
from app.repositories.accounts import UserRow
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.api_tokens import require_person, revoke_exceeding
from app.services.areas_of_accounts import check_role_and_area, the_city
from app.services.passwords import check_new_password, hash_password, is_right, random_password
from app.services.signing_in import USERNAME, Origin, begin_attempt, fail_attempt
from app.services.suggestions import unknown_code
from app.settings import AuthSettings

DISPLAY_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,60}").fullmatch


@dataclass(frozen=True)
class NewUser:
    """An account to be made. Without a password a random one is made; without a display name it is the username;
    without an area the role must be one of the city."""

    username: str
    role: Role
    area_code: str | None = None
    display_name: str | None = None
    password: str | None = None
    must_change_password: bool = True


@dataclass(frozen=True)
class UserChange:
    """An account as it shall be; ``version`` is that of the account as it was seen."""

    display_name: str
    role: Role
    area_code: str
    is_disabled: bool
    version: int


@dataclass(frozen=True)
class GivenPassword:
    """An account and the password that was made for it: to be shown once. None where it was given."""

    user: UserRow
    password: str | None


def add_user(session: Session, actor: Actor, wanted: NewUser) -> GivenPassword:
    """Make an account.

    Raises Forbidden for others than administrators; InvalidInput for a name of another form, an area that there is not
    or that does not go with the role, a weak password; Conflict for a name that is taken.
    """
    _require_administrator(actor)
    _check_username(wanted.username)
    display_name = _checked_display_name(wanted.display_name or wanted.username)
    if wanted.password is not None:
        check_new_password(wanted.password, wanted.username, field="password")
    password = wanted.password or random_password()
    password_hash = hash_password(password)  # before the lock: it takes its time
    repo.lock_accounts(session)
    area_code = wanted.area_code or the_city(session)
    scope = check_role_and_area(session, wanted.role, area_code)
    if repo.find_user(session, wanted.username) is not None:
        raise _name_taken(wanted.username)
    act_as(session, actor)
    values = {
        "username": wanted.username, "display_name": display_name, "role": wanted.role.value, "area_code": scope.code,
        "area_level": scope.level.value, "password_hash": password_hash,
        "must_change_password": wanted.must_change_password,
    }  # fmt: skip
    repo.insert_user(session, values)
    sign_ins.clear_attempts(session, wanted.username, signed_in_at=None)
    return GivenPassword(_there(session, wanted.username), password if wanted.password is None else None)


def get_user(session: Session, actor: Actor, username: str) -> UserRow:
    """One account. Raises Forbidden for others than administrators, NotFound with the names like it."""
    _require_administrator(actor)
    return _found(session, username)


def own_account(session: Session, actor: Actor) -> UserRow:
    """The account that the actor belongs to."""
    found = None if actor.user_id is None else repo.find_user_by_id(session, actor.user_id)
    if found is None:
        raise NotFound("没有对应的账号。", "There is no account to this.")
    return found


def list_users(session: Session, actor: Actor, *, after: str | None = None, limit: int | None = None) -> list[UserRow]:
    """Accounts by username after ``after``, disabled ones too. Raises Forbidden for others than administrators."""
    _require_administrator(actor)
    return repo.list_users(session, after=after, limit=limit)


def change_user(session: Session, actor: Actor, username: str, wanted: UserChange) -> UserRow:
    """Make an account what is wanted; one that is so already is left alone.

    Raises StaleVersion with the fields that differ when it was changed since it was seen; Conflict for the last
    enabled administrator; Forbidden, NotFound, InvalidInput.
    """
    _require_administrator(actor)
    display_name = _checked_display_name(wanted.display_name)
    repo.lock_accounts(session)
    before = _found(session, username)
    scope = check_role_and_area(session, wanted.role, wanted.area_code)
    values = {
        "display_name": display_name, "role": wanted.role.value, "area_code": scope.code,
        "area_level": scope.level.value, "is_disabled": wanted.is_disabled,
    }  # fmt: skip
    differing = {name: getattr(before, name) for name, value in values.items() if getattr(before, name) != value}
    if not differing:
        return before
    if wanted.version != before.version:
        raise _stale(before, wanted.version, differing)
    is_administrator = wanted.role is Role.ADMINISTRATOR and not wanted.is_disabled
    was_administrator = before.role == Role.ADMINISTRATOR.value and not before.is_disabled
    if was_administrator and not is_administrator and repo.other_administrators(session, before.id) == 0:
        raise _last_administrator(username)
    act_as(session, actor)
    repo.update_user(session, before.id, values)
    after = _there(session, username)
    if after.is_disabled:
        sign_ins.end_sessions(session, datetime.now(UTC), user_id=after.id)
    revoke_exceeding(session, after)
    return after


def set_disabled(session: Session, actor: Actor, username: str, *, is_disabled: bool) -> UserRow:
    """Disable or enable an account, whatever its version. Raises as ``change_user``."""
    seen = get_user(session, actor, username)
    wanted = UserChange(seen.display_name, Role(seen.role), seen.area_code, is_disabled, seen.version)
    return change_user(session, actor, username, wanted)


def reset_password(session: Session, actor: Actor, username: str, password: str | None = None) -> GivenPassword:
    """Give an account another password, and end its sessions and a lock-out. Raises Forbidden, NotFound, InvalidInput.

    For one's own ``change_password`` asks for the old one.
    """
    _require_administrator(actor)
    if password is not None:
        check_new_password(password, username, field="password")
    made = password or random_password()
    password_hash = hash_password(made)
    repo.lock_accounts(session)
    found = _found(session, username)
    act_as(session, actor)
    _write_password(session, found.id, password_hash, must_change=True)
    sign_ins.end_sessions(session, datetime.now(UTC), user_id=found.id)
    sign_ins.clear_attempts(session, username, signed_in_at=None)
    return GivenPassword(_there(session, username), made if password is None else None)


def change_password(
    engine: Engine, session: Session, settings: AuthSettings, actor: Actor, old: str, new: str
) -> None:  # fmt: skip
    """Change one's own password; the other sessions end.

    A wrong old one counts as a failed sign-in, in a transaction of its own. Raises InvalidInput, LockedOut.
    """
    require_person(actor)
    check_new_password(new, actor.username)
    origin = Origin(actor.address, actor.request_id)
    attempt = begin_attempt(engine, settings, actor.username, origin)
    with Session(engine) as reading:
        found = repo.password_hash_of(reading, actor.username)
    if found is None or not is_right(old, found[1]):
        fail_attempt(engine, settings, actor.username, origin)
        item = ErrorItem(
            "old_password", "不对", "is wrong", remedy_zh="填写当前的密码;忘记了请找系统管理员重设",
            remedy_en="give the present password; an administrator can set a new one",
        )  # fmt: skip
        raise InvalidInput("原密码不对。", "The old password is wrong.", errors=[item])
    password_hash = hash_password(new)
    act_as(session, actor)
    _write_password(session, found[0], password_hash, must_change=False)
    sign_ins.end_sessions(session, datetime.now(UTC), user_id=found[0], but=actor.session_id)
    sign_ins.clear_attempts(session, actor.username, signed_in_at=None)
    if attempt is not None:
        sign_ins.take_back_failure(session, attempt)


def _write_password(session: Session, user_id: int, password_hash: str, *, must_change: bool) -> None:
    now = datetime.now(UTC)
    values = {"password_hash": password_hash, "password_changed_at": now, "must_change_password": must_change}
    repo.update_user(session, user_id, values)


def _require_administrator(actor: Actor) -> None:
    actor.require(Role.ADMINISTRATOR, write=True)
    require_person(actor)


def _found(session: Session, username: str) -> UserRow:
    found = repo.find_user(session, username)
    if found is None:
        item = unknown_code(
            "username", username, repo.usernames(session), "用户", "user",
            "全部用户见 /v1/auth/users", "all users are at /v1/auth/users",
        )  # fmt: skip
        raise NotFound(f"没有用户 {username}。", f"There is no user {username}.", errors=[item])
    return found


def _there(session: Session, username: str) -> UserRow:
    found = repo.find_user(session, username)
    assert found is not None
    return found


def _check_username(username: str) -> None:
    if USERNAME(username) is None:
        item = ErrorItem(
            "username", "格式不对", "has another form", value=username,
            remedy_zh="3 至 40 个字符:小写字母、数字、点、下划线、连字符",
            remedy_en="3 to 40 of lower-case letters, digits, dot, underscore, hyphen",
        )  # fmt: skip
        raise InvalidInput("用户名不可用。", "The username cannot be used.", errors=[item])


def _checked_display_name(text: str) -> str:
    stripped = text.strip()
    if DISPLAY_NAME(stripped) is None:
        item = ErrorItem(
            "display_name", "为空、过长或含控制字符", "is blank, too long, or has control characters", value=text,
            remedy_zh="1 至 60 个字", remedy_en="1 to 60 characters",
        )  # fmt: skip
        raise InvalidInput("显示名称不可用。", "The display name cannot be used.", errors=[item])
    return stripped


def _name_taken(username: str) -> Conflict:
    item = ErrorItem(
        "username", "已有此用户", "is taken", value=username,
        remedy_zh="换一个用户名;停用的账号可重新启用", remedy_en="take another one; a disabled account can be enabled",
    )  # fmt: skip
    return Conflict(f"用户名 {username} 已被使用。", f"The username {username} is taken.", errors=[item])


def _stale(now: UserRow, seen: int, differing: dict[str, object]) -> StaleVersion:
    items = [
        ErrorItem(
            name, "现在的值与您提交的不同", "is not what you sent", value=str(value),
            remedy_zh=f"重新读取(版本 {now.version})后再改",
            remedy_en=f"read it again (version {now.version}), then change it",
        )
        for name, value in differing.items()
        if name != "area_level"
    ]  # fmt: skip
    return StaleVersion(
        f"您看到的是版本 {seen},现在是版本 {now.version}。", f"You saw version {seen}; it is {now.version} now.",
        errors=items,
    )  # fmt: skip


def _last_administrator(username: str) -> Conflict:
    item = ErrorItem(
        "role", "是最后一个可用的系统管理员", "is the last enabled administrator", value=username,
        remedy_zh="先另设一个系统管理员", remedy_en="make another administrator first",
    )  # fmt: skip
    return Conflict("不能停用或降级最后一个系统管理员。", "The last administrator stays.", errors=[item])
