"""Scenarios over HTTP: sums, coordinates, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.geo.crs import Crs, from_wgs84
from app.services.snapshot import Snapshot
from app.services.station_table import today
from tests.api.conftest import TestClient
from tests.api.test_nearest import places

PATH = "/v1/scenarios"


def near_streets(snapshot: Snapshot, count: int) -> list[dict[str, Any]]:
    found = [p for p in places(snapshot, 40) if snapshot.snap(p.lng, p.lat, step_free=False).snap_m[0] >= 0]
    on = [p for p in found if snapshot.snap(p.lng, p.lat, step_free=False).edge[0] >= 0][:count]
    made = []
    for place in on:
        x, y = from_wgs84(place.lng, place.lat, Crs.GCJ02)
        made.append({"kind": "add", "name": "新站", "lng": float(x), "lat": float(y)})
    return made


def open_codes(snapshot: Snapshot) -> list[str]:
    return [s.code for s in snapshot.stations.table.stations if s.is_open_on(today())]


def test_before_is_coverage_and_all_adds_up(client: TestClient, demo_snapshot: Snapshot) -> None:
    added, codes = near_streets(demo_snapshot, 4), open_codes(demo_snapshot)
    moved = {"kind": "move", "code": codes[0], "lng": added[0]["lng"], "lat": added[0]["lat"]}
    changes = [*added[1:], moved, {"kind": "close", "code": codes[1]}]
    answer = client.post(PATH, json={"crs": "gcj02", "changes": changes, "level": "town", "minutes": 12})
    assert answer.status_code == 200 and "no-store" in answer.headers["cache-control"]
    body = answer.json()
    coverage = client.get("/v1/coverage", params={"level": "town", "minutes": 12}).json()
    assert body["run_id"] == coverage["run_id"] and body["data_notice"]["synthetic"] is True
    for row, was in zip(body["rows"], coverage["rows"], strict=True):
        assert (row["code"], row["before"]["covered"], row["before"]["rate"]) == (
            was["code"],
            was["covered"],
            was["rate"],
        )
    for figures in (body["total"], *body["rows"]):
        assert figures["after"]["covered"] - figures["before"]["covered"] == figures["gained"] - figures["lost"]
    assert body["total"]["gained"] > 0 and body["total"]["lost"] > 0
    nets = sum(change["net"] for change in body["changes"])
    assert nets == body["total"]["after"]["covered"] - body["total"]["before"]["covered"]
    told = body["changes"]
    assert [one["kind"] for one in told] == ["add", "add", "add", "move", "close"]
    assert (told[0]["lng"], told[0]["type"], told[0]["name"]) == (changes[0]["lng"], "community", "新站")
    assert len(told[0]["areas"]) == 3 and told[0]["snap_m"] is not None and told[4]["areas"] == []


def test_a_part_of_the_city(client: TestClient, demo_snapshot: Snapshot) -> None:
    changes = near_streets(demo_snapshot, 6)
    body = client.post(PATH, json={"crs": "gcj02", "changes": changes, "level": "town", "within": "440106"}).json()
    assert {row["code"][:6] for row in body["rows"]} == {"440106"}
    assert body["total"]["gained"] == sum(row["gained"] for row in body["rows"])


ADD = {"kind": "add", "lng": 113.3, "lat": 23.1}


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({"changes": []}, 422, ["changes"]),
        ({"changes": [ADD] * 501, "crs": "wgs84"}, 422, ["changes"]),
        ({"changes": [ADD]}, 422, ["crs"]),
        ({"changes": [ADD], "crs": "utm"}, 422, ["crs"]),
        ({"changes": [{"kind": "build"}]}, 422, ["changes[0].kind"]),
        ({"changes": [{"kind": "move", "code": "X"}, {"kind": "hours", "name": "x"}]}, 422,
         ["changes[0].lng", "changes[0].lat", "changes[1].code", "changes[1].name", "changes[1].opening_hours"]),
        ({"changes": [{**ADD, "lat": 123.4}, {**ADD, "lng": 500}], "crs": "wgs84"}, 422,
         ["changes[0].lat", "changes[1].lng"]),
        ({"changes": [{**ADD, "opening_hours": "whenever"}], "crs": "wgs84"}, 422, ["changes[0].opening_hours"]),
        ({"changes": [{"kind": "close", "code": "nobody"}]}, 422, ["changes[0].code"]),
        ({"changes": [{"kind": "add", "lng": 114.9, "lat": 21.2}], "crs": "wgs84"}, 422, ["changes[0].lng, lat"]),
        ({"changes": [ADD], "crs": "wgs84", "within": "9"}, 404, ["within"]),
        ({"changes": [ADD], "crs": "wgs84", "minuets": 15}, 422, ["minuets"]),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_said(
    client: TestClient, body: dict[str, Any], status: int, fields: list[str]
) -> None:
    answer = client.post(PATH, json=body)
    assert answer.status_code == status, answer.text
    errors = answer.json()["errors"]
    assert [item["field"] for item in errors] == fields
    assert all(item["message"] and item["remedy"] for item in errors)
