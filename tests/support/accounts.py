"""Somebody who is signed in, without the time that a password takes."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models.vocabularies import AreaLevel, Channel, Role
from app.repositories import accounts as account_repo
from app.repositories import sign_ins
from app.repositories.scope import Scope
from app.services import access_tokens
from app.services.acting import act_as
from app.services.actors import Actor, of_system

PASSWORD = "correct horse"
# Argon2id of PASSWORD with a kilobyte or eight and one round: real, and made in a millisecond
PASSWORD_HASH = "$argon2id$v=19$m=8,t=1,p=1$fXGxYIit2vEp1ncF9JqJcg$Ao1luss/ybbckvYjRD2sJQkmZpOff7YGlzpclY98xb0"


def add_user(
    session: Session, role: Role = Role.CITY_OFFICER, area_code: str = "4401", *, level: AreaLevel | None = None,
    username: str | None = None, is_disabled: bool = False,
) -> int:  # fmt: skip
    """Write an account whose password is PASSWORD, and return its id.

    The level of the area is that of the areas table, else ``level``, else by the length of its code.
    """
    if level is None:
        found = account_repo.level_of_area(session, area_code)
        level = AreaLevel(found) if found is not None else _level_by_length(area_code)
    act_as(session, of_system("test"))
    values = {
        "username": username or f"{role.value}-{secrets.token_hex(4)}", "display_name": role.title_zh,
        "role": role.value, "area_code": area_code, "area_level": level.value, "password_hash": PASSWORD_HASH,
        "is_disabled": is_disabled,
    }  # fmt: skip
    return account_repo.insert_user(session, values)


def actor(
    session: Session, role: Role = Role.CITY_OFFICER, area_code: str = "4401", *, level: AreaLevel | None = None,
    username: str | None = None,
) -> Actor:  # fmt: skip
    """Write an account and act as it: for tests of services."""
    user = account_repo.find_user_by_id(session, add_user(session, role, area_code, level=level, username=username))
    assert user is not None
    scope = Scope(AreaLevel(user.area_level), user.area_code)
    return Actor(user.id, user.username, user.display_name, role, scope, Channel.SESSION, address="198.51.100.7")


def signed_in(
    engine: Engine, role: Role = Role.CITY_OFFICER, area_code: str = "4401", *, level: AreaLevel | None = None,
    username: str | None = None,
) -> dict[str, str]:  # fmt: skip
    """Write an account and a session, commit, and return the headers of a request that is signed in.

    ``client.get("/v1/…", headers=signed_in(engine, Role.DISTRICT_OFFICER, "440106"))``
    """
    with Session(engine) as session, session.begin():
        return headers_of(session, add_user(session, role, area_code, level=level, username=username))


def headers_of(session: Session, user_id: int) -> dict[str, str]:
    """The headers of a new session of an account."""
    now, session_id = datetime.now(UTC), secrets.token_hex(16)
    sign_ins.insert_session(session, session_id, user_id, now, now + timedelta(days=1))
    key = access_tokens.signing_key(session)
    return {"Authorization": f"Bearer {access_tokens.sign(key, user_id, session_id, now, timedelta(hours=1))}"}


def _level_by_length(code: str) -> AreaLevel:
    return AreaLevel.CITY if len(code) <= 4 else AreaLevel.DISTRICT if len(code) <= 6 else AreaLevel.TOWN
