"""API tokens and accounts over HTTP: made, changed, ended, and never more than they may be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models import ApiToken, SignInFailure, User
from app.models.vocabularies import Role
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in
from tests.support.signing import (
    CITY,
    DISTRICT,
    OTHER_DISTRICT,
    TOWN,
    ask_token,
    bearer,
    events,
    me,
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
