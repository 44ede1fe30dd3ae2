"""``format=wx``: what a mini-program's map takes as it is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import pytest
import shapely

from app.api.schemas.wx import WxIsochrones, WxNearest, WxRoute, WxStations
from app.api.wx import (
    MOST_BYTES,
    MOST_ID,
    MOST_LINE_BYTES,
    MOST_POLYGON_BYTES,
    TOLERANCES_M,
    cut_to_size,
    marker_ids,
    polygons,
    polyline,
)
from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient
from tests.api.test_nearest import PATH, asked, places

METRE = 1 / 111_320  # of latitude, in degrees


def gcj02(lng: float, lat: float) -> tuple[float, float]:
    """The formula as it has gone round since 2010, one number at a time: none of the service's code."""

    def waves(value: float, *parts: tuple[float, float]) -> float:
        return sum(size * math.sin(value * math.pi * turns) for size, turns in parts) * 2 / 3

    x, y = lng - 105.0, lat - 35.0
    common = waves(x, (20, 6), (20, 2))
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + common
    north += waves(y, (20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + common
    east += waves(x, (20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30))
    a, ee, sine = 6378245.0, 0.00669342162296594323, math.sin(math.radians(lat))
    magic = 1 - ee * sine * sine
    north = north * 180 / (a * (1 - ee) / (magic * math.sqrt(magic)) * math.pi)
    east = east * 180 / (a / math.sqrt(magic) * math.cos(math.radians(lat)) * math.pi)
    return lng + east, lat + north


def body_of(client: TestClient, path: str, kind: type[Any], **params: Any) -> dict[str, Any]:
    answer = client.get(path, params={**params, "format": "wx"})
    assert answer.status_code == 200, answer.text
    assert len(answer.content) <= MOST_BYTES
    body: dict[str, Any] = answer.json()
    kind.model_validate(body, extra="forbid")
    return body


def drawn_shape(parts: list[dict[str, Any]]) -> Any:
    """What the map fills, in its own coordinates."""
    rings = [[(p["longitude"], p["latitude"]) for p in one["points"]] for one in parts]
    return shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in rings])


def as_on_the_map(outline: Any) -> Any:
    return shapely.transform(outline, lambda xy: np.array([gcj02(x, y) for x, y in xy.tolist()]))


def test_markers_stand_where_the_stations_stand_with_the_same_number_everywhere(
    client: TestClient, demo_snapshot: Snapshot
) -> None:
    stations = {s.code: s for s in demo_snapshot.stations.table.stations}
    seen: dict[str, int] = {}
    cursor: dict[str, str] = {}
    while True:
        page = body_of(client, "/v1/stations", WxStations, limit=50, **cursor)
        for one in page["markers"]:
            x, y = gcj02(stations[one["code"]].lng, stations[one["code"]].lat)
            assert abs(one["longitude"] - x) <= 6e-7 and abs(one["latitude"] - y) <= 6e-7
            assert 1 <= one["id"] <= 999_999_999 and seen.setdefault(one["code"], one["id"]) == one["id"]
            assert one["callout"]["content"].startswith(one["title"]) and one["title"] == stations[one["code"]].name
        assert page["shown"] == len(page["markers"])
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(stations) == len(set(seen.values())) == page["total"]
    for place in places(demo_snapshot, 3):
        near = body_of(client, PATH, WxNearest, **asked(place))
        plain = client.get(PATH, params=asked(place, out_crs="gcj02")).json()["hits"]
        assert near["within_reach"] and near["shown"] == len(plain) > 0
        assert [hit["marker_id"] for hit in near["hits"]] == [m["id"] for m in near["markers"]]
        assert all(seen[one["code"]] == one["id"] for one in near["markers"])
        for hit, pin, told in zip(near["hits"], near["markers"], plain, strict=True):
            assert (hit["code"], hit["walk_minutes"], hit["walk_m"], hit["straight_m"], hit["open_location"]) == (
                told["station"]["code"], told["walk_minutes"], told["walk_m"], told["straight_m"], told["open_location"]
            )  # fmt: skip
            assert abs(pin["longitude"] - told["station"]["lng"]) <= 6e-7
            assert f"步行约 {max(1, round(told['walk_minutes']))} 分钟" in pin["callout"]["content"]
        start = near["include_points"][0]
        assert (start["longitude"], start["latitude"]) == pytest.approx(gcj02(place.lng, place.lat), abs=1e-6)
        code = near["hits"][0]["code"]
        (pin,) = body_of(client, "/v1/isochrones", WxIsochrones, station=code, minutes="5")["markers"]
        assert pin["id"] == seen[code]


def test_a_session_that_is_asked_for_comes_along(client: TestClient, demo_snapshot: Snapshot) -> None:
    found = 0
    for place in places(demo_snapshot, 5):
        question = asked(place, session_within_hours=336, order="session", max_minutes=60)
        plain = client.get(PATH, params=question).json()["hits"]
        near = body_of(client, PATH, WxNearest, **question)
        if near["within_reach"]:
            assert [hit["session"]["id"] for hit in near["hits"]] == [hit["session"]["id"] for hit in plain]
            found += len(plain)
    assert found


