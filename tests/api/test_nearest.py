"""The nearest stations over HTTP: the same answers as the service gives, in every form of the question."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.api.method import ProfileName
from app.api.schemas.nearest import NearestStations
from app.geo.crs import Crs, from_wgs84
from app.services.nearest import NearestQuery, find_nearest
from app.services.positions import Position, read_position
from app.services.profiles import PROFILES, resolve_profile
from app.services.snapshot import Snapshot
from app.services.station_table import today
from tests.api.conftest import TestClient

PATH = "/v1/stations/nearest"
SEA = {"lng": 114.9, "lat": 21.9, "crs": "wgs84"}


def places(snapshot: Snapshot, count: int, seed: int = 11) -> list[Position]:
    """Positions at stations of the main part, a little beside them."""
    rng = np.random.default_rng(seed)
    stations = [s for s in snapshot.stations.table.stations if s.is_open_on(today())]
    chosen = rng.choice(len(stations), count, replace=False)
    moved = rng.uniform(-0.002, 0.002, (count, 2))
    return [
        read_position(stations[k].lng + float(x), stations[k].lat + float(y), "wgs84")
        for k, (x, y) in zip(chosen.tolist(), moved, strict=True)
    ]


def asked(position: Position, **more: Any) -> dict[str, Any]:
    return {"lng": position.given_lng, "lat": position.given_lat, "crs": position.crs.value, **more}


@pytest.mark.parametrize("profile", list(PROFILES))
def test_answers_as_the_service_does(client: TestClient, demo_snapshot: Snapshot, profile: str) -> None:
    seen = 0
    for place in places(demo_snapshot, 6):
        body = client.get(PATH, params=asked(place, profile=profile, limit=4, max_minutes=40)).json()
        query = NearestQuery(resolve_profile(profile), today(), limit=4, max_minutes=40.0)
        expected = find_nearest(demo_snapshot, place, query)
        assert [
            (h["station"]["code"], h["walk_seconds"], h["walk_m"], h["straight_m"], h["walk_minutes"], h["detour"])
            for h in body["hits"]
        ] == [(h.station.code, h.walk_seconds, h.walk_m, h.straight_m, h.walk_minutes, h.detour) for h in expected.hits]
        assert body["inside_area"] == expected.inside_area and body["searched_m"] == expected.searched_m
        assert body["snap"]["edge_id"] == expected.snap.edge_id and body["snap"]["snap_m"] == expected.snap.snap_m
        assert body["profile"] == {
            "name": profile, "speed_kmh": PROFILES[profile].speed_kmh, "step_free": PROFILES[profile].step_free
        }  # fmt: skip
        seen += len(body["hits"])
    assert seen > 5


def test_the_answer_is_what_the_document_says(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    for params in (asked(place), asked(place, max_minutes=0.01)):
        body = client.get(PATH, params=params).json()
        assert NearestStations.model_validate(body, extra="forbid")
        assert set(body) == set(NearestStations.model_fields)


def test_one_place_in_four_systems(client: TestClient, demo_snapshot: Snapshot) -> None:
    for place in places(demo_snapshot, 4):
        answers = []
        for crs in Crs:
            lng, lat = from_wgs84(place.lng, place.lat, crs)
            body = client.get(PATH, params={"lng": float(lng), "lat": float(lat), "crs": crs.value}).json()
            answers.append([(h["station"]["code"], h["walk_seconds"]) for h in body["hits"]])
            assert body["crs"] == crs.value and {h["station"]["crs"] for h in body["hits"]} == {crs.value}
            first = body["hits"][0]["station"]
            station = demo_snapshot.stations.table.stations[demo_snapshot.stations.table.at[first["code"]]]
            x, y = from_wgs84(station.lng, station.lat, crs)
            assert (first["lng"], first["lat"]) == pytest.approx((float(x), float(y)), abs=1e-7)
        assert answers[0] and all(one == answers[0] for one in answers)


def test_out_crs_is_the_system_of_all_coordinates(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    here = client.get(PATH, params=asked(place)).json()
    there = client.get(PATH, params=asked(place, out_crs="gcj02")).json()
    assert there["crs"] == "gcj02"
    for a, b in [(here["snap"], there["snap"]), (here["hits"][0]["station"], there["hits"][0]["station"])]:
        x, y = from_wgs84(a["lng"], a["lat"], Crs.GCJ02)
        assert (b["lng"], b["lat"]) == pytest.approx((float(x), float(y)), abs=2e-6)
        assert abs(a["lng"] - b["lng"]) > 0.003


def test_open_location_is_gcj02_whatever_is_asked(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    (wgs,) = client.get(PATH, params=asked(place, limit=1)).json()["hits"]
    (gcj,) = client.get(PATH, params=asked(place, limit=1, out_crs="gcj02")).json()["hits"]
    assert wgs["open_location"] == gcj["open_location"]
    assert gcj["open_location"]["longitude"] == gcj["station"]["lng"]
    assert gcj["open_location"]["latitude"] == gcj["station"]["lat"]
    assert gcj["open_location"]["name"] == gcj["station"]["name"]


def test_the_body_form_is_the_same_call(client: TestClient, demo_snapshot: Snapshot) -> None:
    for place in places(demo_snapshot, 3):
        question = asked(
            place,
            at="2026-11-25T18:00:00+08:00",
            limit=7,
            max_minutes=45,
            profile="senior",
            speed_kmh=3.5,
            type=["community", "rural"],
        )
        by_get, by_post = client.get(PATH, params=question), client.post(PATH, json=question)
        assert by_get.status_code == by_post.status_code == 200
        assert by_get.json() == by_post.json()
        assert by_get.headers["cache-control"] == by_post.headers["cache-control"] == "no-store"
        assert "etag" not in by_get.headers and "etag" not in by_post.headers


def test_filters(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    parks = client.get(PATH, params=asked(place, type="park", limit=50)).json()["hits"]
    assert {h["station"]["type"] for h in parks} <= {"park"}
    early = client.get(PATH, params=asked(place, open_on="2020-01-01")).json()
    assert early["hits"] == [] and early["beyond"] is None and early["day"] == "2020-01-01"
    assert "步行也到不了" in early["message"]


def test_nothing_within_reach_is_said_and_the_nearest_named(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    far = client.get(PATH, params=asked(place)).json()["hits"][0]
    body = client.get(PATH, params=asked(place, max_minutes=0.05)).json()
    assert body["hits"] == [] and body["beyond"] == far
    assert far["station"]["name"] in body["message"] and "0.05" in body["message"]
    english = client.get(PATH, params=asked(place, max_minutes=0.05), headers={"Accept-Language": "en"}).json()
    assert english["message"].startswith("No open station within 0.05")
    assert english["beyond"]["station"]["type_title"] in ("Community", "Rural", "Park", "School or institution")


def test_outside_the_areas_is_said(client: TestClient, demo_snapshot: Snapshot) -> None:
    """A street that lies outside of every area still answers, and says where the position is."""
    network, areas = demo_snapshot.network, demo_snapshot.areas
    main = network.everywhere.component == 0
    outside = np.flatnonzero((areas.leaf_of_points(network.node_lng, network.node_lat) < 0) & main)
    node = int(outside[0]) if len(outside) else int(np.argmax(network.node_lat * main))
    params = {"lng": float(network.node_lng[node]), "lat": float(network.node_lat[node]), "crs": "wgs84"}
    if not len(outside):  # no street crosses the border: a position beside the northernmost one
        params["lat"] += 0.004
    assert not areas.holds(params["lng"], params["lat"])
    body = client.get(PATH, params=params).json()
    assert body["inside_area"] is False and "区域之外" in body["message"]


def test_synthetic_data_is_named(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    notice = client.get(PATH, params=asked(place)).json()["data_notice"]
    assert notice["synthetic"] is True and "合成数据" in notice["message"]
    assert {"stations", "network"} <= {d["kind"] for d in notice["datasets"]}


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"crs": None}, "crs_required", "crs"),
        ({"crs": ""}, "crs_required", "crs"),
        ({"crs": "GCJ02"}, "coordinate_invalid", "crs"),
        ({"crs": "epsg:4326"}, "coordinate_invalid", "crs"),
        ({"lng": 23.1, "lat": 113.2}, "coordinate_invalid", "lat"),
        ({"lng": 181}, "coordinate_invalid", "lng"),
        ({"lat": -91, "lng": 120}, "coordinate_invalid", "lat"),
        ({"lng": "nan"}, "coordinate_invalid", "lng"),
        ({"lat": "inf"}, "coordinate_invalid", "lat"),
        ({"lng": "east"}, "invalid_input", "lng"),
        ({"lng": None}, "invalid_input", "lng"),
        ({"lng": 0, "lat": 0}, "not_walkable", "lng, lat"),
        ({"at": "2026-11-25T18:00:00"}, "invalid_input", "at"),
        ({"at": "1999-01-01T00:00:00Z"}, "invalid_input", "at"),
        ({"open_at": "soon"}, "invalid_input", "open_at"),
        ({"session_before": "2020-01-01T00:00:00Z"}, "invalid_input", "session_before"),
        ({"skill": "焊", "known_at": "2026-11-25T00:00:00Z"}, "invalid_input", "known_at"),
        ({"cell": "8a4118b29017fff"}, "invalid_input", "cell"),
        ({"lng": None, "lat": None, "crs": None, "cell": "abc"}, "invalid_input", "cell"),
        ({"lng": None, "lat": None, "crs": None, "cell": "844118bffffffff"}, "invalid_input", "cell"),
        ({"accuracy_m": -1}, "invalid_input", "accuracy_m"),
        ({"group": "everybody"}, "invalid_input", "group"),
        ({"lng": 116.4, "lat": 39.9}, "not_walkable", "lng, lat"),
        ({"max_minutes": 0}, "invalid_input", "max_minutes"),
        ({"max_minutes": 10_000}, "invalid_input", "max_minutes"),
        ({"max_minutes": "nan"}, "invalid_input", "max_minutes"),
        ({"limit": 0}, "invalid_input", "limit"),
        ({"limit": 51}, "invalid_input", "limit"),
        ({"profile": "runner"}, "invalid_input", "profile"),
        ({"speed_kmh": 30}, "invalid_input", "speed_kmh"),
        ({"type": "school"}, "invalid_input", "type"),
        ({"open_on": "yesterday"}, "invalid_input", "open_on"),
        ({"out_crs": "utm"}, "invalid_input", "out_crs"),
        ({"lon": 113}, "unknown_parameter", "lon"),
    ],
)
def test_bad_questions(client: TestClient, change: dict[str, Any], code: str, field: str) -> None:
    question = {"lng": 113.2644, "lat": 23.1291, "crs": "wgs84", **change}
    answer = client.get(PATH, params={name: value for name, value in question.items() if value is not None})
    problem = answer.json()
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == code and problem["errors"][0]["field"] == field
    assert problem["errors"][0]["remedy"] and problem["instance"] == PATH
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"lng": 113.2644, "lat": 23.1291}, 422, "crs_required", "crs"),
        ({"lng": "113.2644", "lat": 23.1291, "crs": "wgs84"}, 422, "invalid_input", "lng"),
        ({"lng": 113.2644, "lat": True, "crs": "wgs84"}, 422, "invalid_input", "lat"),
        ({"lng": 113.2644, "lat": 23.1291, "crs": "wgs84", "lon": 1}, 422, "invalid_input", "lon"),
        ({"lng": 113.2644, "lat": 23.1291, "crs": "wgs84", "type": ["none"]}, 422, "invalid_input", "type[0]"),
        ({"lng": 0.0, "lat": 0.0, "crs": "wgs84"}, 422, "not_walkable", "lng, lat"),
        ([], 422, "invalid_input", "body"),
        ('{"lng": 113.2', 400, "malformed_request", "body"),
        ('{"lng": NaN, "lat": 23.1, "crs": "wgs84"}', 422, "coordinate_invalid", "lng"),
    ],
)
def test_bad_bodies(client: TestClient, body: Any, status: int, code: str, field: str) -> None:
    if isinstance(body, str):
        answer = client.post(PATH, content=body, headers={"Content-Type": "application/json"})
    else:
        answer = client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["errors"][0]["field"] == field


def test_missing_crs_is_explained(client: TestClient) -> None:
    problem = client.get(PATH, params={"lng": 113.2644, "lat": 23.1291}).json()
    assert "590" in problem["detail"] and "640" in problem["detail"]
    for crs in Crs:
        assert crs.value in problem["errors"][0]["remedy"]


def test_the_body_form_takes_no_query(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    answer = client.post(PATH, params={"limit": 3}, json=asked(place))
    assert answer.status_code == 422 and answer.json()["code"] == "unknown_parameter"


def test_an_empty_service_says_what_to_do(empty_client: TestClient) -> None:
    for answer in (
        empty_client.get(PATH, params={"lng": 113.2644, "lat": 23.1291, "crs": "wgs84"}),
        empty_client.post(PATH, json={"lng": 113.2644, "lat": 23.1291, "crs": "wgs84"}),
    ):
        assert answer.status_code == 503 and answer.json()["code"] == "not_ready" and answer.headers["retry-after"]


def test_profiles_offered_are_those_that_there_are() -> None:
    assert set(ProfileName.__args__) == set(PROFILES)  # type: ignore[attr-defined]
