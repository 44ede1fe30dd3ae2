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
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models import ApiToken, AuditEntry, AuthSession, SignInFailure, User
from app.models.vocabularies import Role
from app.repositories import sign_ins
from app.services import access_tokens
from app.settings import auth_settings
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import PASSWORD, add_user, signed_in

CITY, DISTRICT, OTHER_DISTRICT, TOWN = "90", "9001", "9002", "900101"
Headers = dict[str, str]


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


def new_user(place: Engine, name: str, role: Role = Role.DISTRICT_OFFICER, area: str = DISTRICT, **more: Any) -> int:
    with session_scope(place) as writing:
        return add_user(writing, role, area, username=name, **more)


def ask_token(desk: TestClient, **form: str) -> Any:
    return desk.post("/v1/auth/token", data={"grant_type": "password", **form})


def sign_in(desk: TestClient, name: str, password: str = PASSWORD) -> dict[str, Any]:
    answer = ask_token(desk, username=name, password=password)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def me(desk: TestClient, token: str) -> tuple[int, str | None]:
    """Status and code of asking who one is."""
    answer = desk.get("/v1/auth/me", headers=bearer(token))
    return answer.status_code, answer.json().get("code")


def events(place: Engine, **wanted: str) -> list[AuditEntry]:
    with Session(place) as session:
        return list(session.scalars(select(AuditEntry).filter_by(**wanted).order_by(AuditEntry.id)))


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


def test_tokens_of_machines(desk: TestClient, place: Engine) -> None:
    officer = signed_in(place, Role.DISTRICT_OFFICER, DISTRICT, username="maker")
    made = desk.post("/v1/auth/tokens", json={"name": "excel-sync", "days": 90}, headers=officer)
    assert made.status_code == 201, made.text
    token, secret = made.json()["token"], made.json()["secret"]
    assert secret.startswith(token["prefix"] + "_") and (token["role"], token["may_write"]) == (
        "district_officer",
        False,
    )
    assert token["last_used_at"] is None
    with Session(place) as session:
        held = session.get(ApiToken, token["id"])
        assert held is not None and secret.encode() not in held.token_sha256
        assert (held.expires_at - held.created_at).days == 90
    seen = desk.get("/v1/auth/me", headers=bearer(secret)).json()
    assert (seen["channel"], seen["may_write"], seen["area"]["code"]) == ("token", False, DISTRICT)
    listed = desk.get("/v1/auth/tokens", headers=officer).json()["tokens"]
    assert [t["id"] for t in listed] == [token["id"]] and listed[0]["last_used_at"] is not None
    assert "secret" not in listed[0] and secret not in json.dumps(listed)

    for call in (
        desk.get("/v1/auth/tokens", headers=bearer(secret)),
        desk.post("/v1/auth/tokens", json={"name": "child"}, headers=bearer(secret)),
        desk.delete(f"/v1/auth/tokens/{token['id']}", headers=bearer(secret)),
        desk.post("/v1/auth/password", json={"old_password": "x", "new_password": "y"}, headers=bearer(secret)),
    ):
        assert (call.status_code, call.json()["code"]) == (403, "forbidden"), "a token makes no tokens"

    stranger = signed_in(place, Role.DISTRICT_OFFICER, OTHER_DISTRICT)
    assert desk.delete(f"/v1/auth/tokens/{token['id']}", headers=stranger).status_code == 404
    assert desk.get("/v1/auth/tokens", headers=stranger).json()["tokens"] == []
    ended = desk.delete(f"/v1/auth/tokens/{token['id']}", headers=officer)
    assert ended.status_code == 200 and ended.json()["revoked_at"] is not None
    assert me(desk, secret) == (401, "token_invalid")
    again = desk.delete(f"/v1/auth/tokens/{token['id']}", headers=officer)
    assert again.json()["revoked_at"] == ended.json()["revoked_at"]


