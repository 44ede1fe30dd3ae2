"""The demonstration city's scenarios: what a planner might keep, seeded by the stations and streets that there are."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.demo.city import DemoCity
from app.geo.geodesy import metres_per_degree_at
from app.models.vocabularies import StationStatus
from app.repositories.scenarios import any_scenarios, insert_scenario
from app.services.saved_scenarios import Sharing

OWNER, DISTRICT = "city", "440106"
NOTE = "示范方案,随演示城市生成 · made with the demonstration city"
LOOKED_AT = 3_000  # street nodes


def load_scenarios(session: Session, city: DemoCity) -> None:
    """Write two unless there are any. The caller has said who acts."""
    if any_scenarios(session):
        return
    for name, key, changes in (
        ("演示:天河区合并一站", "demo-scenario-merge", merged(city)),
        ("演示:离站点最远处新增三站", "demo-scenario-three", three_more(city)),
    ):
        question = {"crs": "wgs84", "changes": changes}
        values = {"owner": OWNER, "name": name, "note": NOTE, "shared": Sharing.LINK.value, "share_key": key}
        insert_scenario(session, {**values, "question": question})


def merged(city: DemoCity) -> list[dict[str, Any]]:
    """The last open station of a district closes."""
    here = [s for s in city.stations if s.status is StationStatus.OPEN and f"YC{DISTRICT}" in s.code]
    return [{"kind": "close", "code": max(s.code for s in here or city.stations)}]


def three_more(city: DemoCity) -> list[dict[str, Any]]:
    """One after another, each where streets are farthest from any station in a straight line."""
    step = max(1, len(city.rows.node_id) // LOOKED_AT)
    lng, lat = city.rows.node_lng[::step], city.rows.node_lat[::step]
    east, north = metres_per_degree_at(float(lat.mean()))
    distance_m = np.full(len(lng), np.inf)
    for station in city.stations:
        distance_m = np.minimum(distance_m, np.hypot((lng - station.lng) * east, (lat - station.lat) * north))
    made = []
    for k in range(3):
        at = int(distance_m.argmax())
        place = {"lng": round(float(lng[at]), 6), "lat": round(float(lat[at]), 6)}
        made.append({"kind": "add", "name": f"新站 {k + 1}", **place})
        distance_m = np.minimum(distance_m, np.hypot((lng - lng[at]) * east, (lat - lat[at]) * north))
    return made
