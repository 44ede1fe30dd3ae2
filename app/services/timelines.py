"""A station's timeline: what was so from which day until which, and what a change makes of it.

The model is the bitemporal one of Snodgrass ("Developing Time-Oriented Database Applications in SQL", 1999): days on
which something was so (valid time), and moments at which it was known (transaction time). Here is the first of the two;
the second is kept by the database's trigger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

from app.repositories.station_versions import StationState


def changed_timeline(
    timeline: Sequence[StationState], changes: Mapping[str, Any], since: date | None, until: date | None = None
) -> list[StationState]:
    """The timeline after a change of some columns: from the day ``since`` on, until before ``until`` where it is given.

    ``timeline`` runs without gaps from the unbounded past to the unbounded future. Without ``since`` it is a
    correction: each column is put right in the last state and, backwards, in every state before it that has the same
    wrong value without a break. Neighbours that come to say the same become one state.
    """
    if since is None:
        corrected = list(timeline)
        for name, value in changes.items():
            wrong = timeline[-1].values[name]
            for k in reversed(range(len(corrected))):
                if timeline[k].values[name] != wrong:
                    break
                corrected[k] = replace(corrected[k], values={**corrected[k].values, name: value})
        return _joined(corrected)
    made: list[StationState] = []
    for state in timeline:
        for start, end in _cut(state, since, until):
            inside = (start is not None and start >= since) and (until is None or (end is not None and end <= until))
            values = {**state.values, **changes} if inside else state.values
            made.append(replace(state, valid_from=start, valid_to=end, values=values))
    return _joined(made)


def compared(
    before: Sequence[StationState], after: Sequence[StationState]
) -> Iterator[tuple[date | None, date | None, dict[str, Any] | None, dict[str, Any] | None]]:
    """Two timelines side by side, period by period: bounds, and the values in each; None where there is no station."""
    days = sorted({s.valid_from for s in (*before, *after) if s.valid_from is not None})
    bounds: list[date | None] = [None, *days, None]
    for start, end in pairwise(bounds):
        yield start, end, _values_from(before, start), _values_from(after, start)


def _values_from(timeline: Sequence[StationState], start: date | None) -> dict[str, Any] | None:
    """What is so at the beginning of a period that lies within one state."""
    for state in reversed(timeline):
        if state.valid_from is None or (start is not None and state.valid_from <= start):
            return state.values
    return None


def _cut(state: StationState, since: date, until: date | None) -> list[tuple[date | None, date | None]]:
    """The periods into which the two days cut a state."""
    days = [day for day in (since, until) if day is not None and _holds_inside(state, day)]
    bounds: list[date | None] = [state.valid_from, *days, state.valid_to]
    return list(pairwise(bounds))


def _holds_inside(state: StationState, day: date) -> bool:
    return (state.valid_from is None or state.valid_from < day) and (state.valid_to is None or day < state.valid_to)


def _joined(states: Sequence[StationState]) -> list[StationState]:
    joined: list[StationState] = []
    for state in states:
        if joined and joined[-1].values == state.values:
            joined[-1] = replace(joined[-1], valid_to=state.valid_to)
        else:
            joined.append(state)
    return joined
