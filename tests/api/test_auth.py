"""Signing in over HTTP: what is given, what is refused and how, and that each refusal leaves what it should."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models import AuthSession, SignInFailure
from app.models.vocabularies import Role
from app.repositories import sign_ins
from app.services import access_tokens
from app.settings import auth_settings
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import PASSWORD
from tests.support.signing import (
    CITY,
    DISTRICT,
    ask_token,
    bearer,
    events,
    me,
    new_user,
    sign_in,
)


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    """A database with areas, to be written to."""
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def desk(place: Engine) -> Iterator[TestClient]:
    """Asks the service over it."""
    with serving(create_app(engine=place, holder=FixedHolder())) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_counted(place: Engine) -> None:
    """All tests come from one address: what one of them failed must not count for the next."""
    with session_scope(place) as writing:
        writing.query(SignInFailure).delete()


def test_sign_in_and_who_am_i(desk: TestClient, place: Engine) -> None:
    new_user(place, "tianhe")
    made = sign_in(desk, " Tianhe ")
    assert (made["token_type"], made["expires_in"]) == ("bearer", 15 * 60)
    answer = desk.get("/v1/auth/me", headers=bearer(made["access_token"]))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "username": "tianhe", "display_name": "区级经办", "role": "district_officer", "role_title": "区级经办",
        "area": {"code": DISTRICT, "level": "district", "name": "第1区"}, "channel": "session", "may_write": True,
        "must_change_password": False,
    }  # fmt: skip
    claims = jwt.decode(made["access_token"], options={"verify_signature": False})
    assert set(claims) == {"sub", "sid", "iat", "exp"} and claims["exp"] - claims["iat"] == 900
    (event,) = events(place, kind="user", key="tianhe", action="sign_in")
    assert (event.actor, event.address, event.channel) == ("tianhe", "testclient", "session")


def test_nothing_tells_why_a_sign_in_failed(desk: TestClient, place: Engine) -> None:
    """An account that is not there, one that is disabled and a wrong password: one answer."""
    new_user(place, "there")
    new_user(place, "gone", is_disabled=True)
    answers = [
        ask_token(desk, username=name, password=password)
        for name, password in (("nobody-here", PASSWORD), ("there", "wrong horse"), ("gone", PASSWORD), ("a b", "x"))
    ]
    assert {a.status_code for a in answers} == {401}
    told = [{k: v for k, v in a.json().items() if k != "request_id"} for a in answers]
    assert all(one == told[0] for one in told) and told[0]["code"] == "invalid_credentials"
    assert all(a.headers["www-authenticate"] == "Bearer" for a in answers)
    assert [e.key for e in events(place, action="sign_in_failed")][-4:] == ["nobody-here", "there", "gone", "?"]


@pytest.mark.parametrize("name", ["locked", "not-an-account"])
def test_five_wrong_passwords_lock(desk: TestClient, place: Engine, name: str) -> None:
    """For the right password too; and a name without an account is locked like one that has one."""
    if name == "locked":
        new_user(place, name)
    for _ in range(auth_settings().lock_after_failures):
        assert ask_token(desk, username=name, password="wrong horse").status_code == 401
    answer = ask_token(desk, username=name, password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (429, "locked_out")
    assert 14 * 60 < int(answer.headers["retry-after"]) <= 15 * 60 + 1
    assert len(events(place, action="locked_out", key=name)) == 1


def test_success_forgets_failures_and_a_lock_ends(desk: TestClient, place: Engine) -> None:
    new_user(place, "clumsy")
    for _ in range(2):
        for _ in range(4):
            assert ask_token(desk, username="clumsy", password="wrong horse").status_code == 401
        sign_in(desk, "clumsy")
    for _ in range(5):
        ask_token(desk, username="clumsy", password="wrong horse")
    assert ask_token(desk, username="clumsy", password=PASSWORD).status_code == 429
    with session_scope(place) as writing:
        past = datetime.now(UTC) - timedelta(seconds=1)
        writing.execute(update(sign_ins.SignInState).filter_by(username="clumsy").values(locked_until=past))
    assert ask_token(desk, username="clumsy", password="wrong horse").status_code == 401, "counted from one again"
    sign_in(desk, "clumsy")


def test_many_guesses_at_once_are_not_more_guesses(desk: TestClient, place: Engine) -> None:
    new_user(place, "guessed")
    with ThreadPoolExecutor(12) as pool:
        statuses = list(
            pool.map(lambda k: ask_token(desk, username="guessed", password=f"guess {k}").status_code, range(12))
        )
    assert statuses.count(401) <= 5 and set(statuses) <= {401, 429}


def test_an_address_has_so_many_failures(
    desk: TestClient, place: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    new_user(place, "neighbour")
    monkeypatch.setattr(auth_settings(), "address_failures", 3)
    for k in range(3):
        assert ask_token(desk, username=f"sprayed-{k}", password="wrong horse").status_code == 401
    answer = ask_token(desk, username="neighbour", password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert 9 * 60 < int(answer.headers["retry-after"]) <= 10 * 60 + 1


def test_refresh_rotates_and_reuse_ends_the_session(desk: TestClient, place: Engine) -> None:
    new_user(place, "rotating")
    first = sign_in(desk, "rotating")

    def refresh(token: str) -> Any:
        return ask_token(desk, grant_type="refresh_token", refresh_token=token)

    second = refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["session_expires_at"] == first["session_expires_at"], "refreshing does not prolong the session"
    assert me(desk, second["access_token"]) == (200, None)
    stolen = refresh(first["refresh_token"])
    assert (stolen.status_code, stolen.json()["code"]) == (401, "session_ended")
    assert me(desk, second["access_token"]) == (401, "session_ended")
    assert refresh(second["refresh_token"]).json()["code"] == "session_ended"
    (event,) = events(place, action="sign_out", key="rotating")
    assert event.after is not None and "second time" in event.after["cause"]
    assert refresh("made-up").json()["code"] == "token_invalid"


def test_two_refreshes_at_once(desk: TestClient, place: Engine) -> None:
    new_user(place, "racing")
    for _ in range(5):
        token = sign_in(desk, "racing")["refresh_token"]
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(lambda t: ask_token(desk, grant_type="refresh_token", refresh_token=t), [token] * 4)
            )
        assert sorted(a.status_code for a in answers) == [200, 401, 401, 401]


def test_sessions_end_by_themselves(desk: TestClient, place: Engine) -> None:
    new_user(place, "idle")
    for column, ago in (("refreshed_at", timedelta(hours=12, seconds=1)), ("expires_at", timedelta(seconds=1))):
        made = sign_in(desk, "idle")
        session_id = jwt.decode(made["access_token"], options={"verify_signature": False})["sid"]
        with session_scope(place) as writing:
            past = {column: datetime.now(UTC) - ago}
            writing.execute(update(AuthSession).where(AuthSession.id == session_id).values(**past))
        answer = ask_token(desk, grant_type="refresh_token", refresh_token=made["refresh_token"])
        assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert me(desk, made["access_token"]) == (401, "token_expired")


def test_what_is_forged_mutilated_or_old(desk: TestClient, place: Engine) -> None:
    user_id = new_user(place, "forged")
    good = sign_in(desk, "forged")["access_token"]
    header, claims, signature = good.split(".")
    said = jwt.decode(good, options={"verify_signature": False})
    key_id = jwt.get_unverified_header(good)["kid"]
    with Session(place) as session:
        key = sign_ins.current_key(session)
    assert key is not None and str(key[0]) == key_id

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    admin = new_user(place, "forged-admin", Role.ADMINISTRATOR, CITY)
    other_user = part({**said, "sub": str(admin)})
    now = datetime.now(UTC)
    old = access_tokens.sign(key, user_id, said["sid"], now - timedelta(hours=1), timedelta(minutes=15))
    wrong = {
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT', 'kid': key_id})}.{claims}.",
        "alg none, signed": f"{part({'alg': 'none', 'typ': 'JWT', 'kid': key_id})}.{claims}.{signature}",
        "another key": jwt.encode(said, b"x" * 32, algorithm="HS256", headers={"kid": key_id}),
        "another algorithm": jwt.encode(said, key[1] * 2, algorithm="HS512", headers={"kid": key_id}),
        "another user": f"{header}.{other_user}.{signature}",
        "another user, right key": jwt.encode(
            {**said, "sub": str(admin)}, key[1], algorithm="HS256", headers={"kid": key_id}
        ),
        "no end": jwt.encode(
            {k: v for k, v in said.items() if k != "exp"}, key[1], algorithm="HS256", headers={"kid": key_id}
        ),
        "unknown key id": jwt.encode(said, key[1], algorithm="HS256", headers={"kid": "999999"}),
        "no number as key id": jwt.encode(said, key[1], algorithm="HS256", headers={"kid": "1 OR 1=1"}),
        "unknown session": jwt.encode({**said, "sid": "f" * 32}, key[1], algorithm="HS256", headers={"kid": key_id}),
        "cut off": good[:-4],
        "no token": "hello",
        "dots": "..",
        "too long": "a" * 5_000,
        "no token of a machine": "smk_aaaaaaaa_" + "a" * 43,
        "half a token of a machine": "smk_",
    }
    assert {name: me(desk, token) for name, token in wrong.items()} == dict.fromkeys(wrong, (401, "token_invalid"))
    assert me(desk, old) == (401, "token_expired")
    assert me(desk, good) == (200, None)
    for header_value in ("", "Bearer", "Bearer ", "Basic dTpw", good):
        answer = desk.get("/v1/auth/me", headers={"Authorization": header_value})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), header_value
    assert desk.get("/v1/auth/me").json()["code"] == "unauthenticated"


def test_sign_out_ends_it_at_once(desk: TestClient, place: Engine) -> None:
    new_user(place, "leaving")
    made, elsewhere = sign_in(desk, "leaving"), sign_in(desk, "leaving")
    answer = desk.post("/v1/auth/sign-out", headers=bearer(made["access_token"]))
    assert (answer.status_code, answer.content) == (204, b"")
    assert me(desk, made["access_token"]) == (401, "session_ended")
    refused = ask_token(desk, grant_type="refresh_token", refresh_token=made["refresh_token"])
    assert refused.json()["code"] == "session_ended"
    assert me(desk, elsewhere["access_token"]) == (200, None)


def test_one_s_own_password(desk: TestClient, place: Engine) -> None:
    new_user(place, "changing")
    here, elsewhere = sign_in(desk, "changing"), sign_in(desk, "changing")

    def change(old: str, new: str) -> Any:
        body = {"old_password": old, "new_password": new}
        return desk.post("/v1/auth/password", json=body, headers=bearer(here["access_token"]))

    for weak in ("short", "changing123", "1234567890", "aaaaaaaaaaaa", "qwertyuiop"):
        answer = change(PASSWORD, weak)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "new_password"), weak
        assert weak not in answer.text
    wrong = change("not the old one", "green tea and buns")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "old_password")
    assert change(PASSWORD, "green tea and buns").status_code == 204
    assert me(desk, here["access_token"]) == (200, None)
    assert me(desk, elsewhere["access_token"]) == (401, "session_ended")
    assert ask_token(desk, username="changing", password=PASSWORD).status_code == 401
    sign_in(desk, "changing", "green tea and buns")
    (entry,) = events(place, kind="user", key="changing", action="update")
    assert entry.after is not None and set(entry.after) == {"password_changed_at"}, "and never the hash"
    for _ in range(5):
        change("not the old one", "green tea and buns")
    assert change("green tea and buns", "red bean and rice").status_code == 429, "a stolen session may not guess on"


def test_forms_that_say_too_little(desk: TestClient) -> None:
    for form, field in (
        ({"grant_type": "implicit"}, "grant_type"),
        ({"grant_type": "password"}, "username"),
        ({"username": "tianhe"}, "password"),
        ({"grant_type": "refresh_token"}, "refresh_token"),
    ):
        answer = ask_token(desk, **form)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    nul = ask_token(desk, username="nul\x00name", password="nul\x00password")
    assert nul.status_code == 401


def test_a_page_of_another_origin_may_ask(desk: TestClient) -> None:
    asked = {
        "Origin": "https://example.org", "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, if-match",
    }  # fmt: skip
    answer = desk.options("/v1/auth/users/tianhe", headers=asked)
    assert answer.status_code == 200
    assert "PUT" in answer.headers["access-control-allow-methods"]
    for name in ("authorization", "idempotency-key", "if-match"):
        assert name in answer.headers["access-control-allow-headers"].lower()
