"""Filters that are none, and those that mean harm: refused, at once, in words."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.services.feature_filters import MOST_BRACKETS
from app.services.snapshot import Snapshot
from tests.services.test_feature_filters import ids, table

WRONG = [
    "", " ", "\x00", "name = 'a' \x00",
    "(" * 3000, "(" * (MOST_BRACKETS + 1) + "population = 1" + ")" * (MOST_BRACKETS + 1), "NOT " * 300 + "open",
    " AND ".join(["population = 1"] * 100), "population IN (" + ",".join(["1"] * 250) + ")",
    " OR ".join(["S_INTERSECTS(geometry, POINT(1 1))"] * 5), "x" * 1501,
    *"""
name
nam = 'x'
name = 5
population = 'x'
population = NULL
name = 'a'; DROP TABLE stations
name = 'x' --
name = '' OR 1 = 1
1 = 1
'a' = 'a'
name = name
population + 1 > 2
population > 1e999
name LIKE population
population LIKE '1%'
open > false
open = 1
name IN ()
name IN (1)
in IN ('a')
foo(name) = 'x'
pg_sleep(10) = 1
name = (SELECT 1)
S_INTERSECTS(geometry, 5)
S_INTERSECTS(name, POINT(1 1))
S_INTERSECTS(POINT(1 1), geometry)
S_INTERSECTS(geometry, BBOX(1,2,3))
S_INTERSECTS(geometry, BBOX(3,3,1,1))
S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 0 1, 1 0, 0 0)))
S_INTERSECTS(geometry, POINT(1e400 1))
S_FOO(geometry, POINT(1 1))
geometry = 5
geometry IS NULL
population BETWEEN 'a' AND 'b'
NOT
(
)
((name)
name = 'x
"name = 5
closed_on = DATE('abc')
closed_on = DATE('2025-02-30')
closed_on = 5
T_AFTER(opened_on, DATE('2025-01-01'))
A_CONTAINS(name, ('x'))
CASEI(name, name) = 'x'
CASEI(population) = 'x' AND 1
name = 'x' AND
AND name = 'x'
𝄞
__class__ = 'x'
name.__class__ = 'x'
{}
[]
0
null
(((((((population = 1)))))))
""".strip().splitlines(),
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("name", ["stations", "towns"])
def test_what_is_no_filter_is_refused_at_once(demo_snapshot: Snapshot, name: str, text: str) -> None:
    table(demo_snapshot, name)
    begun = time.perf_counter()
    with pytest.raises(InvalidInput) as caught:
        ids(demo_snapshot, name, text)
    assert time.perf_counter() - begun < 0.5
    (item,) = caught.value.errors
    assert item.field == "filter" and item.message_zh and item.remedy_en


def deep(levels: int) -> Any:
    return {"op": "not", "args": [deep(levels - 1)]} if levels else {"property": "open"}


WRONG_JSON = [
    json.dumps(deep(13)),
    json.dumps(deep(300)),
    json.dumps({"op": "=", "args": [{"property": "seats"}, 10**400]}),
    *"""
null
5
"x"
[]
{}
{"op": "="}
{"op": "=", "args": []}
{"op": "=", "args": "ab"}
{"op": 5, "args": [1]}
{"op": "and", "args": [true]}
{"op": "=", "args": [{"property": 5}, 1]}
{"op": "=", "args": [{"property": ["name"]}, "x"]}
{"op": "=", "args": [{"property": "name"}, {"a": 1}]}
{"op": "in", "args": [{"property": "name"}, "abc"]}
{"op": "in", "args": [{"property": "name"}, {}]}
{"op": "not", "args": [true, true]}
{"op": "isNull", "args": [5]}
{"op": "between", "args": [{"property": "seats"}, 1]}
{"op": "casei", "args": [{"property": "name"}]}
{"op": "=", "args": [{"property": "name"}, {"op": "casei", "args": []}]}
{"op": "like", "args": [{"property": "name"}, null]}
{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Polygon", "coordinates": "x"}]}
{"op": "s_intersects", "args": [1]}
{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Feature"}]}
{"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": "abcd"}]}
{"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [1, 2, null, 4]}]}
{"op": "=", "args": [{"property": "opened_on"}, {"date": 5}]}
{"op": "=", "args": [{"property": "opened_on"}, {"timestamp": "9999-12-31T23:59:59-12:00"}]}
""".strip().splitlines(),
]


@pytest.mark.parametrize("asked", WRONG_JSON, ids=range(len(WRONG_JSON)))
def test_json_that_is_no_filter_is_refused(demo_snapshot: Snapshot, asked: str) -> None:
    with pytest.raises(InvalidInput):
        ids(demo_snapshot, "stations", asked, filter_is_json=True)


PIECES = [
    "(", ")", "name", "=", "population", "1", "'x'", "AND", "OR", "NOT", "IN", ",", "LIKE", "DATE(", "BBOX(",
    "S_INTERSECTS(", "geometry", "CASEI(", "-", ";", "''", "open", '"', "IS NULL", "POINT(1 1)",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=12,
    )
)
def test_pieces_thrown_together_are_answered_or_refused(demo_snapshot: Snapshot, pieces: list[str]) -> None:
    try:
        ids(demo_snapshot, "towns", " ".join(pieces))
    except InvalidInput as fault:
        assert re.search(r"\w", fault.errors[0].message_zh)