def test_numbers_are_unique_and_do_not_depend_on_who_else_is_there_unless_they_agree() -> None:
    assert marker_ids(["YC440106-001", "YC440103-001"]) == {"YC440103-001": 383907419, "YC440106-001": 724638510}
    codes = [f"YC440106-{k:04d}" for k in range(5_000)]
    ids = marker_ids(codes)
    assert len(set(ids.values())) == 5_000 and max(ids.values()) < MOST_ID
    assert marker_ids(reversed(codes)) == ids
    fewer = marker_ids(codes[:100])
    assert sum(fewer[code] == ids[code] for code in fewer) >= 99


def test_numbers_that_agree_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.wx.zlib.crc32", lambda _: MOST_ID - 2)  # the last number but that of the start
    assert marker_ids("abc") == {"a": MOST_ID - 1, "b": 1, "c": 2}


@pytest.mark.parametrize("minutes", ["5,10,15", "60", "10,20,30,40,50,60"])
def test_bands_have_no_holes_and_cover_what_the_outline_covers(
    client: TestClient, demo_snapshot: Snapshot, minutes: str
) -> None:
    holes = 0
    for station in demo_snapshot.stations.table.stations[5:8]:
        body = body_of(client, "/v1/isochrones", WxIsochrones, station=station.code, minutes=minutes)
        plain = client.get("/v1/isochrones", params={"station": station.code, "minutes": minutes}).json()
        outlines = {f["properties"]["minutes"]: shapely.geometry.shape(f["geometry"]) for f in plain["features"]}
        assert body["bands"] == [f["properties"] for f in plain["features"]] and body["left_out"] == 0
        for wanted, outline in outlines.items():
            drawn = [one for one in body["polygons"] if one["minutes"] == wanted]
            holes += sum(len(part.interiors) for part in outline.geoms)
            _assert_within(drawn, as_on_the_map(outline), body["simplified_m"], body["smallest_m2"])
            assert len({one["zIndex"] for one in drawn}) == 1
        lies = sorted({(one["minutes"], one["zIndex"]) for one in body["polygons"]})
        assert [z for _, z in lies] == list(range(len(outlines), 0, -1)), "smaller ones lie on top"
        assert body["markers"][0]["code"] == station.code
    assert holes or minutes == "5,10,15"


def _assert_within(drawn: list[dict[str, Any]], outline: Any, simplified_m: float, smallest_m2: float) -> None:
    """Every ring of the one lies along the rings of the other, as near as is told, or is smaller than is told."""
    shape, most, smallest = drawn_shape(drawn), (simplified_m * 1.1 + 0.3) * METRE, 1.2 * smallest_m2 * METRE**2
    for one, other in ((shape, outline), (outline, shape)):
        boundary = other.boundary
        shapely.prepare(boundary)
        rings = shapely.get_rings(shapely.get_parts(one))
        kept = rings[shapely.area(shapely.polygons(rings)) > smallest]
        assert len(kept) and shapely.dwithin(shapely.points(shapely.get_coordinates(kept)), boundary, most).all()
    if simplified_m == 0:
        assert shape.symmetric_difference(outline).area < 1e-6 * outline.length  # rounded to a tenth of a metre


def test_a_donut_stays_open_and_its_cuts_are_not_drawn() -> None:
    centre = shapely.Point(113.3, 23.1)
    donut, disc = centre.buffer(0.02).difference(centre.buffer(0.01)), shapely.Point(113.4, 23.1).buffer(0.005)
    drawn = polygons([(10.0, shapely.union_all([donut, disc]))])
    assert (drawn.simplified_m, drawn.smallest_m2, drawn.left_out) == (0.0, 0.0, 0)
    shape = drawn_shape(drawn.parts)
    assert not shape.buffer(-1e-5).contains(shapely.Point(gcj02(113.3, 23.1)))
    assert shape.area == pytest.approx(as_on_the_map(shapely.union_all([donut, disc])).area, rel=1e-4)
    assert sorted(one["strokeWidth"] for one in drawn.parts) == [0, 0, 1]
    areas = [drawn_shape([one]).area for one in drawn.parts]
    assert sum(areas) == pytest.approx(shape.area, rel=1e-4), "no piece lies on another"


@pytest.mark.parametrize(("noise_m", "vertices"), [(1.0, 40_000), (30.0, 60_000)])
def test_what_is_too_large_is_simplified_as_far_as_it_says(noise_m: float, vertices: int) -> None:
    rng = np.random.default_rng(5)
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    radius = 0.05 + rng.normal(0, noise_m * METRE, vertices)
    rough = shapely.Polygon(np.column_stack([113.3 + radius * np.cos(angles), 23.1 + radius * np.sin(angles)]))
    drawn = polygons([(15.0, rough)])
    assert len(orjson.dumps(drawn.parts)) <= MOST_POLYGON_BYTES and drawn.simplified_m > 0 and drawn.left_out == 0
    _assert_within(drawn.parts, as_on_the_map(rough), drawn.simplified_m, drawn.smallest_m2)


