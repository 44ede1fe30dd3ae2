"""API tokens: what machines come with. A token may never do more than the account that made it.

``smk_<prefix>_<secret>``: the prefix names it, its SHA-256 is kept. A hash without salt or stretching is enough: the
secret has 256 bits of chance.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import ErrorItem, Forbidden, InvalidInput, NotFound, OutOfScope
from app.models.vocabularies import AreaLevel, Channel, Role
from app.repositories import accounts as repo
from app.repositories.accounts import TokenRow, UserRow
from app.repositories.scope import Scope
from app.services.access_tokens import token_expired, token_invalid
from app.services.acting import act_as
from app.services.actors import Actor
from app.services.areas_of_accounts import holds_area, scope_of_area
from app.services.signing_in import Origin

MARK = "smk_"
FORM = re.compile(r"smk_([a-z2-7]{8})_[A-Za-z0-9_-]{43}").fullmatch
PREFIX_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
DEFAULT_DAYS, MOST_DAYS = 365, 730
USE_NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True)
class NewToken:
    """What a token shall be; role and area are those of the account unless given."""

    name: str
    role: Role | None = None
    area_code: str | None = None
    may_write: bool = False
    days: int = DEFAULT_DAYS


@dataclass(frozen=True)
class MadeToken:
    """``secret`` is the whole token: nobody can read it again."""

    token: TokenRow
    secret: str


def make_token(session: Session, actor: Actor, owner: UserRow, wanted: NewToken) -> MadeToken:
    """Issue a token of ``owner``'s account.

    Raises Forbidden for a role above the owner's, or when the actor has come with a token himself; OutOfScope for an
    area outside of the owner's; InvalidInput for an area that there is not.
    """
    require_person(actor)
    if owner.id != actor.user_id:
        actor.require(Role.ADMINISTRATOR, write=True)
    if not 1 <= wanted.days <= MOST_DAYS:
        raise _bad_days(wanted.days)
    role = wanted.role or Role(owner.role)
    if role.rank > Role(owner.role).rank:
        raise _role_too_high(role, Role(owner.role))
    scope = Scope(AreaLevel(owner.area_level), owner.area_code)
    area = scope if wanted.area_code is None else scope_of_area(session, wanted.area_code)
    if not holds_area(session, scope, area):
        raise _outside(area.code, scope)
    act_as(session, actor)
    prefix = "".join(secrets.choice(PREFIX_LETTERS) for _ in range(8))
    secret = f"{MARK}{prefix}_{secrets.token_urlsafe(32)}"
    now = datetime.now(UTC)
    values = {
        "user_id": owner.id, "name": wanted.name, "prefix": prefix, "token_sha256": digest_of(secret),
        "role": role.value, "area_code": area.code, "area_level": area.level.value, "may_write": wanted.may_write,
        "created_at": now, "expires_at": now + timedelta(days=wanted.days),
    }  # fmt: skip
    made = repo.find_token(session, repo.insert_token(session, values))
    assert made is not None
    return MadeToken(made, secret)


def list_tokens(
    session: Session, actor: Actor, *, after: int | None = None, limit: int | None = None
) -> list[TokenRow]:  # fmt: skip
    """The actor's own tokens by id after ``after``; all there are for an administrator. Raises Forbidden."""
    require_person(actor)
    everybodys = actor.role is Role.ADMINISTRATOR
    return repo.list_tokens(session, user_id=None if everybodys else actor.user_id, after=after, limit=limit)


def revoke_token(session: Session, actor: Actor, token_id: int) -> TokenRow:
    """End a token: the next request with it is refused. Raises NotFound for another's, too, unless an administrator's.

    Ended again, it stays as it is.
    """
    require_person(actor)
    found = repo.find_token(session, token_id)
    if found is None or (found.user_id != actor.user_id and actor.role is not Role.ADMINISTRATOR):
        item = ErrorItem(
            "id", "没有这个令牌", "there is no such token", value=str(token_id),
            remedy_zh="见 /v1/auth/tokens", remedy_en="see /v1/auth/tokens",
        )  # fmt: skip
        raise NotFound(f"没有编号为 {token_id} 的令牌。", f"There is no token {token_id}.", errors=[item])
    act_as(session, actor)
    repo.revoke_tokens(session, [token_id])
    after = repo.find_token(session, token_id)
    assert after is not None
    return after


