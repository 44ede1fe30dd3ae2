"""API tokens as services see them: never more than the account, noted once an hour, compared whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import Forbidden, InvalidInput, OutOfScope, TokenInvalid
from app.models import ApiToken, AuditEntry
from app.models.vocabularies import AreaLevel, Role
from app.repositories import accounts as repo
from app.repositories.scope import Scope
from app.services import accounts, api_tokens
from app.services.accounts import UserChange
from app.services.actors import Actor, of_command
from app.services.api_tokens import NewToken, identify_token, make_token
from app.services.areas_of_accounts import LEVEL_OF_ROLE
from app.services.signing_in import Origin, actor_of
from tests.api.conftest import load_known_city
from tests.conftest import MakeDatabase
from tests.support.accounts import add_user

ROOT = of_command("root")
AREAS = {"90": "90", "9001": "90", "9002": "90", "900101": "9001", "900201": "9002"}  # code -> parent
LEVELS = {2: AreaLevel.CITY, 4: AreaLevel.DISTRICT, 6: AreaLevel.TOWN}


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


def somebody(session: Session, role: Role, code: str) -> tuple[Actor, repo.UserRow]:
    user = repo.find_user_by_id(session, add_user(session, role, code))
    assert user is not None
    return actor_of(user, Origin()), user


def within(outer: str, inner: str) -> bool:
    return outer in ("90", inner, AREAS[inner])


ROLE_AND_AREA = st.sampled_from(
    [(r, c) for r in Role for c in AREAS if LEVEL_OF_ROLE.get(r, LEVELS[len(c)]) is LEVELS[len(c)]]
)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(owner=ROLE_AND_AREA, role=st.none() | st.sampled_from(Role), area=st.none() | st.sampled_from(list(AREAS)))
def test_a_token_is_inside_its_account(
    place: Engine, owner: tuple[Role, str], role: Role | None, area: str | None
) -> None:
    """It is made exactly when role and area are inside; and then it acts as just that."""
    with place.connect() as connection, connection.begin() as outer:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            me, user = somebody(session, *owner)
            allowed = (role is None or role.rank <= owner[0].rank) and (area is None or within(owner[1], area))
            if not allowed:
                with pytest.raises((Forbidden, OutOfScope)):
                    make_token(session, me, user, NewToken("t", role, area))
            else:
                secret = make_token(session, me, user, NewToken("t", role, area)).secret
                actor, _ = identify_token(session, secret, Origin())
                code = area or owner[1]
                assert (actor.role, actor.scope) == (role or owner[0], Scope(LEVELS[len(code)], code))
                assert not actor.may_write
        outer.rollback()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ROLE_AND_AREA, after=ROLE_AND_AREA)
def test_tokens_do_not_outlive_the_powers_of_the_account(
    place: Engine, before: tuple[Role, str], after: tuple[Role, str]
) -> None:
    with place.connect() as connection, connection.begin() as outer:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            me, user = somebody(session, *before)
            add_user(session, Role.ADMINISTRATOR, "90")  # so that this is never the last one
            secret = make_token(session, me, user, NewToken("t")).secret
            accounts.change_user(session, ROOT, user.username, UserChange("x", *after, False, user.version))
            if before[0].rank <= after[0].rank and within(after[1], before[1]):
                actor, _ = identify_token(session, secret, Origin())
                assert (actor.role, actor.scope.code) == before
            else:
                with pytest.raises(TokenInvalid):
                    identify_token(session, secret, Origin())
        outer.rollback()


def test_nobody_makes_a_token_of_another_account(place: Engine) -> None:
    with Session(place) as session:
        me, _ = somebody(session, Role.CITY_OFFICER, "90")
        _, other = somebody(session, Role.DISTRICT_OFFICER, "9001")
        with pytest.raises(Forbidden):
            make_token(session, me, other, NewToken("t"))


@pytest.mark.parametrize("days", [0, -1, 731, 10**9])
def test_how_long(place: Engine, days: int) -> None:
    with Session(place) as session:
        me, user = somebody(session, Role.CITY_OFFICER, "90")
        with pytest.raises(InvalidInput):
            make_token(session, me, user, NewToken("t", days=days))


def test_the_secret_is_compared_whole(place: Engine) -> None:
    with Session(place) as session:
        me, user = somebody(session, Role.CITY_OFFICER, "90")
        secret = make_token(session, me, user, NewToken("t")).secret
        changed = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        for wrong in (changed, secret + "A", secret[:-1], secret.upper(), f" {secret}", secret[:13] + "A" * 43):
            with pytest.raises(TokenInvalid):
                identify_token(session, wrong, Origin())
        assert identify_token(session, secret, Origin())[0].username == user.username


def test_use_is_noted_once_an_hour_and_not_in_the_audit_log(place: Engine) -> None:
    with session_scope(place) as session:
        me, user = somebody(session, Role.CITY_OFFICER, "90")
        made = make_token(session, me, user, NewToken("t"))

    def noted() -> datetime | None:
        with Session(place) as session:
            return session.scalars(select(ApiToken.last_used_at).where(ApiToken.id == made.token.id)).one()

    def is_due() -> bool:
        with Session(place) as session:
            return identify_token(session, made.secret, Origin())[1]

    assert noted() is None and is_due()
    api_tokens.note_use(place, made.token.id)
    first = noted()
    assert first is not None and not is_due()
    api_tokens.note_use(place, made.token.id)
    assert noted() == first
    with session_scope(place) as session:
        long_ago = datetime.now(UTC) - timedelta(minutes=61)
        session.execute(update(ApiToken).where(ApiToken.id == made.token.id).values(last_used_at=long_ago))
    assert is_due()
    with Session(place) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.kind == "api_token")).all()
    mine = [e for e in entries if e.key == made.token.prefix]
    assert [e.action for e in mine] == ["insert"]
    assert mine[0].after is not None and not {"token_sha256", "last_used_at"} & set(mine[0].after)
