"""What is kept of stations' hours is what the rules say, in whatever order moments are asked about."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.geo.opening_hours import TIME_ZONE, Calendar, state_at
from app.models.vocabularies import StationStatus
from app.services.hours_at import HoursTable
from app.services.station_table import NOT_TOLD, StationInfo

HOURS = ("Mo-Fr 09:00-12:00,14:00-17:30", "18:00-26:00", "24/7", None, "Mo off; Tu-Su 10:00-20:00", "whenever")
BEGINS = datetime(2026, 9, 28, tzinfo=TIME_ZONE)  # before the holidays of October and a make-up workday


def station(hours: str | None) -> StationInfo:
    return StationInfo(
        code="A1", name="站", type="park", host_kind="other", status=StationStatus.OPEN, address=None, opened_on=None,
        closed_on=None, district_code=None, town_code=None, lng=113.3, lat=23.1, synthetic=True,
        serving=replace(NOT_TOLD, opening_hours=hours),
    )  # fmt: skip


@given(
    asked=st.lists(
        st.tuples(st.integers(0, len(HOURS) - 1), st.integers(0, 16 * 24 * 4), st.integers(0, 899)),
        min_size=1,
        max_size=60,
    )
)
def test_kept_hours_are_those_of_the_rules(asked: list[tuple[int, int, int]]) -> None:
    table = HoursTable([station(hours) for hours in HOURS], Calendar.of_library())
    for number, quarters, seconds in asked:
        moment = BEGINS + timedelta(minutes=15 * quarters, seconds=seconds)
        moment_s = int(moment.timestamp())

        def of_day(day: date, number: int = number) -> Any:
            return table.hours_of(number, day)

        state, until = state_at(of_day, moment)
        stretch = table.stretch(number, moment_s)
        assert stretch.from_s <= moment_s < stretch.to_s
        assert stretch.opening == (state, None if until is None else int(until.timestamp()))
