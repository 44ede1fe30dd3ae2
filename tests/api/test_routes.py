"""The walking way over HTTP: as the service finds it, in any coordinate system, in two languages."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient as Client

from app.api.language import Language
from app.api.route_texts import distance, route_message, step_texts
from app.api.schemas.routes import RouteFeature, WalkingRoute
from app.geo.crs import Crs, from_wgs84
from app.geo.directions import Compass, Side, StepKind, Turn
from app.services.profiles import PROFILES, resolve_profile
from app.services.routes import RouteStep, find_route
from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient
from tests.api.test_nearest import PATH as NEAREST
from tests.api.test_nearest import SEA, asked, places
from tests.api.test_privacy import traces, written


def path(code: str) -> str:
    return f"/v1/stations/{code}/route"


def some_code(snapshot: Snapshot) -> str:
    return snapshot.stations.table.stations[7].code


@pytest.mark.parametrize("profile", list(PROFILES))
def test_the_same_seconds_as_the_nearest_stations(client: TestClient, demo_snapshot: Snapshot, profile: str) -> None:
    seen = 0
    for place in places(demo_snapshot, 5):
        for hit in client.get(NEAREST, params=asked(place, profile=profile)).json()["hits"]:
            answer = client.get(path(hit["station"]["code"]), params=asked(place, profile=profile))
            assert answer.status_code == 200
            body = answer.json()
            for name in ("station", "walk_minutes", "walk_seconds", "walk_m", "straight_m", "detour"):
                assert body[name] == hit[name]
            assert sum(step["walk_seconds"] for step in body["steps"]) == hit["walk_seconds"]
            seen += 1
    assert seen > 5


def test_the_answer_is_what_the_document_says(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    answer = client.get(path(some_code(demo_snapshot)), params=asked(place))
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert WalkingRoute.model_validate(body, extra="forbid") and set(body) == set(WalkingRoute.model_fields)
    expected = find_route(demo_snapshot, some_code(demo_snapshot), place, resolve_profile())
    assert len(body["line"]["coordinates"]) == len(expected.line.lng)
    assert [(s["kind"], s["name"], s["turn"], s["first_point"], s["last_point"]) for s in body["steps"]] == [
        (s.kind, s.name, s.turn, s.first_point, s.last_point) for s in expected.steps
    ]
    assert body["data_notice"]["synthetic"] is True
    assert {"stations", "network"} <= {d["kind"] for d in body["data_notice"]["datasets"]}


def test_nobody_keeps_it(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    for more in ({}, {"format": "geojson"}, {"crs": "none"}):
        answer = client.get(path(some_code(demo_snapshot)), params={**asked(place), **more})
        assert answer.headers["cache-control"] == "no-store" and "etag" not in answer.headers


def test_one_place_in_four_systems(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    code = some_code(demo_snapshot)
    expected = find_route(demo_snapshot, code, place, resolve_profile())
    for crs in Crs:
        lng, lat = (float(value) for value in from_wgs84(place.lng, place.lat, crs))
        body = client.get(path(code), params={"lng": lng, "lat": lat, "crs": crs.value}).json()
        assert body["crs"] == body["station"]["crs"] == crs.value
        assert body["walk_seconds"] == expected.hit.walk_seconds
        line = np.array(body["line"]["coordinates"])
        assert np.allclose(line, np.column_stack(from_wgs84(expected.line.lng, expected.line.lat, crs)), atol=6e-7)
        assert line[0] == pytest.approx((lng, lat), abs=1e-6)
        assert line[-1] == pytest.approx((body["station"]["lng"], body["station"]["lat"]), abs=1e-6)


def test_out_crs_is_the_system_of_all_coordinates(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    here, there = (
        client.get(path(some_code(demo_snapshot)), params=asked(place, **more)).json()
        for more in ({}, {"out_crs": "gcj02"})
    )
    assert (here["crs"], there["crs"]) == ("wgs84", "gcj02")
    pairs = [(here[k], there[k]) for k in ("snap", "station_snap", "station")]
    pairs += [
        ({"lng": a[0], "lat": a[1]}, {"lng": b[0], "lat": b[1]})
        for a, b in zip(here["line"]["coordinates"], there["line"]["coordinates"], strict=True)
    ]
    for a, b in pairs:
        x, y = from_wgs84(a["lng"], a["lat"], Crs.GCJ02)
        assert (b["lng"], b["lat"]) == pytest.approx((float(x), float(y)), abs=2e-6)


def test_geojson_is_wgs84(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    code = some_code(demo_snapshot)
    lng, lat = (float(value) for value in from_wgs84(place.lng, place.lat, Crs.GCJ02))
    question = {"lng": lng, "lat": lat, "crs": "gcj02", "format": "geojson"}
    answer = client.get(path(code), params=question)
    assert answer.headers["content-type"] == "application/geo+json"
    feature = answer.json()
    assert RouteFeature.model_validate(feature, extra="forbid")
    plain = client.get(path(code), params=asked(place)).json()
    assert np.allclose(feature["geometry"]["coordinates"], plain["line"]["coordinates"], atol=1.1e-6)
    assert feature["properties"]["crs"] == "wgs84" and feature["properties"]["steps"] == plain["steps"]
    refused = client.get(path(code), params={**question, "out_crs": "gcj02"})
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "out_crs"
    assert client.get(path(code), params={**question, "out_crs": "wgs84"}).json() == feature


def test_two_languages(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    url, params = path(some_code(demo_snapshot)), asked(place)
    chinese = client.get(url, params=params)
    english = client.get(url, params=params, headers={"Accept-Language": "en"})
    assert chinese.headers["content-language"] == "zh-CN" and english.headers["content-language"] == "en"
    name = chinese.json()["station"]["name"]
    assert chinese.json()["steps"][-1]["text"].startswith(f"到达:{name}")
    assert english.json()["steps"][-1]["text"].startswith(f"Arrive at {name}")
    for one, other in zip(chinese.json()["steps"], english.json()["steps"], strict=True):
        assert {**one, "text": ""} == {**other, "text": ""}
        assert one["text"] and other["text"]


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"crs": None}, 422, "crs_required", "crs"),
        ({"crs": "GCJ02"}, 422, "coordinate_invalid", "crs"),
        ({"lng": 23.1, "lat": 113.2}, 422, "coordinate_invalid", "lat"),
        ({"lng": None}, 422, "invalid_input", "lng"),
        (SEA, 422, "not_walkable", "lng, lat"),
        ({"profile": "runner"}, 422, "invalid_input", "profile"),
        ({"speed_kmh": 30}, 422, "invalid_input", "speed_kmh"),
        ({"out_crs": "utm"}, 422, "invalid_input", "out_crs"),
        ({"format": "kml"}, 422, "invalid_input", "format"),
        ({"limit": 3}, 422, "unknown_parameter", "limit"),
        ({"code": "nowhere"}, 404, "not_found", "code"),
        ({"code": "nearest"}, 404, "not_found", "code"),
    ],
)
def test_bad_questions(
    client: TestClient, demo_snapshot: Snapshot, change: dict[str, Any], status: int, code: str, field: str
) -> None:
    (place,) = places(demo_snapshot, 1)
    question = {"code": some_code(demo_snapshot), **asked(place), **change}
    url = path(question.pop("code"))
    answer = client.get(url, params={name: value for name, value in question.items() if value is not None})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (status, code, field)
    assert problem["errors"][0]["remedy"] and problem["instance"] == url
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_way_is_not_walkable(app: FastAPI, demo_snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """As between streets that are not joined, which the small city has none of."""
    monkeypatch.setattr("app.services.routes.route_within", lambda *args: None)
    monkeypatch.setattr("app.services.routes.search_route", lambda *args: None)
    (place,) = places(demo_snapshot, 1)
    answer = Client(app).get(path(some_code(demo_snapshot)), params=asked(place))
    assert answer.status_code == 422 and answer.json()["code"] == "not_walkable"
    assert answer.json()["errors"][0]["field"] == "code" and "nearest" in answer.json()["errors"][0]["remedy"]


def test_an_empty_service_says_what_to_do(empty_client: TestClient) -> None:
    answer = empty_client.get(path("YC440106-001"), params={"lng": 113.2644, "lat": 23.1291, "crs": "wgs84"})
    assert answer.status_code == 503 and answer.json()["code"] == "not_ready"


def test_positions_leave_no_trace(
    app: FastAPI, demo_snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.CRITICAL)  # the client's own log, not the service's
    (place,) = places(demo_snapshot, 1)
    careless, url = Client(app, raise_server_exceptions=False), path(some_code(demo_snapshot))
    for params in (asked(place), asked(place, crs="none"), asked(place, x=1)):
        careless.get(url, params=params)
    text = written(capfd, caplog)
    for trace in traces(asked(place)):
        assert trace not in text

    def fail(snapshot: object, code: str, position: Any, profile: object) -> None:
        raise ZeroDivisionError(f"at {position.lng}, {position.lat}")

    monkeypatch.setattr("app.api.routes.station_route.find_route", fail)
    answer = careless.get(url, params=asked(place))
    text = written(capfd, caplog)
    assert answer.status_code == 500 and answer.json()["request_id"] in text
    for trace in traces(asked(place))[:2]:
        assert trace not in text and trace not in answer.text


def step(kind: StepKind, walk_m: float, name: str | None = None, **more: Any) -> RouteStep:
    plain: dict[str, Any] = {"direction": None, "turn": None, "side": None}
    flags = {"has_steps": False, "is_bridge": False, "is_tunnel": False}
    return RouteStep(
        kind=kind, walk_m=walk_m, walk_seconds=0, name=name, first_point=0, last_point=0, **{**plain, **flags, **more}
    )


SPOKEN = [
    (
        step(StepKind.DEPART, 34.6, "体育西路", direction=Compass.EAST),
        "向东步行 35 米到体育西路", "Walk 35 m east to 体育西路",
    ),
    (
        step(StepKind.WALK, 240.2, "体育西路", direction=Compass.NORTH),
        "沿体育西路向北步行 240 米", "Walk north along 体育西路 for 240 m",
    ),
    (
        step(StepKind.WALK, 119.8, "天河路", direction=Compass.WEST, turn=Turn.LEFT),
        "左转进入天河路,步行 120 米", "Turn left into 天河路 and walk 120 m",
    ),
    (
        step(StepKind.WALK, 80.0, "天河路", turn=Turn.SHARP_RIGHT),
        "向右后方转弯,继续沿天河路步行 80 米", "Turn sharp right to stay on 天河路 for 80 m",
    ),
    (
        step(StepKind.WALK, 55.0, turn=Turn.SLIGHT_LEFT, has_steps=True, is_bridge=True),
        "向左前方,步行 55 米(台阶、过桥)", "Bear left and walk 55 m (steps, bridge)",
    ),
    (
        step(StepKind.WALK, 1260.0, "天河路", turn=Turn.STRAIGHT, is_tunnel=True),
        "直行进入天河路,步行 1.3 公里(隧道)", "Go straight on into 天河路 and walk 1.3 km (tunnel)",
    ),
    (
        step(StepKind.ARRIVE, 8.0, side=Side.RIGHT),
        "到达:示例站,在道路右侧", "Arrive at 示例站, on the right",
    ),
]  # fmt: skip


def test_what_is_said_step_by_step() -> None:
    steps = [one for one, _, _ in SPOKEN]
    assert step_texts(steps, "示例站", Language.ZH) == [zh for _, zh, _ in SPOKEN]
    assert step_texts(steps, "示例站", Language.EN) == [en for _, _, en in SPOKEN]


@pytest.mark.parametrize(
    ("one", "zh", "en"),
    [
        (step(StepKind.DEPART, 12.0), "步行 12 米到道路上", "Walk 12 m to the street"),
        (step(StepKind.WALK, 0.2), "步行 1 米", "Walk for 1 m"),
        (step(StepKind.WALK, 999.6, direction=Compass.SOUTH_WEST), "向西南步行 1.0 公里", "Walk south-west for 1.0 km"),
        (step(StepKind.ARRIVE, 0.0), "到达:站", "Arrive at 站"),
        (
            step(StepKind.ARRIVE, 45.0, side=Side.LEFT),
            "到达:站,在道路左侧 45 米", "Arrive at 站, on the left, 45 m from the street",
        ),
        (step(StepKind.ARRIVE, 45.0), "到达:站,距道路 45 米", "Arrive at 站, 45 m from the street"),
        (step(StepKind.ARRIVE, 3.5, side=Side.AHEAD), "到达:站,在前方", "Arrive at 站, straight ahead"),
    ],
)  # fmt: skip
def test_what_is_said_elsewhere(one: RouteStep, zh: str, en: str) -> None:
    assert step_texts([one], "站", Language.ZH) == [zh]
    assert step_texts([one], "站", Language.EN) == [en]
    assert distance(999.4, Language.EN) == "999 m"


def test_every_direction_turn_and_side_has_words() -> None:
    for language in Language:
        for field, values in (("direction", Compass), ("turn", Turn)):
            said = {step_texts([step(StepKind.WALK, 9, **{field: value})], "站", language)[0] for value in values}
            assert len(said) == len(values)
        assert len({step_texts([step(StepKind.ARRIVE, 9, side=v)], "站", language)[0] for v in Side}) == len(Side)


def test_the_reader_is_told_what_is_unusual(demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    usual = replace(
        find_route(demo_snapshot, some_code(demo_snapshot), place, resolve_profile()),
        inside_area=True, is_open_today=True,
    )  # fmt: skip
    assert route_message(usual, Language.ZH) is None and route_message(usual, Language.EN) is None
    closed = replace(usual, is_open_today=False, inside_area=False)
    assert route_message(closed, Language.ZH) == "该站点今天不对外开放。该位置在已载入的区域之外。"
    assert "not open to the public today" in (route_message(closed, Language.EN) or "")
    for end, zh, en in (
        ("start", "该位置旁的道路", "beside this position"),
        ("goal", "该站点旁的道路", "beside this station"),
    ):
        held = getattr(usual, end)
        snap = held.snap._replace(snap_m=180.0) if hasattr(held.snap, "_replace") else replace(held.snap, snap_m=180.0)
        island = replace(usual, **{end: replace(held, snap=snap, island_m=12.0)})
        assert zh in (route_message(island, Language.ZH) or "") and "180 米" in (
            route_message(island, Language.ZH) or ""
        )
        assert en in (route_message(island, Language.EN) or "") and "180 m" in (
            route_message(island, Language.EN) or ""
        )
        hardly = replace(usual, **{end: replace(held, snap=snap, island_m=170.0)})
        assert route_message(hardly, Language.EN) is None