def test_a_token_that_is_over(desk: TestClient, place: Engine) -> None:
    officer = signed_in(place, Role.TOWN_OFFICER, TOWN)
    made = desk.post("/v1/auth/tokens", json={"name": "old"}, headers=officer).json()
    with session_scope(place) as writing:
        past = datetime.now(UTC) - timedelta(seconds=1)
        moved = {"expires_at": past, "created_at": past - timedelta(days=1)}
        writing.execute(update(ApiToken).where(ApiToken.id == made["token"]["id"]).values(**moved))
    assert me(desk, made["secret"]) == (401, "token_expired")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"role": "city_officer"}, 403, "role"),
        ({"area_code": CITY}, 403, "area_code"),
        ({"area_code": OTHER_DISTRICT}, 403, "area_code"),
        ({"area_code": "900201"}, 403, "area_code"),
        ({"area_code": "9003"}, 422, "area_code"),
        ({"area_code": TOWN, "role": "viewer"}, 201, None),
        ({"area_code": TOWN}, 201, None),
        ({"days": 731}, 422, "days"),
        ({"name": " "}, 422, "name"),
        ({"name": "a\nb"}, 422, "name"),
    ],
)
def test_a_token_is_never_more_than_its_maker(
    desk: TestClient, place: Engine, body: dict[str, Any], status: int, field: str | None
) -> None:
    officer = signed_in(place, Role.DISTRICT_OFFICER, DISTRICT)
    answer = desk.post("/v1/auth/tokens", json={"name": "t", **body}, headers=officer)
    assert answer.status_code == status, answer.text
    if field is not None:
        assert answer.json()["errors"][0]["field"] == field