def revoke_exceeding(session: Session, user: UserRow) -> None:
    """End the tokens of an account that may do more than it may now: it has been disabled, lowered or moved."""
    scope = Scope(AreaLevel(user.area_level), user.area_code)
    ending = [
        token.id
        for token in repo.list_tokens(session, user_id=user.id)
        if user.is_disabled
        or Role(token.role).rank > Role(user.role).rank
        or not holds_area(session, scope, Scope(AreaLevel(token.area_level), token.area_code))
    ]
    repo.revoke_tokens(session, ending)


def identify_token(session: Session, secret: str, origin: Origin) -> tuple[Actor, bool]:
    """Who comes with a token, and whether its use is to be noted. Raises TokenInvalid or TokenExpired."""
    form = FORM(secret)
    found = None if form is None else repo.token_by_prefix(session, form.group(1))
    if found is None or not compare_digest(found.ApiToken.token_sha256, digest_of(secret)):
        raise token_invalid()
    token = found.ApiToken
    if token.revoked_at is not None or found.is_disabled:
        raise token_invalid()
    now = datetime.now(UTC)
    if now >= token.expires_at:
        raise token_expired()
    actor = Actor(
        user_id=token.user_id, username=found.username, display_name=found.display_name, role=Role(token.role),
        scope=Scope(AreaLevel(token.area_level), token.area_code), channel=Channel.TOKEN, may_write=token.may_write,
        address=origin.address, request_id=origin.request_id, token_id=token.id,
    )  # fmt: skip
    return actor, token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY


def note_use(engine: Engine, token_id: int) -> None:
    """Remember that a token was used; once an hour is enough."""
    with Session(engine) as session, session.begin():
        repo.note_token_use(session, token_id, datetime.now(UTC), USE_NOTED_EVERY)


def require_person(actor: Actor) -> None:
    """Raises Forbidden for whoever comes with an API token: accounts and tokens are people's affair."""
    if actor.channel is Channel.TOKEN:
        item = ErrorItem(
            "Authorization", "不能用接口令牌", "an API token is not enough",
            remedy_zh="请用用户名和密码登录", remedy_en="sign in with username and password",
        )  # fmt: skip
        raise Forbidden("接口令牌不能管理账号与令牌。", "API tokens do not manage accounts or tokens.", errors=[item])


def digest_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _bad_days(days: int) -> InvalidInput:
    item = ErrorItem(
        "days", "超出范围", "is out of range", value=str(days),
        remedy_zh=f"1 至 {MOST_DAYS} 天", remedy_en=f"1 to {MOST_DAYS} days",
    )  # fmt: skip
    return InvalidInput("令牌有效期有误。", "The token's life is out of range.", errors=[item])


def _role_too_high(role: Role, most: Role) -> Forbidden:
    item = ErrorItem(
        "role", "高于账号的角色", "is above the account's", value=role.value,
        remedy_zh=f"至多 {most.value}", remedy_en=f"at most {most.value}",
    )  # fmt: skip
    return Forbidden("令牌的角色不能高于账号。", "A token's role cannot be above its account's.", errors=[item])


def _outside(code: str, scope: Scope) -> OutOfScope:
    item = ErrorItem(
        "area_code", "不在账号的管辖范围内", "is outside of the account's scope", value=code,
        remedy_zh=f"须在 {scope.code} 之内", remedy_en=f"something inside {scope.code}",
    )  # fmt: skip
    return OutOfScope("令牌的范围超出账号的管辖。", "The token's area is outside of its account's.", errors=[item])
