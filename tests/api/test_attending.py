"""One tap over HTTP: the next session that can be reached, hours, doubt about the position, positions astray."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import h3
import numpy as np
import pytest

from app.demo.spec import CitySpec
from app.geo.crs import Crs, from_wgs84
from app.geo.geodesy import distances_m
from app.geo.opening_hours import TIME_ZONE
from app.services.attendable import Wanted
from app.services.nearest import NearestQuery, Order
from app.services.offer import CourseFilter
from app.services.positions import read_position
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient
from tests.api.test_nearest import PATH, asked, places
from tests.services.test_attendable import Facts, beside_stations, expected, facts  # noqa: F401
from tests.services.test_nearest import brute_force_mm

DAY = CitySpec().as_of + timedelta(days=3)
LEAVES = datetime(DAY.year, DAY.month, DAY.day, 17, 45, tzinfo=TIME_ZONE)
WELDING = {"skill": "焊工", "form": ["evening_school"], "group": ["unemployed"], "order": "session"}


def test_the_next_welding_class_from_a_gcj02_position_equals_brute_force(
    client: TestClient,
    demo_snapshot: Snapshot,
    facts: Facts,  # noqa: F811
) -> None:
    leave_s, profile, seen = int(LEAVES.timestamp()), resolve_profile(), 0
    wanted = Wanted(
        course=CourseFilter(skill="焊工", forms=("evening_school",), groups=("unemployed",)),
        session_until_s=leave_s + 20 * 86_400,
    )
    for where in beside_stations(demo_snapshot, 60, seed=71):
        x, y = from_wgs84(where.lng, where.lat, Crs.GCJ02)
        here = read_position(round(float(x), 7), round(float(y), 7), "gcj02")
        body = {"lng": here.given_lng, "lat": here.given_lat, "crs": "gcj02", "limit": 3, **WELDING}
        answer = client.post(PATH, json={**body, "at": LEAVES.isoformat(), "session_within_hours": 480}).json()
        walks_mm = brute_force_mm(
            demo_snapshot, demo_snapshot.snap(here.lng, here.lat, step_free=False), step_free=False
        )
        query = NearestQuery(profile, DAY, 3, 60.0, wanted, leave_s, Order.SESSION)
        found = [(h["station"]["code"], h["walk_seconds"], h["session"]["id"]) for h in answer["hits"]]
        assert found == expected(facts, demo_snapshot, walks_mm, profile, query)
        for hit in answer["hits"]:
            starts = datetime.fromisoformat(hit["session"]["starts_at"])
            assert hit["session"]["reachable"] and starts >= LEAVES + timedelta(seconds=hit["walk_seconds"])
            assert hit["session"]["form"] == "evening_school" and "焊工" in hit["session"]["title"]
        seen += len(found)
    assert seen > 5


def test_open_closed_and_unknown_in_hits(client: TestClient, demo_snapshot: Snapshot) -> None:
    """National Day, the make-up Saturday after it, and a year that nobody has announced."""
    stations = {s.code: s.serving.opening_hours for s in demo_snapshot.stations.table.stations}
    seen = {"open": 0, "closed": 0, "unknown": 0}
    for place in places(demo_snapshot, 4):
        for moment, allowed in (
            ("2026-10-01T10:30:00+08:00", {"closed", "unknown"}), ("2026-10-10T02:30:00Z", {"open", "unknown"}),
            ("2031-03-05T10:30:00+08:00", {"unknown"}),
        ):  # fmt: skip
            for hit in client.get(PATH, params=asked(place, at=moment, open_on="2026-11-20", limit=10)).json()["hits"]:
                hours, state = stations[hit["station"]["code"]], hit["hours"]["state"]
                if hours is not None and hours.startswith("Mo-") and "PH" not in hours:
                    assert state in allowed, (moment, hours, state)
                    seen[state] += 1
    assert all(count > 3 for count in seen.values())


def test_doubt_about_the_position_is_what_the_points_around_it_answer(
    client: TestClient, demo_snapshot: Snapshot
) -> None:
    changed = 0
    for place in places(demo_snapshot, 8, seed=5):
        plain = client.get(PATH, params=asked(place, limit=1)).json()
        doubt = client.get(PATH, params=asked(place, limit=1, accuracy_m=400)).json()
        accuracy = doubt["accuracy"]
        assert doubt["hits"] == plain["hits"] and plain["accuracy"] is None
        first = plain["hits"][0]["station"]["code"] if plain["hits"] else None
        assert accuracy["could_be"][0] == first and accuracy["sampled"] == 37
        assert accuracy["first_may_change"] == (len(accuracy["could_be"]) > 1)
        east, north = 400 / 102_000, 400 / 110_800
        for dx, dy in ((0.6, 0.0), (0.0, -0.6), (-0.4, 0.4)):  # what comes first elsewhere inside is among them, mostly
            moved = {"lng": place.given_lng + dx * east, "lat": place.given_lat + dy * north, "crs": "wgs84"}
            hits = client.get(PATH, params={**moved, "limit": 1}).json()["hits"]
            changed += bool(hits) and hits[0]["station"]["code"] in accuracy["could_be"]
        if plain["hits"]:
            low, high = accuracy["walk_seconds"]
            assert low <= plain["hits"][0]["walk_seconds"] <= high
    assert changed >= 18
    exact = client.get(PATH, params=asked(places(demo_snapshot, 1)[0], limit=1, accuracy_m=0.5)).json()["accuracy"]
    assert len(exact["could_be"]) == 1 and exact["first_may_change"] is False


def test_a_cell_tells_less_and_how_much_less(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    cell = h3.latlng_to_cell(place.lat, place.lng, 9)
    lat, lng = h3.cell_to_latlng(cell)
    answer = client.post(PATH, json={"cell": cell, "limit": 3}).json()
    centre = client.get(PATH, params={"lng": lng, "lat": lat, "crs": "wgs84", "limit": 3}).json()
    assert [h["station"]["code"] for h in answer["hits"]] == [h["station"]["code"] for h in centre["hits"]]
    corners = np.array(h3.cell_to_boundary(cell))
    radius = float(distances_m(lng, lat, corners[:, 1], corners[:, 0]).max())
    assert answer["accuracy"]["accuracy_m"] == pytest.approx(radius, abs=0.1)
    assert client.get(PATH, params={"cell": cell, "accuracy_m": 10}).json()["accuracy"]["accuracy_m"] > radius


def test_coordinates_of_another_system_are_hinted_at(client: TestClient, demo_snapshot: Snapshot) -> None:
    """A street's GCJ-02 numbers given as WGS84, where those lie far from every street."""
    network, rng, seen = demo_snapshot.network, np.random.default_rng(9), 0
    main = np.flatnonzero(network.everywhere.component == 0)
    for node in rng.choice(main, 400).tolist():
        x, y = from_wgs84(network.node_lng[node], network.node_lat[node], Crs.GCJ02)
        read = demo_snapshot.snap(float(x), float(y), step_free=False)
        if read.edge[0] >= 0 and read.snap_m[0] <= 100:
            continue
        answer = client.get(PATH, params={"lng": round(float(x), 6), "lat": round(float(y), 6), "crs": "wgs84"}).json()
        assert answer["hint"]["crs"] == "gcj02" and "gcj02" in answer["hint"]["message"]
        seen += 1
    assert seen > 3
    for place in places(demo_snapshot, 5):
        assert client.get(PATH, params=asked(place)).json()["hint"] is None


