"""Seats against people over HTTP: seats are conserved, and areas add up."""

from __future__ import annotations

from typing import Any

import pytest

from app.api.schemas.capacity import CapacityTable
from app.services.snapshot import Snapshot
from app.services.station_table import today
from tests.api.conftest import TestClient

PATH = "/v1/coverage/capacity"


def get(client: TestClient, **query: Any) -> Any:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    assert CapacityTable.model_validate(answer.json(), extra="forbid")
    return answer.json()


def test_seats_are_conserved_and_areas_add_up(client: TestClient, demo_snapshot: Snapshot) -> None:
    city, district, town = (get(client, level=level) for level in ("city", "district", "town"))
    (whole,) = city["rows"]
    for body in (district, town):
        for name in ("population", "stations", "seats", "stations_without_seats"):
            assert sum(row[name] for row in body["rows"]) == whole[name]
        reachable = sum(row["reachable_seats"] for row in body["rows"])
        assert reachable == pytest.approx(whole["reachable_seats"], abs=0.05 * len(body["rows"]))
    reached = [one for one in city["stations"] if one["weighted_people"] > 0]
    assert whole["reachable_seats"] == pytest.approx(sum(one["seats"] or 0 for one in reached), abs=0.1)
    open_now = {s.code: s.serving.seats for s in demo_snapshot.stations.table.stations if s.is_open_on(today())}
    assert {one["code"]: one["seats"] for one in city["stations"]} == open_now
    scarce = [one["seats_per_1000"] for one in city["stations"] if one["seats_per_1000"] is not None]
    assert scarce == sorted(scarce) and len(scarce) > 10


def test_a_district_has_its_own_stations(client: TestClient) -> None:
    body = get(client, level="town", within="440106", minutes=12)
    assert body["zone_minutes"] == [4, 8, 12]
    assert {one["areas"][1]["code"] for one in body["stations"]} == {"440106"}
    assert sum(row["stations"] for row in body["rows"]) == len(body["stations"])


def test_too_far_for_the_table(client: TestClient) -> None:
    answer = client.get(PATH, params={"minutes": 60, "speed_kmh": 7})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "minutes"