def test_what_even_so_does_not_fit_is_left_out_and_counted_the_smallest_first() -> None:
    places_ = [(x, y) for x in range(60) for y in range(60)]
    discs = [shapely.Point(113 + x / 50, 23 + y / 50).buffer(0.009 if (x + y) % 9 == 0 else 0.007) for x, y in places_]
    large = sum((x + y) % 9 == 0 for x, y in places_)
    drawn = polygons([(15.0, shapely.multipolygons(discs))])
    assert drawn.simplified_m == TOLERANCES_M[-1] and len(drawn.parts) + drawn.left_out == len(discs)
    assert MOST_POLYGON_BYTES * 0.98 < len(orjson.dumps(drawn.parts)) <= MOST_POLYGON_BYTES
    widths = sorted(max(p["longitude"] for p in o["points"]) - min(p["longitude"] for p in o["points"])
                    for o in drawn.parts)  # fmt: skip
    assert sum(width > 0.016 for width in widths) == min(large, len(drawn.parts))


def test_a_long_way_is_thinned_and_keeps_its_ends() -> None:
    turns = np.linspace(0, 400 * np.pi, 30_000)
    lng, lat = 113.2 + turns / 4000, 23.0 + 0.0002 * np.sin(turns)
    drawn = polyline(lng, lat)
    (way,) = drawn.parts
    assert len(orjson.dumps(drawn.parts)) <= MOST_LINE_BYTES and drawn.simplified_m > 0
    xy = np.array([(p["longitude"], p["latitude"]) for p in way["points"]])
    assert np.allclose(xy[[0, -1]], [gcj02(lng[0], lat[0]), gcj02(lng[-1], lat[-1])], atol=1e-6)
    line = as_on_the_map(shapely.linestrings(lng, lat))
    assert shapely.hausdorff_distance(shapely.linestrings(xy), line) <= drawn.simplified_m * METRE * 1.1


def test_lists_are_cut_to_what_fits_and_no_further() -> None:
    body = {"steps": [{"text": "向东" * 50, "walk_m": float(k)} for k in range(3_000)], "walk_m": 1.0}
    cut = cut_to_size(body, "steps")
    assert MOST_BYTES - 400 < len(orjson.dumps(cut)) <= MOST_BYTES and cut["walk_m"] == 1.0
    assert cut["steps"] == body["steps"][: len(cut["steps"])]  # type: ignore[index]
    assert cut_to_size({"steps": []}, "steps") == {"steps": []}


def test_a_way_with_its_ends_steps_and_what_wechat_takes(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    first = client.get(PATH, params=asked(place)).json()["hits"][0]
    path = f"/v1/stations/{first['station']['code']}/route"
    body = body_of(client, path, WxRoute, **asked(place))
    plain = client.get(path, params=asked(place, out_crs="gcj02")).json()
    line = body["polyline"][0]["points"]
    assert [[p["longitude"], p["latitude"]] for p in line] == plain["line"]["coordinates"]
    assert [step["text"] for step in body["steps"]] == [step["text"] for step in plain["steps"]]
    assert body["steps_total"] == len(body["steps"]) and body["simplified_m"] == 0
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


@pytest.mark.parametrize("crs", ["wgs84", "bd09"])
@pytest.mark.parametrize(
    ("path", "field", "params"),
    [
        (PATH, "out_crs", {"lng": 113.2644, "lat": 23.1291, "crs": "wgs84"}),
        ("/v1/stations", "crs", {}),
        ("/v1/stations/YC440103-001/route", "out_crs", {"lng": 113.2644, "lat": 23.1291, "crs": "wgs84"}),
    ],
)
def test_another_system_is_refused(
    client: TestClient, path: str, field: str, params: dict[str, Any], crs: str
) -> None:  # fmt: skip
    answer = client.get(path, params={**params, field: crs, "format": "wx"})
    (item,) = answer.json()["errors"]
    assert answer.status_code == 422 and item["field"] == field and "gcj02" in item["remedy"]
    assert client.get(path, params={**params, field: "gcj02", "format": "wx"}).status_code in (200, 404)


def test_beyond_reach_and_beyond_the_streets_it_says_so(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    far = body_of(client, PATH, WxNearest, **asked(place, max_minutes=0.05))
    assert len(far["hits"]) == 1 and far["message"] and not far["within_reach"]
    sea = body_of(client, PATH, WxNearest, lng=114.9, lat=21.9, crs="wgs84")
    assert sea["hits"] and all(hit["walk_minutes"] is None for hit in sea["hits"]) and "直线" in sea["message"]
    assert not sea["within_reach"]