@pytest.mark.parametrize(
    ("lng", "lat"), [(113.05, 22.95), (114.06, 22.54), (113.9, 22.2)], ids=["Foshan", "Shenzhen", "the sea"]
)
def test_next_door_and_at_sea_the_nearest_across_the_border_is_told(client: TestClient, lng: float, lat: float) -> None:
    answer = client.get(PATH, params={"lng": lng, "lat": lat, "crs": "wgs84", "limit": 3})
    body = answer.json()
    assert answer.status_code == 200 and body["hits"] == [] and body["inside_area"] is False
    assert body["snap"] is None and len(body["nearby"]) == 3
    metres = [one["straight_m"] for one in body["nearby"]]
    assert metres == sorted(metres) and body["nearby"][0]["station"]["name"] in body["message"]
    assert "区域之外" in body["message"]


def test_nothing_within_reach_offers_what_is_online(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    body = client.get(PATH, params=asked(place, max_minutes=0.05)).json()
    online = [c for c in demo_snapshot.offer.courses if c.form == "online"]
    assert len(body["online"]) == min(5, len(online)) and all(one["online_url"] for one in body["online"])
    starts = [one["next_starts_at"] or "9999" for one in body["online"]]
    assert starts == sorted(starts) and "线上" in body["message"]
    only = client.get(PATH, params=asked(place, max_minutes=0.05, skill="不存在的技能")).json()
    assert only["online"] == [] and only["beyond"] is None


def test_times_of_any_zone_mean_the_same(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    told: list[Any] = [
        client.get(PATH, params=asked(place, at=moment, open_at=moment)).json()
        for moment in ("2026-11-26T10:00:00+08:00", "2026-11-26T02:00:00Z", "2026-11-25T21:00:00-05:00")
    ]
    assert told[0] == told[1] == told[2] and told[0]["at"] == "2026-11-26T10:00:00+08:00"
    assert all(hit["hours"]["state"] == "open" for hit in told[0]["hits"])