def test_a_token_asked_for_twice_is_one_and_its_secret_is_not_kept(desk: TestClient, place: Engine) -> None:
    officer = signed_in(place, Role.DISTRICT_OFFICER, DISTRICT)
    keyed = {**officer, "Idempotency-Key": "the-same"}
    first, second = (desk.post("/v1/auth/tokens", json={"name": "twice"}, headers=keyed) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["token"] == second.json()["token"]
    assert first.json()["secret"] is not None and second.json()["secret"] is None
    assert len(desk.get("/v1/auth/tokens", headers=officer).json()["tokens"]) == 1


def test_users_are_the_administrators_affair(desk: TestClient, place: Engine) -> None:
    city = signed_in(place, Role.CITY_OFFICER, CITY, username="city-officer")
    body = {"username": "newcomer", "role": "viewer", "area_code": CITY}
    for call in (
        desk.get("/v1/auth/users", headers=city),
        desk.post("/v1/auth/users", json=body, headers=city),
        desk.get("/v1/auth/users/city-officer", headers=city),
        desk.post("/v1/auth/users/city-officer/password", json={}, headers=city),
    ):
        assert (call.status_code, call.json()["code"]) == (403, "forbidden")
    refusals = events(place, action="refused", actor="city-officer")
    assert [e.key for e in refusals] == [
        "GET /v1/auth/users", "POST /v1/auth/users", "GET /v1/auth/users/city-officer",
        "POST /v1/auth/users/city-officer/password",
    ]  # fmt: skip
    assert refusals[0].after is not None and refusals[0].after["code"] == "forbidden"
    with Session(place) as session:
        assert session.scalar(select(User).where(User.username == "newcomer")) is None


def test_an_account_from_its_making_to_its_end(desk: TestClient, place: Engine) -> None:
    admin = signed_in(place, Role.ADMINISTRATOR, CITY, username="chief")
    body = {"username": "life", "display_name": "越秀", "role": "district_officer", "area_code": DISTRICT}
    made = desk.post("/v1/auth/users", json=body, headers=admin)
    assert made.status_code == 201, made.text
    user, password = made.json()["user"], made.json()["password"]
    assert user["must_change_password"] and user["version"] == 1 and user["area"]["name"] == "第1区"
    assert desk.post("/v1/auth/users", json=body, headers=admin).json()["code"] == "conflict"
    session = sign_in(desk, "life", password)
    token = desk.post("/v1/auth/tokens", json={"name": "t"}, headers=bearer(session["access_token"])).json()["secret"]

    change = {"display_name": "越秀区", "role": "district_officer", "area_code": OTHER_DISTRICT, "is_disabled": False}
    moved = desk.put("/v1/auth/users/life", json={**change, "version": 1}, headers=admin)
    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    seen = desk.get("/v1/auth/me", headers=bearer(session["access_token"])).json()
    assert seen["area"]["code"] == OTHER_DISTRICT, "a session follows its account at once"
    assert me(desk, token) == (401, "token_invalid"), "a token of the old district does not outlive the move"

    stale = desk.put("/v1/auth/users/life", json={**change, "display_name": "x", "version": 1}, headers=admin)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert [(e["field"], e["value"]) for e in stale.json()["errors"]] == [("display_name", "越秀区")]
    same = desk.put("/v1/auth/users/life", json={**change, "version": 1}, headers=admin)
    assert (same.status_code, same.json()["version"]) == (200, 2), "it is so already"

    token = desk.post("/v1/auth/tokens", json={"name": "t"}, headers=bearer(session["access_token"])).json()["secret"]
    assert me(desk, token) == (200, None)
    gone = desk.put("/v1/auth/users/life", json={**change, "is_disabled": True, "version": 2}, headers=admin)
    assert gone.json()["is_disabled"]
    assert me(desk, session["access_token"]) == (401, "session_ended")
    assert me(desk, token) == (401, "token_invalid")
    refused = ask_token(desk, grant_type="refresh_token", refresh_token=session["refresh_token"])
    assert refused.status_code == 401
    assert ask_token(desk, username="life", password=password).json()["code"] == "invalid_credentials"
    back = desk.put("/v1/auth/users/life", json={**change, "version": 3}, headers=admin)
    assert back.status_code == 200
    assert me(desk, session["access_token"])[0] == me(desk, token)[0] == 401, "what has ended stays so"

    other = desk.post("/v1/auth/users/life/password", json={}, headers=admin).json()["password"]
    assert ask_token(desk, username="life", password=password).status_code == 401
    sign_in(desk, "life", other)
    written = [(e.action, e.actor) for e in events(place, kind="user", key="life") if e.action in ("insert", "update")]
    assert written == [("insert", "chief")] + [("update", "chief")] * 4
    assert "password_hash" not in json.dumps([e.after for e in events(place, kind="user")])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"area_code": DISTRICT, "role": "city_officer"}, "area_code"),
        ({"area_code": CITY, "role": "district_officer"}, "area_code"),
        ({"area_code": DISTRICT, "role": "town_officer"}, "area_code"),
        ({"area_code": "9009", "role": "viewer"}, "area_code"),
        ({"username": "Upper"}, "username"),
        ({"username": "ab"}, "username"),
        ({"display_name": "  "}, "display_name"),
        ({"password": "short"}, "password"),
        ({"password": "namesake-12"}, None),
        ({"extra": 1}, "extra"),
    ],
)
def test_accounts_that_cannot_be(
    desk: TestClient, place: Engine, body: dict[str, Any], field: str | None
) -> None:  # fmt: skip
    admin = signed_in(place, Role.ADMINISTRATOR, CITY)
    wanted = {"username": "cannot-be", "role": "viewer", "area_code": CITY, **body}
    answer = desk.post("/v1/auth/users", json=wanted, headers=admin)
    if field is None:
        assert (answer.status_code, answer.json()["password"]) == (201, None)
    else:
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    if body.get("area_code") == "9009":
        assert "9001" in answer.json()["errors"][0]["remedy"], "a code that is close to it"


def test_pages_of_users_and_tokens(desk: TestClient, place: Engine) -> None:
    admin = signed_in(place, Role.ADMINISTRATOR, CITY)
    for name in ("one", "two", "three"):
        desk.post("/v1/auth/tokens", json={"name": name}, headers=admin)
    for path, list_name, key in (("users", "users", "username"), ("tokens", "tokens", "id")):
        whole = desk.get(f"/v1/auth/{path}?limit=500", headers=admin).json()[list_name]
        found, cursor = [], ""
        while True:
            page = desk.get(f"/v1/auth/{path}?limit=2{cursor}", headers=admin)
            assert page.status_code == 200
            found += page.json()[list_name]
            if page.json()["next_cursor"] is None:
                break
            assert 'rel="next"' in page.headers["link"]
            cursor = f"&cursor={page.json()['next_cursor']}"
        assert [one[key] for one in found] == [one[key] for one in whole] and len(whole) >= 3


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
