"""What is kept of answers is what would be written anew: as time passes, hours change, and seats are taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import numpy as np
import pytest

from app.api.language import Language
from app.api.nearest_asked import Reading, Where
from app.api.nearest_texts import Asking
from app.api.routes.nearest import light_body
from app.api.schemas.nearest import NearestParameters
from app.demo.spec import CitySpec
from app.geo.crs import Crs
from app.geo.opening_hours import TIME_ZONE
from app.services.attendable import next_sessions
from app.services.hours_at import HoursTable
from app.services.nearest import find_nearest
from app.services.offer import ANY_COURSE, Offer, offer_of
from app.services.snapshot import Snapshot
from tests.api.test_nearest import places

QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"limit": 20, "max_minutes": 40},
    {"max_minutes": 2, "skill": "焊"},  # mostly beyond, hours away: open now, closed on arrival
    {"order": "session", "session_within_hours": 72},
    {"form": ["evening_school"], "session_within_hours": 200, "limit": 3},
    {"open_at": "now", "profile": "senior"},
)
MOMENTS = 120


def afresh(snapshot: Snapshot) -> Snapshot:
    """The same with nothing kept."""
    table = snapshot.stations.table
    offer = offer_of(*snapshot.offer.rows, table, snapshot.offer.key)
    offer.seats.take(offer.session_at, snapshot.offer.seats.taken)
    return replace(snapshot, offer=offer, hours=HoursTable(table.stations, snapshot.hours.calendar))


@pytest.fixture(scope="module")
def kept(demo_snapshot: Snapshot) -> Snapshot:
    """One whose seats the test may take, with its far table."""
    searcher, stations, _ = demo_snapshot.variant(step_free=False)
    demo_snapshot.far.build(demo_snapshot.network, searcher, stations, step_free=False)
    return afresh(demo_snapshot)


def take_some(offer: Offer, rng: np.random.Generator) -> None:
    """Between none and all of the seats of a few hundred sessions."""
    some = rng.choice(len(offer.session_id), 300, replace=False)
    offer.seats.take(
        offer.session_at, [(int(offer.session_id[at]), int(rng.integers(0, offer.seats_given[at] + 2))) for at in some]
    )


def test_what_is_kept_is_what_would_be_written_anew(kept: Snapshot) -> None:
    rng = np.random.default_rng(20)
    readings = [Reading(NearestParameters.model_validate({"crs": "wgs84", **asked})) for asked in QUESTIONS]
    near_street = [p for p in places(kept, 30) if kept.snap(p.lng, p.lat, step_free=False).snap_m[0] < 90]
    where = [Where(position, None) for position in near_street[:3]]
    begins_s = int((datetime.combine(CitySpec().as_of, datetime.min.time(), TIME_ZONE) + timedelta(days=2)).timestamp())
    # now and then an hour back, as clocks of machines do, mostly minutes or hours on
    steps = rng.choice([-3600, 1, 60, 300, 600, 1800, 7200], MOMENTS, p=[0.2, 0.05, 0.1, 0.2, 0.2, 0.15, 0.1])
    moments = (begins_s + np.cumsum(steps)).tolist()
    for place in where:  # just after the next session where one goes has begun, then just before
        (hit,) = find_nearest(kept, place.position, replace(readings[0].query(begins_s), limit=1)).hits
        (session,) = next_sessions(kept, hit.number, begins_s, ANY_COURSE, 1)
        moments += [kept.offer.here_starts_s.item(session) + seconds for seconds in (30, -30)]
    told = set()
    for turn, now_s in enumerate(moments):
        for _ in range(1 + (turn % 4 == 3)):
            new = afresh(kept)
            for reading, place in product(readings, where):
                language = Language.ZH if rng.random() < 0.8 else Language.EN
                first, again, anew = (
                    light_body(Asking(snapshot, reading.query(now_s), Crs.WGS84, language), place)
                    for snapshot in (kept, kept, new)
                )
                assert first == again == anew and first is not None
                told.add(first)
            if turn % 4 == 3:
                take_some(kept.offer, rng)  # within the same second
    assert len(told) > 4 * MOMENTS, "they differ from moment to moment"
