"""What a change makes of a timeline, held against days looked at one by one."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.repositories.station_versions import StationState
from app.services.timelines import changed_timeline

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=k) for k in range(-2, 12)]  # before all that changes, after all that does
COLUMNS = {"name": ["a", "b", "c"], "seats": [None, 0, 5]}

days = st.integers(0, 9).map(lambda k: FIRST + timedelta(days=k))
values = st.fixed_dictionaries({name: st.sampled_from(given_values) for name, given_values in COLUMNS.items()})
changes = st.fixed_dictionaries({}, optional={n: st.sampled_from(v) for n, v in COLUMNS.items()})


@st.composite
def timelines(draw: st.DrawFn) -> list[StationState]:
    cuts = sorted(draw(st.sets(days, max_size=4)))
    bounds: list[date | None] = [None, *cuts, None]
    made: list[StationState] = []
    for start, end in pairwise(bounds):
        said = draw(values.filter(lambda v: not made or v != made[-1].values))
        made.append(StationState("A", start, end, said))
    return made


def on(timeline: list[StationState], day: date) -> dict[str, Any]:
    (found,) = [
        s.values
        for s in timeline
        if (s.valid_from is None or s.valid_from <= day) and (s.valid_to is None or day < s.valid_to)
    ]
    return found


def assert_sound(timeline: list[StationState]) -> None:
    """From ever to ever without gaps, and no two neighbours say the same."""
    assert timeline[0].valid_from is None and timeline[-1].valid_to is None
    for one, other in pairwise(timeline):
        assert one.valid_to is not None and one.valid_to == other.valid_from
        assert one.valid_from is None or one.valid_from < one.valid_to
        assert one.values != other.values


@given(timelines(), changes, days, st.none() | st.integers(1, 5))
def test_a_change_holds_on_its_days_and_no_other(
    timeline: list[StationState], change: dict[str, Any], since: date, length: int | None
) -> None:
    until = None if length is None else since + timedelta(days=length)
    changed = changed_timeline(timeline, change, since, until)
    assert_sound(changed)
    for day in DAYS:
        inside = since <= day and (until is None or day < until)
        assert on(changed, day) == on(timeline, day) | (change if inside else {})


@given(timelines(), changes)
def test_a_correction_reaches_back_as_far_as_the_mistake(timeline: list[StationState], change: dict[str, Any]) -> None:
    corrected = changed_timeline(timeline, change, None)
    assert_sound(corrected)
    for name in COLUMNS:
        wrong = on(timeline, DAYS[-1])[name]
        reached = name in change
        for day in reversed(DAYS):
            reached = reached and on(timeline, day)[name] == wrong
            assert on(corrected, day)[name] == (change[name] if reached else on(timeline, day)[name])


def test_a_mistake_that_was_not_there_before_is_corrected_no_further() -> None:
    """The address was b, then (rightly) a, then b again by mistake: the first b stays."""
    days = [FIRST, FIRST + timedelta(days=3)]
    states = [
        StationState("A", None, days[0], {"address": "b"}),
        StationState("A", days[0], days[1], {"address": "a"}),
        StationState("A", days[1], None, {"address": "b"}),
    ]
    corrected = changed_timeline(states, {"address": "a"}, None)
    assert [(s.valid_from, s.valid_to, s.values["address"]) for s in corrected] == [
        (None, days[0], "b"), (days[0], None, "a"),
    ]  # fmt: skip
