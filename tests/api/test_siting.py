"""Siting over HTTP: the service's choice, and every wrong question told."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.responses import Response

from app.api.routes import siting as route
from app.api.schemas.siting import SitingAnswerOut
from app.geo.crs import Crs, from_wgs84
from app.services.coverage import CoverageQuery
from app.services.profiles import resolve_profile
from app.services.siting import site
from app.services.siting_question import SitingQuestion
from app.services.snapshot import Snapshot
from app.services.station_table import today
from tests.api.conftest import TestClient

PATH = "/v1/siting"
QUERY = CoverageQuery(resolve_profile(), today())


def ask(client: TestClient, **question: Any) -> Any:
    answer = client.post(PATH, json={"most_candidates": 150, **question})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def places(body: Any, count: int = 4) -> list[dict[str, Any]]:
    return [
        {"id": f"p{k}", "name": f"地点 {k}", "lng": one["lng"], "lat": one["lat"]}
        for k, one in enumerate(body["sites"][:count])
    ]


def test_the_answer_is_that_of_the_service(client: TestClient, demo_snapshot: Snapshot) -> None:
    body = ask(client, count=4)
    assert SitingAnswerOut.model_validate(body, extra="forbid") and set(body) == set(SitingAnswerOut.model_fields)
    expected = site(demo_snapshot, SitingQuestion(QUERY, 4, most_candidates=150))
    assert body["run_id"] == expected.run_id and body["coverage_run_id"] == expected.coverage_run_id
    assert [(s["id"], s["adds"], s["lost_without"]) for s in body["sites"]] == [
        (s.id, round(s.adds, 1), round(s.lost_without, 1)) for s in expected.chosen
    ]
    assert [s["rank"] for s in body["sites"]] == [1, 2, 3, 4] and body["crs"] == "wgs84" and body["proof"] is None
    assert body["gap"] == round(expected.proven.gap or 0, 6) and body["value"] <= body["bound"]
    assert sum(s["adds"] for s in body["sites"]) == pytest.approx(body["gained"], abs=0.3)
    city, *districts = body["areas"]
    assert city["sites"] == 4 and city["gained"] == city["covered_after"] - city["covered_before"]
    coverage = client.get("/v1/coverage", params={"level": "city"}).json()
    assert coverage["run_id"] == body["coverage_run_id"] and coverage["totals"]["covered"] == city["covered_before"]
    assert {s["district"]["code"] for s in body["sites"]} <= {one["code"] for one in districts}
    assert all(s["town"]["code"].startswith(s["district"]["code"]) for s in body["sites"])
    assert body["data_notice"]["synthetic"] and body["minutes"] == 15 and body["inputs"] == demo_snapshot.inputs


def test_exact_is_proven_and_no_worse(client: TestClient) -> None:
    quick, proven = ask(client, count=6), ask(client, count=6, exact=True, time_limit_s=15)
    assert proven["proof"] == "optimal" and proven["gap"] == 0 and quick["value"] <= proven["value"] + 0.1
    assert proven["bound"] <= quick["bound"] + 0.1


@pytest.mark.parametrize("crs", list(Crs))
def test_candidates_come_and_go_in_their_system(client: TestClient, crs: Crs) -> None:
    given = places(ask(client, count=4))
    lng, lat = from_wgs84([one["lng"] for one in given], [one["lat"] for one in given], crs)
    told = [{**one, "lng": float(x), "lat": float(y)} for one, x, y in zip(given, lng, lat, strict=True)]
    body = ask(client, count=3, candidates=told, crs=crs.value)
    assert body["crs"] == crs.value and body["candidates"] == 4
    at = {one["id"]: one for one in told}
    for site_out in body["sites"]:
        assert site_out["lng"] == pytest.approx(at[site_out["id"]]["lng"], abs=2e-7)
        assert site_out["lat"] == pytest.approx(at[site_out["id"]]["lat"], abs=2e-7)
        assert site_out["name"] == at[site_out["id"]]["name"] and site_out["snap_m"] < 1


def test_years_fairness_fewest_and_robustness(client: TestClient) -> None:
    body = ask(client, stages=[1, 2])
    assert [s["stage"] for s in body["sites"]] == [1, 2, 2] and [s["sites"] for s in body["stages"]] == [1, 3]
    fair = ask(client, count=4, objective="fairest")
    assert fair["lowest_rate"] <= fair["lowest_rate_bound"] and fair["at_least"] is None
    rate = body["areas"][0]["rate_after"]
    few = ask(client, objective="fewest", target_rate=rate - 0.001, exact=True)
    assert few["at_least"] == len(few["sites"]) <= 3 and few["bound"] is None and few["proof"] == "optimal"
    told = ask(client, count=3, robustness=True)
    assert len(told["robustness"]["scenarios"]) == 4
    assert all(0 <= s["chosen_in"] <= 4 for s in told["sites"]) and body["robustness"] is None


BAD: list[tuple[dict[str, Any], int, str, str]] = [
    ({}, 422, "invalid_input", "count"),
    ({"count": 0}, 422, "invalid_input", "count"),
    ({"count": 400}, 422, "invalid_input", "count"),
    ({"count": "many"}, 422, "invalid_input", "count"),
    ({"count": 2, "colour": "red"}, 422, "invalid_input", "colour"),
    ({"count": 2, "objective": "cheapest"}, 422, "invalid_input", "objective"),
    ({"count": 2, "time_limit_s": 16, "exact": True}, 422, "invalid_input", "time_limit_s"),
    ({"count": 2, "minutes": 61}, 422, "invalid_input", "minutes"),
    ({"count": 2, "as_of": "tomorrow"}, 422, "invalid_input", "as_of"),
    ({"count": 2, "candidates": []}, 422, "invalid_input", "candidates"),
    ({"count": 1, "candidates": [{"id": "a", "lng": 113.3, "lat": 23.1}]}, 422, "crs_required", "crs"),
    ({"count": 1, "candidates": [{"id": "a", "lng": 113.3, "lat": 23}], "crs": "x"}, 422, "coordinate_invalid", "crs"),
    (
        {"count": 1, "candidates": [{"id": "a", "lng": 23.1, "lat": 113.3}], "crs": "gcj02"},
        422, "coordinate_invalid", "candidates[0].lat",
    ),
    (
        {"count": 1, "candidates": [{"id": "a", "lng": 114.5, "lat": 21.0}], "crs": "wgs84"},
        422, "not_walkable", "candidates[0]",
    ),
    ({"count": 2, "crs": "mars"}, 422, "coordinate_invalid", "crs"),
    ({"count": 2, "within": "99"}, 404, "not_found", "within"),
    ({"count": 2, "forced": ["node-0"]}, 422, "invalid_input", "forced"),
    ({"count": 2, "forced": ["a"], "forbidden": ["a"]}, 422, "invalid_input", "forbidden"),
    ({"count": 2, "floors": [{"area": "440106", "sites": 3}]}, 422, "rules_conflict", "floors"),
    ({"count": 2, "floors": [{"area": "440106", "rate": 1.0}]}, 422, "rules_conflict", "floors[0].rate"),
    ({"count": 2, "floors": [{"area": "99", "sites": 1}]}, 404, "not_found", "floors[0].area"),
    ({"count": 2, "floors": [{"area": "440106"}]}, 422, "invalid_input", "floors[0]"),
    ({"objective": "fewest", "target_rate": 1.0}, 422, "invalid_input", "target_rate"),
]  # fmt: skip


@pytest.mark.parametrize(("question", "status", "code", "field"), BAD)
def test_wrong_questions(client: TestClient, question: dict[str, Any], status: int, code: str, field: str) -> None:
    for language in ("zh", "en"):
        answer = client.post(PATH, json={"most_candidates": 150, **question}, headers={"Accept-Language": language})
        assert answer.status_code == status, answer.text
        problem = answer.json()
        assert problem["code"] == code and problem["title"]
        (item, *_) = [one for one in problem["errors"] if one["field"] == field]
        assert item["message"] and item["remedy"]


def test_a_conflict_of_several_rules_is_told(client: TestClient) -> None:
    (one, *_) = places(ask(client, count=1), 1)
    row = [{**one, "id": f"p{k}", "lng": one["lng"] + k * 2e-4} for k in range(3)]
    answer = client.post(
        PATH, json={"count": 2, "candidates": row, "crs": "wgs84", "spacing_m": 200}, headers={"Accept-Language": "en"}
    )
    problem = answer.json()
    assert answer.status_code == 422 and problem["code"] == "rules_conflict"
    assert [item["field"] for item in problem["errors"]] == ["count", "spacing_m"] and "200" in str(problem["errors"])


def test_only_so_many_are_computed_at_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are computed, four wait, the next is sent away; other calls are answered meanwhile."""
    begun, go_on, running = Semaphore(0), Event(), []

    def slow(*_: Any) -> Response:
        running.append(1)
        begun.release()
        go_on.wait(30)
        running.pop()
        return Response("{}", media_type="application/json")

    monkeypatch.setattr(route, "_found", slow)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.post, PATH, json={"count": 1}) for _ in range(route.AT_ONCE)]
        for _ in asked:
            assert begun.acquire(timeout=30)
        asked += [pool.submit(client.post, PATH, json={"count": 1}) for _ in range(route.MOST_WAITING)]
        until = time.monotonic() + 30
        while route._turns.statistics().tasks_waiting < route.MOST_WAITING and time.monotonic() < until:
            time.sleep(0.01)
        refused = client.post(PATH, json={"count": 1})
        assert refused.status_code == 429 and refused.json()["code"] == "too_many_requests"
        assert int(refused.headers["retry-after"]) > 0 and len(running) == route.AT_ONCE
        assert client.get("/v1/areas").status_code == 200
        go_on.set()
        assert [one.result().status_code for one in asked] == [200] * 6
    monkeypatch.undo()
    assert ask(client, count=1)["sites"]


def test_without_data_it_says_what_to_import(empty_client: TestClient) -> None:
    answer = empty_client.post(PATH, json={"count": 1})
    assert answer.status_code == 503 and answer.json()["code"] == "not_ready"


def test_as_of_an_earlier_day(client: TestClient, demo_engine: Engine) -> None:
    now, before = ask(client, count=3), ask(client, count=3, as_of="2020-01-01")
    assert before["as_of"] == "2020-01-01" and before["areas"][0]["covered_before"] == 0
    assert before["gained"] > now["gained"] and before["run_id"] != now["run_id"]
