"""Filters in CQL2 held against plain Python, and what becomes of those that mean harm."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.services.feature_filters import Filter, like_pattern
from app.services.feature_queries import ItemsQuery, find_items
from app.services.feature_shapes import StoredShapes
from app.services.feature_tables import COLLECTIONS, FeatureTable, json_values, table_of
from app.services.map_layers import Columns, words
from app.services.snapshot import Snapshot
from app.services.station_table import today

Row = dict[str, Any]
EVERYTHING = 10**7


def table(snapshot: Snapshot, name: str) -> FeatureTable:
    return table_of(snapshot, COLLECTIONS[name], today())


def rows_of(found: FeatureTable) -> list[Row]:
    rows = np.arange(len(found))
    shapes = found.shapes.of(rows)
    columns = {name: json_values(column, rows) for name, column in found.columns.items()}
    return [{name: values[k] for name, values in columns.items()} | {"shape": shapes[k]} for k in range(len(found))]


def ids(snapshot: Snapshot, name: str, text: str | None = None, **asked: Any) -> list[str]:
    found = table(snapshot, name)
    page = find_items(COLLECTIONS[name], found, ItemsQuery(EVERYTHING, filter_text=text, **asked))
    assert page.matched == len(page.rows) and page.last_id is None
    return [str(found.ids[k]) for k in page.rows.tolist()]


def by_hand(snapshot: Snapshot, name: str, condition: Callable[[Row], bool]) -> list[str]:
    found = table(snapshot, name)
    return [str(feature_id) for feature_id, row in zip(found.ids, rows_of(found), strict=True) if condition(row)]


BOX = shapely.box(113.25, 23.1, 113.35, 23.2)
CASES: list[tuple[str, str, Callable[[Row], bool]]] = [
    ("towns", "population > 50000", lambda r: r["population"] > 50000),
    ("towns", "50000 < population", lambda r: r["population"] > 50000),
    ("towns", "population >= 50000 AND rate < 0.5", lambda r: r["population"] >= 50000 and r["rate"] < 0.5),
    (
        "towns",
        "rate < 0.2 OR population > 90000 AND NOT stations = 0",
        lambda r: r["rate"] < 0.2 or (r["population"] > 90000 and r["stations"] != 0),
    ),
    (
        "towns",
        "(rate < 0.2 OR population > 90000) AND stations <> 0",
        lambda r: (r["rate"] < 0.2 or r["population"] > 90000) and r["stations"] != 0,
    ),
    ("towns", "population BETWEEN 20000 AND 40000.5", lambda r: 20000 <= r["population"] <= 40000.5),
    ("towns", "population NOT BETWEEN 20000 AND 40000", lambda r: not 20000 <= r["population"] <= 40000),
    ("towns", "stations IN (0, 2)", lambda r: r["stations"] in (0, 2)),
    ("towns", "name LIKE '%街道'", lambda r: r["name"].endswith("街道")),
    ("towns", "name NOT LIKE '_江%'", lambda r: r["name"][1] != "江"),
    ("towns", "name > '天河'", lambda r: r["name"] > "天河"),
    ("towns", "median_walk_minutes IS NULL", lambda r: r["median_walk_minutes"] is None),
    (
        "towns",
        "NOT (median_walk_minutes < 15)",
        lambda r: r["median_walk_minutes"] is not None and r["median_walk_minutes"] >= 15,
    ),
    (
        "stations",
        "type IN ('community', 'rural') AND open = true",
        lambda r: r["type"] in ("community", "rural") and r["open"],
    ),
    ("stations", "open", lambda r: r["open"]),
    ("stations", "NOT open", lambda r: not r["open"]),
    ("stations", "NOT (closed_on > DATE('2000-01-01') AND open)", lambda r: not r["open"]),
    ("stations", "NOT (closed_on > DATE('2000-01-01') OR open)", lambda r: False),
    ("stations", "open <> TRUE", lambda r: not r["open"]),
    (
        "stations",
        "opened_on > DATE('2025-10-01')",
        lambda r: r["opened_on"] is not None and r["opened_on"] > "2025-10-01",
    ),
    (
        "stations",
        "opened_on <= TIMESTAMP('2025-09-30T16:00:00Z')",
        lambda r: r["opened_on"] is not None and r["opened_on"] <= "2025-10-01",
    ),
    ("stations", "opened_on = '2025-10-10'", lambda r: r["opened_on"] == "2025-10-10"),
    ("stations", "closed_on IS NOT NULL", lambda r: r["closed_on"] is not None),
    (
        "stations",
        "opened_on IS NULL OR seats < 50",
        lambda r: r["opened_on"] is None or (r["seats"] is not None and r["seats"] < 50),
    ),
    ("stations", "CASEI(code) LIKE CASEI('yc440106-%')", lambda r: r["code"].startswith("YC440106-")),
    ("stations", "code LIKE 'yc%'", lambda r: False),
    (
        "stations",
        "CASEI(code) IN (CASEI('yc440106-001'), 'YC440103-001')",
        lambda r: r["code"] in ("YC440106-001", "YC440103-001"),
    ),
    ("stations", "name = 'it''s'", lambda r: False),
    ("stations", "true", lambda r: True),
    ("stations", "S_INTERSECTS(geometry, BBOX(113.25, 23.1, 113.35, 23.2))", lambda r: BOX.intersects(r["shape"])),
    ("stations", "S_DISJOINT(geometry, BBOX(113.25, 23.1, 113.35, 23.2))", lambda r: not BOX.intersects(r["shape"])),
    (
        "towns",
        "S_WITHIN(geometry, POLYGON((113.2 23.0, 113.5 23.0, 113.5 23.3, 113.2 23.0)))",
        lambda r: r["shape"].within(shapely.Polygon([(113.2, 23.0), (113.5, 23.0), (113.5, 23.3)])),
    ),
    ("towns", "S_CONTAINS(geometry, POINT(113.3 23.12))", lambda r: r["shape"].contains(shapely.Point(113.3, 23.12))),
    (
        "hexes",
        "S_OVERLAPS(geometry, BBOX(113.25, 23.1, 113.35, 23.2)) AND population > 500.5",
        lambda r: r["shape"].overlaps(BOX) and r["population"] > 500.5,
    ),
    (
        "hexes",
        "nearest_minutes > 15 AND covered_share > 0",
        lambda r: r["nearest_minutes"] is not None and r["nearest_minutes"] > 15 and r["covered_share"] > 0,
    ),
    ("network", "steps AND name IS NOT NULL", lambda r: r["steps"] and r["name"] is not None),
    (
        "network",
        "length_m > 400 AND S_INTERSECTS(geometry, BBOX(113.25, 23.1, 113.35, 23.2))",
        lambda r: r["length_m"] > 400 and BOX.intersects(r["shape"]),
    ),
    (
        "network",
        "S_CROSSES(geometry, LINESTRING(113.2 23.1, 113.4 23.2))",
        lambda r: r["shape"].crosses(shapely.LineString([(113.2, 23.1), (113.4, 23.2)])),
    ),
    (
        "gaps",
        "people > 1000 AND NOT nearest_minutes < 30",
        lambda r: r["people"] > 1000 and r["nearest_minutes"] is not None and r["nearest_minutes"] >= 30,
    ),
]


@pytest.mark.parametrize(("name", "text", "condition"), CASES, ids=[text for _, text, _ in CASES])
def test_a_filter_finds_what_python_finds(
    demo_snapshot: Snapshot, name: str, text: str, condition: Callable[[Row], bool]
) -> None:
    assert ids(demo_snapshot, name, text) == by_hand(demo_snapshot, name, condition)


def test_most_filters_find_something(demo_snapshot: Snapshot) -> None:
    found = [0 < len(ids(demo_snapshot, name, text)) < len(table(demo_snapshot, name)) for name, text, _ in CASES]
    assert sum(found) > 0.7 * len(CASES)


def test_a_feature_is_there_from_its_first_day_until_before_its_last() -> None:
    days = [
        ("2026-01-05", None),
        ("2026-02-01", None),
        ("2025-01-01", "2026-01-01"),
        ("2025-01-01", "2026-01-02"),
        (None, None),
    ]
    columns: Columns = {"opened_on": words([a for a, _ in days]), "closed_on": words([b for _, b in days])}
    shapes = StoredShapes(np.array([shapely.Point(113, 23)] * len(days)))
    asking = Filter(COLLECTIONS["stations"], FeatureTable(list("abcde"), columns, shapes))
    assert asking.between_days("2026-01-01", "2026-01-31").tolist() == [True, False, False, True, False]
    assert asking.between_days("2026-02-01", "2026-02-01").tolist() == [True, True, False, False, False]
    assert asking.between_days("2026-01-01", "2026-01-05").tolist() == [True, False, False, True, False]
    assert asking.between_days("2026-01-04", "2026-01-04").tolist() == [False, False, False, False, False]


def test_json_says_the_same(demo_snapshot: Snapshot) -> None:
    polygon = {"type": "Polygon", "coordinates": [[[113.2, 23.0], [113.5, 23.0], [113.5, 23.3], [113.2, 23.0]]]}
    asked = {
        "op": "and",
        "args": [
            {"op": ">", "args": [{"property": "population"}, 20000]},
            {"op": "not", "args": [{"op": "like", "args": [{"property": "name"}, "%镇"]}]},
            {"op": "s_intersects", "args": [{"property": "geometry"}, polygon]},
        ],
    }
    text = (
        "population > 20000 AND NOT name LIKE '%镇' AND "
        "S_INTERSECTS(geometry, POLYGON((113.2 23.0, 113.5 23.0, 113.5 23.3, 113.2 23.0)))"
    )
    found = ids(demo_snapshot, "towns", orjson.dumps(asked).decode(), filter_is_json=True)
    assert found == ids(demo_snapshot, "towns", text) != []


def test_shapes_may_have_their_latitude_first(demo_snapshot: Snapshot) -> None:
    lng_lat = ids(
        demo_snapshot, "stations", "S_INTERSECTS(geometry, POLYGON((113.2 23.0, 113.5 23.0, 113.5 23.3, 113.2 23.0)))"
    )
    lat_lng = "S_INTERSECTS(geometry, POLYGON((23.0 113.2, 23.0 113.5, 23.3 113.5, 23.0 113.2)))"
    assert ids(demo_snapshot, "stations", lat_lng, filter_flipped=True) == lng_lat != []
    box = "S_INTERSECTS(geometry, BBOX(23.1, 113.25, 23.2, 113.35))"
    assert ids(demo_snapshot, "stations", box, filter_flipped=True) == by_hand(
        demo_snapshot, "stations", lambda r: BOX.intersects(r["shape"])
    )


def test_properties_are_parameters_of_their_own(demo_snapshot: Snapshot) -> None:
    found = ids(demo_snapshot, "stations", equals={"district_code": "440106", "open": "true"})
    assert found == by_hand(demo_snapshot, "stations", lambda r: r["district_code"] == "440106" and r["open"]) != []
    assert ids(demo_snapshot, "towns", equals={"stations": "2"}) == by_hand(
        demo_snapshot, "towns", lambda r: r["stations"] == 2
    )
    for name, value in (("seats", "many"), ("open", "yes"), ("opened_on", "June"), ("seats", "1e3"), ("seats", "inf")):
        with pytest.raises(InvalidInput) as caught:
            ids(demo_snapshot, "stations", equals={name: value})
        assert caught.value.errors[0].field == name


@settings(max_examples=300, deadline=None)
@given(st.text("ab%_\\\n天", max_size=8), st.text("abA\n天%_\\", max_size=8), st.booleans())
def test_like_is_what_it_should_be(pattern: str, text: str, ignore_case: bool) -> None:
    assert (like_pattern(pattern, ignore_case=ignore_case).fullmatch(text) is not None) == like(
        *((pattern.lower(), text.lower()) if ignore_case else (pattern, text))
    )


def like(pattern: str, text: str) -> bool:
    """The definition, by recursion."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(pattern[1:], text[k:]) for k in range(len(text) + 1))
    escaped = pattern[0] == "\\" and len(pattern) > 1
    rest = pattern[2:] if escaped else pattern[1:]
    same = bool(text) and (text[0] == pattern[1] if escaped else pattern[0] in ("_", text[0]))
    return same and like(rest, text[1:])


def test_no_pattern_takes_long() -> None:
    begun = time.perf_counter()
    assert like_pattern("%a" * 400 + "b", ignore_case=True).fullmatch("a" * 2_000) is None
    assert time.perf_counter() - begun < 0.2
