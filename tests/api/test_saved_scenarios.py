"""Scenarios that are kept: whose they are, who may read them, and side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.models.vocabularies import Role
from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient
from tests.api.test_scenarios import near_streets, open_codes
from tests.support.accounts import signed_in

Headers = dict[str, str]
PATH = "/v1/scenarios/saved"


@pytest.fixture
def planner(demo_engine: Engine) -> Iterator[Headers]:
    yield signed_in(demo_engine, Role.CITY_OFFICER, "4401")
    with demo_engine.begin() as connection:
        connection.execute(text("DELETE FROM scenarios WHERE owner <> 'city'"))


@pytest.fixture
def colleague(demo_engine: Engine) -> Headers:
    return signed_in(demo_engine, Role.VIEWER, "4401")


def asked(snapshot: Snapshot, count: int = 2, **more: Any) -> dict[str, Any]:
    changes = [*near_streets(snapshot, count), {"kind": "close", "code": open_codes(snapshot)[0]}]
    return {"name": "新增与撤销", "question": {"crs": "gcj02", "changes": changes, "level": "city"}, **more}


def test_a_scenario_s_life(client: TestClient, planner: Headers, colleague: Headers, demo_snapshot: Snapshot) -> None:
    sent = asked(demo_snapshot, note="备选\n二")
    made = client.post(PATH, json=sent, headers=planner)
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["name"], body["note"], body["shared"], body["link"], body["version"]) == (
        "新增与撤销", "备选\n二", "private", None, 1
    )  # fmt: skip
    where = f"{PATH}/{body['id']}"
    held = client.get(where, headers=planner).json()
    direct = client.post("/v1/scenarios", json=sent["question"]).json()
    assert held["answer"] == direct and held["scenario"] == body
    assert client.get(where, headers=colleague).status_code == 404
    assert client.get(where).status_code == 401
    changed = {**sent, "name": "又一名", "shared": "office", "version": 1}
    assert client.put(where, json=changed, headers=colleague).status_code == 404
    assert client.put(where, json=changed, headers=planner).json()["version"] == 2
    stale = client.put(where, json=changed, headers=planner)
    assert stale.status_code == 409 and stale.json()["code"] == "stale_version"
    assert client.get(where, headers=colleague).json()["scenario"]["name"] == "又一名"
    refused = client.put(where, json={**changed, "version": 2}, headers=colleague)
    assert refused.status_code == 403 and body["owner"] in refused.json()["errors"][0]["message"]
    assert client.delete(where, params={"version": 1}, headers=planner).status_code == 409
    assert client.delete(where, params={"version": 2}, headers=colleague).status_code == 403
    assert client.delete(where, params={"version": 2}, headers=planner).status_code == 204
    assert client.get(where, headers=planner).status_code == 404


def test_by_its_link_until_it_is_taken_back(
    client: TestClient, planner: Headers, demo_snapshot: Snapshot, demo_engine: Engine
) -> None:
    body = client.post(PATH, json=asked(demo_snapshot, shared="link"), headers=planner).json()
    seen = client.get(body["link"])
    assert seen.status_code == 200 and seen.json()["scenario"]["id"] == body["id"]
    with demo_engine.connect() as connection:
        logged = connection.execute(text("SELECT * FROM audit_log WHERE kind = 'scenario' ORDER BY id DESC LIMIT 1"))
        assert body["link"].rpartition("/")[2] not in str(logged.mappings().one()), "the key is not in the log"
    back = {"name": body["name"], "question": body["question"], "shared": "office", "version": 1}
    assert client.put(f"{PATH}/{body['id']}", json=back, headers=planner).json()["link"] is None
    assert client.get(body["link"]).status_code == 404
    assert client.get("/v1/scenarios/shared/nothing").status_code == 404


def test_pages_and_sending_twice(
    client: TestClient, planner: Headers, colleague: Headers, demo_snapshot: Snapshot
) -> None:
    sent = [asked(demo_snapshot, 1, name=f"方案{k}", shared="office" if k % 2 else "private") for k in range(5)]
    made = [client.post(PATH, json=one, headers=planner) for one in sent]
    numbers = [answer.json()["id"] for answer in made]
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = client.get(PATH, params=query, headers=planner).json()
        seen += [one["id"] for one in page["scenarios"] if one["owner"] != "city"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == numbers[::-1]
    shared = [one["id"] for one in client.get(PATH, headers=colleague).json()["scenarios"] if one["owner"] != "city"]
    assert shared == [numbers[3], numbers[1]]
    key = {**planner, "Idempotency-Key": f"same-{numbers[0]}"}
    twice = [client.post(PATH, json=asked(demo_snapshot), headers=key).json()["id"] for _ in range(2)]
    assert twice[0] == twice[1]


def test_side_by_side_each_is_what_it_is_alone(client: TestClient, planner: Headers, demo_snapshot: Snapshot) -> None:
    questions = [asked(demo_snapshot, count) for count in (1, 3)]
    numbers = [client.post(PATH, json=one, headers=planner).json()["id"] for one in questions]
    answer = client.get(
        "/v1/scenarios/compare",
        params={"id": numbers, "level": "town", "minutes": 10, "profile": "senior"},
        headers=planner,
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [one["id"] for one in body["scenarios"]] == numbers
    for k, one in enumerate(questions):
        more = {"level": "town", "minutes": 10, "profile": "senior"}
        alone = client.post("/v1/scenarios", json={**one["question"], **more}).json()
        assert alone["run_id"] == body["run_id"]
        assert {name: body["scenarios"][k][name] for name in alone["total"]} == alone["total"]
        for row, other in zip(body["rows"], alone["rows"], strict=True):
            assert row["before"] == other["before"] and row["code"] == other["code"]
            assert {name: row["after"][k][name] for name in other["after"]} == other["after"]
            assert row["after"][k]["net"] == other["gained"] - other["lost"]
    missing = client.get("/v1/scenarios/compare", params={"id": [numbers[0], 999_999]}, headers=planner)
    assert missing.status_code == 404 and missing.json()["errors"][0]["value"] == "999999"


def test_what_does_not_hold_together_is_not_kept(client: TestClient, planner: Headers) -> None:
    bad = {"name": "x", "question": {"changes": [{"kind": "move", "code": "YC440106-001"}]}}
    answer = client.post(PATH, json=bad, headers=planner)
    assert answer.status_code == 422
    assert [item["field"] for item in answer.json()["errors"]] == ["changes[0].lng", "changes[0].lat"]
    kept = client.get(PATH, headers=planner).json()["scenarios"]
    assert {one["owner"] for one in kept} == {"city"}, "those of the demonstration city alone"


def test_the_demonstration_city_has_two(client: TestClient) -> None:
    merged, more = (
        client.get(f"/v1/scenarios/shared/demo-scenario-{name}").json()["answer"] for name in ("merge", "three")
    )
    assert merged["total"]["after"]["stations"] == merged["total"]["before"]["stations"] - 1
    assert len(more["changes"]) == 3 and all(change["gained"] > 0 for change in more["changes"])
