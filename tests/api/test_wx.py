"""``format=wx``: what a mini-program's map takes as it is."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely

from app.api.schemas.wx import WxIsochrones, WxNearest, WxRoute, WxStations
from app.api.wx import MOST_BYTES, MOST_ID, marker_ids, polygons
from app.geo.crs import Crs, from_wgs84, to_wgs84
from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient
from tests.api.test_nearest import PATH, asked, places


def body_of(client: TestClient, path: str, kind: type[Any], **params: Any) -> dict[str, Any]:
    answer = client.get(path, params={**params, "format": "wx"})
    assert answer.status_code == 200, answer.text
    assert len(answer.content) <= MOST_BYTES
    body: dict[str, Any] = answer.json()
    kind.model_validate(body)
    return body


def test_markers_stand_where_the_stations_stand_with_the_same_number_everywhere(
    client: TestClient, demo_snapshot: Snapshot
) -> None:
    stations = {s.code: s for s in demo_snapshot.stations.table.stations}
    seen: dict[str, int] = {}
    cursor: dict[str, str] = {}
    while True:
        page = body_of(client, "/v1/stations", WxStations, limit=50, **cursor)
        for one in page["markers"]:
            x, y = from_wgs84(stations[one["code"]].lng, stations[one["code"]].lat, Crs.GCJ02)
            assert (one["longitude"], one["latitude"]) == pytest.approx((float(x), float(y)), abs=1e-6)
            assert 1 <= one["id"] <= 999_999_999 and seen.setdefault(one["code"], one["id"]) == one["id"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(stations) == len(set(seen.values())) == page["total"]
    for place in places(demo_snapshot, 3):
        near = body_of(client, PATH, WxNearest, **asked(place))
        assert [hit["marker_id"] for hit in near["hits"]] == [m["id"] for m in near["markers"]]
        assert all(seen[one["code"]] == one["id"] for one in near["markers"])
        assert [h["code"] for h in near["hits"]] == [
            h["station"]["code"] for h in client.get(PATH, params=asked(place)).json()["hits"]
        ]


def test_numbers_are_unique_and_do_not_depend_on_who_else_is_there_unless_they_agree() -> None:
    codes = [f"YC440106-{k:04d}" for k in range(5_000)]
    ids = marker_ids(codes)
    assert len(set(ids.values())) == 5_000 and max(ids.values()) < MOST_ID
    fewer = marker_ids(codes[:100])
    assert sum(fewer[code] == ids[code] for code in fewer) >= 99


@pytest.mark.parametrize("minutes", ["5,10,15", "60", "10,20,30,40,50,60"])
def test_bands_have_no_holes_and_cover_what_the_outline_covers(
    client: TestClient, demo_snapshot: Snapshot, minutes: str
) -> None:
    station = demo_snapshot.stations.table.stations[5].code
    body = body_of(client, "/v1/isochrones", WxIsochrones, station=station, minutes=minutes)
    plain = client.get("/v1/isochrones", params={"station": station, "minutes": minutes}).json()
    outlines = {f["properties"]["minutes"]: shapely.geometry.shape(f["geometry"]) for f in plain["features"]}
    assert {one["minutes"] for one in body["polygons"]} == set(outlines)
    for wanted, outline in outlines.items():
        drawn = [one for one in body["polygons"] if one["minutes"] == wanted]
        pieces = []
        for one in drawn:
            ring = np.array([(p["longitude"], p["latitude"]) for p in one["points"]])
            pieces.append(shapely.Polygon(np.column_stack(to_wgs84(ring[:, 0], ring[:, 1], Crs.GCJ02))))
        area = shapely.union_all([piece.buffer(0) for piece in pieces]).area
        # rounding to a tenth of a metre, and simplification as far as it is told
        assert area == pytest.approx(outline.area, rel=0.002 + 0.004 * body["simplified_m"])
        assert len({one["zIndex"] for one in drawn}) == 1
    by_minutes = sorted({(one["minutes"], one["zIndex"]) for one in body["polygons"]})
    assert [z for _, z in by_minutes] == sorted((z for _, z in by_minutes), reverse=True), "smaller ones lie on top"
    assert body["markers"][0]["code"] == station


def test_what_is_too_large_is_simplified_and_says_so() -> None:
    rng = np.random.default_rng(5)
    angles = np.linspace(0, 2 * np.pi, 40_000, endpoint=False)
    radius = 0.05 + rng.normal(0, 2e-5, len(angles))
    rough = shapely.Polygon(np.column_stack([113.3 + radius * np.cos(angles), 23.1 + radius * np.sin(angles)]))
    made, simplified_m = polygons([(15.0, rough)])
    assert len(json.dumps(made)) <= MOST_BYTES and simplified_m > 0 and made


def test_a_way_with_its_ends_steps_and_what_wechat_takes(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    first = client.get(PATH, params=asked(place)).json()["hits"][0]
    path = f"/v1/stations/{first['station']['code']}/route"
    body = body_of(client, path, WxRoute, **asked(place))
    plain = client.get(path, params=asked(place, out_crs="gcj02")).json()
    line = body["polyline"][0]["points"]
    assert [[p["longitude"], p["latitude"]] for p in line] == plain["line"]["coordinates"]
    assert [step["text"] for step in body["steps"]] == [step["text"] for step in plain["steps"]]
    assert body["open_location"] == plain["open_location"] == first["open_location"]
    assert [m["code"] for m in body["markers"]] == [None, first["station"]["code"]]
    posted = client.post(path, json=asked(place, format="wx"))
    assert posted.status_code == 200 and posted.json() == body


def test_posted_ways_are_the_same(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1, seed=4)
    code = demo_snapshot.stations.table.stations[0].code
    for more in ({}, {"profile": "senior", "out_crs": "gcj02"}, {"format": "geojson"}):
        got = client.get(f"/v1/stations/{code}/route", params=asked(place, **more))
        posted = client.post(f"/v1/stations/{code}/route", json=asked(place, **more))
        assert (got.status_code, got.json()) == (posted.status_code, posted.json())
    refused = client.post(f"/v1/stations/{code}/route", json={"lng": 113.3, "lat": 23.1})
    assert refused.json()["code"] == "crs_required"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (PATH, {"lng": 113.2644, "lat": 23.1291, "crs": "wgs84", "out_crs": "bd09"}),
        ("/v1/stations", {"crs": "bd09"}),
        ("/v1/stations/YC440103-001/route", {"lng": 113.2644, "lat": 23.1291, "crs": "wgs84", "out_crs": "wgs84"}),
    ],
)
def test_another_system_is_refused(client: TestClient, path: str, params: dict[str, Any]) -> None:
    answer = client.get(path, params={**params, "format": "wx"})
    assert answer.status_code == 422 and "gcj02" in answer.json()["errors"][0]["remedy"]


def test_beyond_reach_and_beyond_the_streets_it_says_so(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    far = body_of(client, PATH, WxNearest, **asked(place, max_minutes=0.05))
    assert len(far["hits"]) == 1 and far["message"]
    sea = body_of(client, PATH, WxNearest, lng=114.9, lat=21.9, crs="wgs84")
    assert sea["hits"] and all(hit["walk_minutes"] is None for hit in sea["hits"]) and "直线" in sea["message"]
