"""Access tokens: JWT by HS256, and the keys that they are signed with.

The key lies in the database, so that all workers have the same; the header's ``kid`` names it. A token says who it is
for (``sub``) and of which session (``sid``): what the user may do is read from the database at every request.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from sqlalchemy.orm import Session

from app.errors import ErrorItem, TokenExpired, TokenInvalid
from app.repositories import accounts as account_repo
from app.repositories import sign_ins as repo
from app.services.acting import act_as
from app.services.actors import of_system

ALGORITHM = "HS256"
KEY_BYTES = 32
LONGEST_TOKEN = 2_000  # ours have some 250 characters
LEEWAY_SECONDS = 5  # clocks of two machines


@dataclass(frozen=True)
class Claims:
    """What a token says before its signature is looked at."""

    key_id: int
    session_id: str


def signing_key(session: Session) -> tuple[int, bytes]:
    """Id and secret of the key in use; made if there is none, by one of all who ask at the same time."""
    found = repo.current_key(session)
    if found is not None:
        return found
    account_repo.lock_accounts(session)
    found = repo.current_key(session)
    if found is None:
        act_as(session, of_system("signing-key"))
        secret = secrets.token_bytes(KEY_BYTES)
        found = repo.insert_key(session, secret), secret
    return found


def sign(key: tuple[int, bytes], user_id: int, session_id: str, now: datetime, life: timedelta) -> str:
    """An access token of a session, good until ``now + life``."""
    key_id, secret = key
    claims = {"sub": str(user_id), "sid": session_id, "iat": now, "exp": now + life}
    return jwt.encode(claims, secret, algorithm=ALGORITHM, headers={"kid": str(key_id)})


def read_unverified(token: str) -> Claims:
    """Which key and session a token names. Raises TokenInvalid for what is no token of this service."""
    try:
        if len(token) > LONGEST_TOKEN:
            raise token_invalid()
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
        key_id, session_id = str(header["kid"]), claims["sid"]
        well_formed = key_id.isascii() and key_id.isdigit() and len(key_id) < 10 and header["alg"] == ALGORITHM
        if not well_formed or not isinstance(session_id, str) or not session_id.isalnum():
            raise token_invalid()
    except (jwt.PyJWTError, KeyError, ValueError, TypeError):
        raise token_invalid() from None
    return Claims(int(key_id), session_id)


def verify(token: str, secret: bytes) -> dict[str, Any]:
    """The claims of a token. Raises TokenExpired, or TokenInvalid for another signature."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=[ALGORITHM], leeway=LEEWAY_SECONDS,
            options={"require": ["sub", "sid", "iat", "exp"]},
        )  # fmt: skip
    except jwt.ExpiredSignatureError:
        raise token_expired() from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise token_invalid() from None
    return claims


def token_expired(field: str = "Authorization") -> TokenExpired:
    item = ErrorItem(
        field, "已过期", "has expired", remedy_zh="用 refresh_token 换取新的 access_token,或重新登录",
        remedy_en="get a new access_token with the refresh_token, or sign in again",
    )  # fmt: skip
    return TokenExpired("令牌已过期。", "The token has expired.", errors=[item])


def token_invalid(field: str = "Authorization") -> TokenInvalid:
    item = ErrorItem(
        field, "不是本服务签发的有效令牌", "is no valid token of this service", remedy_zh="请重新登录,或另签发接口令牌",
        remedy_en="sign in again, or have a new API token issued",
    )  # fmt: skip
    return TokenInvalid("令牌无效。", "The token is not valid.", errors=[item])
