"""The service as it is started, on a database of its own settings: all that it does it may do as its role."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import SERVICE_ROLE, make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import AreaLevel, Role
from app.settings import database_settings
from tests.api.conftest import TestClient, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import PASSWORD, add_user
from tests.support.cities import SOUTH, STEP, WEST, load_block_city

POSITION = {"lng": WEST + 2 * STEP, "lat": SOUTH + STEP, "crs": "wgs84"}


@pytest.fixture(scope="module")
def owner(make_database: MakeDatabase) -> Iterator[Engine]:
    """The owner of a small city with streets, people and two stations."""
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_block_city(writing)
        add_user(writing, Role.ADMINISTRATOR, "T1", level=AreaLevel.CITY, username="root")
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def client(owner: Engine) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", owner.url.render_as_string(hide_password=False))
        database_settings.cache_clear()
        try:
            with serving(create_app()) as made:
                yield made
        finally:
            database_settings.cache_clear()


@pytest.fixture(scope="module")
def headers(client: TestClient) -> dict[str, str]:
    form = {"grant_type": "password", "username": "root", "password": PASSWORD}
    token = client.post("/v1/auth/token", data=form).json()
    return {"Authorization": f"Bearer {token['access_token']}"}


def test_the_engine_is_the_role_s(client: TestClient) -> None:
    with client.app.state.resources.reading.connect() as connection:  # type: ignore[attr-defined]
        assert connection.scalar(text("SELECT current_user")) == SERVICE_ROLE


@pytest.mark.parametrize(
    "path",
    [
        "/readyz", "/v1/stations", "/v1/stations/T-W", "/v1/coverage?level=district", "/v1/coverage/cells?area=T101",
        "/v1/areas", "/v1/datasets", "/v1/vocabularies", "/v1/targets/progress", "/v1/targets/sums",
    ],
)  # fmt: skip
def test_the_public_is_answered(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text


def test_people_write_and_it_is_noted(client: TestClient, headers: dict[str, str], owner: Engine) -> None:
    target = {"year": 2026, "area_code": "T101", "measure": "stations", "value": 3}
    once = headers | {"Idempotency-Key": "k-1"}
    first, again = (client.post("/v1/targets", json=target, headers=once) for _ in range(2))
    assert first.status_code == 201 and first.json() == again.json()
    path = f"/v1/targets/{first.json()['id']}"
    change = {"value": 4, "due_on": "2026-12-31", "version": 1}
    assert client.put(path, json=change, headers=headers).status_code == 200
    assert client.delete(path, params={"version": 2}, headers=headers).status_code == 200
    user = {"username": "viewer-1", "role": "viewer", "area_code": "T101"}
    assert client.post("/v1/auth/users", json=user, headers=headers).status_code == 201
    entries = client.get("/v1/audit", headers=headers).json()["entries"]
    assert {"insert", "update", "sign_in"} <= {entry["action"] for entry in entries}
    assert client.get("/v1/audit?format=csv", headers=headers).status_code == 200
    with Session(owner) as session:
        assert session.scalar(text("SELECT count(*) FROM target_versions")) == 2


def test_stations_are_kept_by_it(client: TestClient, headers: dict[str, str]) -> None:
    record = {
        "lng": WEST + 9 * STEP, "lat": SOUTH + 9 * STEP, "crs": "wgs84", "code": "T-N",
        "name": "新站", "type": "community", "host_kind": "other", "status": "open",
        "opened_on": "2026-01-05",
    }  # fmt: skip
    made = client.post("/v1/ledger/stations", json={"record": record}, headers=headers)
    assert made.status_code == 201, made.text
    assert client.get("/v1/stations/T-N").json()["name"] == "新站"
    (entry,) = client.get("/v1/audit?station=T-N", headers=headers).json()["entries"]
    assert (entry["actor"], entry["action"], entry["channel"]) == ("root", "insert", "session")


def test_a_change_of_the_owner_s_is_heard(client: TestClient, owner: Engine) -> None:
    def nearest() -> Any:
        return client.get("/v1/stations/nearest", params=POSITION | {"limit": 1}).json()["hits"][0]["station"]["name"]

    assert nearest() == "站 T-W"
    with owner.begin() as connection:
        connection.execute(text("UPDATE stations SET name = '新名' WHERE code = 'T-W'"))
    until = time.monotonic() + 20
    while nearest() != "新名":
        assert time.monotonic() < until, "the service did not hear of it"
        time.sleep(0.05)


def test_signing_out_ends_it(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/v1/auth/sign-out", headers=headers).status_code == 204
    assert client.get("/v1/auth/me", headers=headers).status_code == 401
