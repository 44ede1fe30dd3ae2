"""Sign-ins without HTTP: keys, and who an access token is for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import DomainError, InvalidCredentials, LockedOut, SessionEnded, TokenInvalid, Unauthenticated
from app.models import AuthKey, AuthSession, RefreshToken, SignInFailure, SignInState
from app.models.vocabularies import Channel, Role
from app.services import access_tokens, accounts, signing_in
from app.services.actors import of_command
from app.services.signing_in import Origin
from app.settings import AuthSettings
from tests.conftest import MakeDatabase
from tests.support.accounts import PASSWORD, add_user

ROOT = of_command("root")
SETTINGS = AuthSettings()
NOWHERE = Origin()


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        for name in ("tianhe", "yuexiu", "panyu", "haizhu"):
            add_user(writing, Role.DISTRICT_OFFICER, "440106", username=name)
        add_user(writing, Role.ADMINISTRATOR, "4401", username="chief")
    yield made
    made.dispose()


def test_one_key_is_made_by_many_who_need_it(make_database: MakeDatabase) -> None:
    engine = make_engine(make_database())

    def key(_: int) -> tuple[int, bytes]:
        with session_scope(engine) as session:
            return access_tokens.signing_key(session)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(key, range(8)))) == 1
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(AuthKey)) == 1
    engine.dispose()


def test_the_actor_is_the_account_as_it_is_now(place: Engine) -> None:
    made = signing_in.sign_in(place, SETTINGS, "tianhe", PASSWORD, Origin("203.0.113.5", "r1"))
    with Session(place) as session:
        actor = signing_in.identify(session, made.access_token, Origin("203.0.113.6", "r2"))
    assert (actor.username, actor.role, actor.scope.code) == ("tianhe", Role.DISTRICT_OFFICER, "440106")
    assert (actor.channel, actor.address, actor.request_id) == (Channel.SESSION, "203.0.113.6", "r2")
    assert actor.may_write and actor.session_id == made.session_id and actor.token_id is None


def test_nothing_that_opens_a_door_is_kept_as_it_is(place: Engine) -> None:
    made = signing_in.sign_in(place, SETTINGS, "tianhe", PASSWORD, NOWHERE)
    with Session(place) as session:
        held = session.scalars(select(RefreshToken.token_sha256)).all()
    assert all(made.refresh_token.encode() not in digest and len(digest) == 32 for digest in held)


def test_a_new_key_ends_every_session(place: Engine) -> None:
    made = signing_in.sign_in(place, SETTINGS, "tianhe", PASSWORD, NOWHERE)
    with session_scope(place) as session:
        assert signing_in.sign_out_all(session, ROOT) >= 1
    with Session(place) as session, pytest.raises(SessionEnded):
        signing_in.identify(session, made.access_token, NOWHERE)
    with pytest.raises(SessionEnded):
        signing_in.refresh(place, SETTINGS, made.refresh_token, NOWHERE)
    again = signing_in.sign_in(place, SETTINGS, "tianhe", PASSWORD, NOWHERE)
    with Session(place) as session:
        assert signing_in.identify(session, again.access_token, NOWHERE).username == "tianhe"
        # who knows the key of before signs nothing with it: the session of today under the key of yesterday
        old_key = session.execute(select(AuthKey.id, AuthKey.secret).where(AuthKey.retired_at.is_not(None))).first()
    assert old_key is not None
    forged = access_tokens.sign(
        (old_key.id, old_key.secret), again.user.id, again.session_id, datetime.now(UTC), timedelta(minutes=5)
    )
    with Session(place) as session, pytest.raises(Unauthenticated):
        signing_in.identify(session, forged, NOWHERE)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_token_with_any_character_changed_is_refused(place: Engine, data: st.DataObject) -> None:
    """All but the last of the signature, which has bits that base64 leaves out."""
    made = signing_in.sign_in(place, SETTINGS, "yuexiu", PASSWORD, NOWHERE) if not TOKENS else None
    if made is not None:
        TOKENS.append(made.access_token)
    token = TOKENS[0]
    at = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("abcXYZ019-_.=é\x00").filter(lambda c: c != token[at]))
    with Session(place) as session, pytest.raises(TokenInvalid):
        signing_in.identify(session, token[:at] + other + token[at + 1 :], NOWHERE)


TOKENS: list[str] = []


def test_an_administrator_ends_a_lock_with_a_new_password(place: Engine) -> None:
    for _ in range(SETTINGS.lock_after_failures):
        with pytest.raises(InvalidCredentials):
            signing_in.sign_in(place, SETTINGS, "panyu", "wrong horse", NOWHERE)
    with pytest.raises(LockedOut):
        signing_in.sign_in(place, SETTINGS, "panyu", PASSWORD, NOWHERE)
    with session_scope(place) as session:
        given_password = accounts.reset_password(session, ROOT, "panyu").password
    assert given_password is not None
    assert signing_in.sign_in(place, SETTINGS, "panyu", given_password, NOWHERE).user.must_change_password


def test_attempts_that_were_cut_off_do_not_lock_for_ever(place: Engine) -> None:
    """A worker that is killed while it compares leaves an attempt counted: after a quarter of an hour it is not."""
    now = datetime.now(UTC)
    with session_scope(place) as session:
        session.add(SignInState(username="haizhu", failed_in_row=5, last_tried_at=now - timedelta(minutes=14)))
    with pytest.raises(LockedOut):
        signing_in.sign_in(place, SETTINGS, "haizhu", PASSWORD, NOWHERE)
    with session_scope(place) as session:
        session.execute(update(SignInState).values(last_tried_at=now - timedelta(minutes=16)))
    signing_in.sign_in(place, SETTINGS, "haizhu", PASSWORD, NOWHERE)


def test_what_counts_no_more_is_forgotten(place: Engine) -> None:
    old = datetime.now(UTC) - timedelta(days=40)
    first = signing_in.sign_in(place, SETTINGS, "tianhe", PASSWORD, NOWHERE)
    with session_scope(place) as session:
        session.execute(update(AuthSession).where(AuthSession.id == first.session_id).values(expires_at=old))
        session.add_all([SignInFailure(address="203.0.113.9", at=old), SignInState(username="typo", last_tried_at=old)])
    signing_in.sign_in(place, SETTINGS, "tianhe", PASSWORD, Origin("203.0.113.10"))
    with Session(place) as session:
        assert session.get(AuthSession, first.session_id) is None
        assert session.scalar(select(func.count()).select_from(SignInFailure)) == 0, "and success is none"
        assert session.get(SignInState, "typo") is None and session.get(SignInState, "tianhe") is not None


def test_a_long_write_does_not_keep_people_out(place: Engine) -> None:
    """An import may hold the ledger's lock for many seconds; who signs in meanwhile, or is refused, does not wait."""
    from app.repositories.context import ledger_moment

    with session_scope(place) as importing:
        ledger_moment(importing)
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(signing_in.sign_in, place, SETTINGS, "tianhe", PASSWORD, NOWHERE).result(timeout=10)
    assert made.user.username == "tianhe"


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_any_name_is_answered(place: Engine, name: str) -> None:
    with pytest.raises(DomainError):
        signing_in.sign_in(place, SETTINGS, name, "x", NOWHERE)
    with pytest.raises(DomainError):
        signing_in.refresh(place, SETTINGS, name, NOWHERE)
