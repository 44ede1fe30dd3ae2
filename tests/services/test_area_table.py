"""Who is part of whom: a small country of two levels and more, in any order, with gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.errors import LevelNotLoaded, NotFound
from app.geo.frontage import NOWHERE
from app.models.vocabularies import AreaLevel
from app.services.area_table import AreaInfo, AreaTable, apportion

CITY, DISTRICT, TOWN = AreaLevel.CITY, AreaLevel.DISTRICT, AreaLevel.TOWN
Row = tuple[str, AreaLevel, str | None, tuple[float, float, float, float]]

# a city of three districts: of two towns, of one town, of none
ROWS: list[Row] = [
    ("44", CITY, None, (0, 0, 3, 1)),
    ("4401", DISTRICT, "44", (0, 0, 1, 1)),
    ("4401-a", TOWN, "4401", (0, 0, 0.5, 1)),
    ("4401-b", TOWN, "4401", (0.5, 0, 1, 1)),
    ("4402", DISTRICT, "44", (1, 0, 2, 1)),
    ("4402-a", TOWN, "4402", (1, 0, 2, 1)),
    ("4403", DISTRICT, "44", (2, 0, 3, 1)),
]


def table_of(rows: Sequence[Row]) -> AreaTable:
    infos = [
        AreaInfo(code, level, f"区 {code}", parent, "synthetic", 1.0, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        for code, level, parent, box in rows
    ]
    return AreaTable(infos, [shapely.MultiPolygon([shapely.box(*box)]) for *_, box in rows])


def codes(areas: Sequence[AreaInfo]) -> list[str]:
    return [area.code for area in areas]


def leaf_names(table: AreaTable, code: str) -> list[str]:
    return [table.leaf_codes[k] for k in table.leaves_of(code)]


@given(st.permutations(ROWS))
def test_leaves_are_the_areas_that_hold_no_other(rows: list[Row]) -> None:
    table = table_of(rows)
    assert codes(table.areas) == sorted(code for code, *_ in ROWS)
    assert table.leaf_codes == ["4401-a", "4401-b", "4402-a", "4403"]
    wanted = {
        "44": ["4401-a", "4401-b", "4402-a", "4403"], "4401": ["4401-a", "4401-b"], "4402": ["4402-a"],
        "4403": ["4403"], "4401-a": ["4401-a"], "4401-b": ["4401-b"], "4402-a": ["4402-a"],
    }  # fmt: skip
    assert {code: leaf_names(table, code) for code in wanted} == wanted
    boxes = {code: box for code, _, _, box in ROWS}
    for area, outline in zip(table.areas, table.outlines, strict=True):  # outlines went with their areas
        assert outline.bounds == boxes[area.code]


def test_sums_of_leaves() -> None:
    table = table_of(ROWS)
    people = np.array([1, 20, 300, 4000])
    assert table.sum_leaves(["44", "4401", "4403", "4402-a"], people).tolist() == [4321, 21, 4000, 300]
    by_minute = np.array([[1, 2], [3, 4], [5, 6], [7, 8]]) / 4
    assert table.sum_leaves(["4401", "44"], by_minute).tolist() == [[1.0, 1.5], [4.0, 5.0]]


def test_levels_and_what_lies_within() -> None:
    table = table_of(ROWS)
    assert codes(table.of_level(TOWN)) == ["4401-a", "4401-b", "4402-a"]
    assert codes(table.of_level(TOWN, "4401")) == ["4401-a", "4401-b"]
    assert codes(table.of_level(TOWN, "44")) == ["4401-a", "4401-b", "4402-a"]
    assert codes(table.of_level(DISTRICT, "4402")) == ["4402"]
    assert codes(table.of_level(TOWN, "4403")) == []
    assert codes(table.of_level(CITY, "4401")) == []
    assert codes(table.of_level(DISTRICT, "4401-a")) == []
    assert codes(table.of_level(DISTRICT, "4402-a")) == []  # a district is not inside its only town
    with pytest.raises(NotFound):
        table.of_level(TOWN, "99")
    with pytest.raises(LevelNotLoaded, match="town"):
        table_of(ROWS[:2]).of_level(TOWN)


def test_ancestors() -> None:
    table = table_of(ROWS)
    found = {level: table.ancestor("4401-b", level) for level in AreaLevel}
    assert {level: area and area.code for level, area in found.items()} == {
        CITY: "44", DISTRICT: "4401", TOWN: "4401-b",
    }  # fmt: skip
    assert table.ancestor("44", TOWN) is None


def test_unknown_codes_are_named() -> None:
    table = table_of(ROWS)
    for ask in (table.get, table.leaves_of):
        with pytest.raises(NotFound) as fault:
            ask("440199")
        assert fault.value.errors[0].value == "440199" and fault.value.errors[0].field == "area"


def test_whatever_has_no_parent_belongs_to_the_only_city() -> None:
    rows = [(code, level, None if level is DISTRICT else parent, box) for code, level, parent, box in ROWS]
    table = table_of([*rows, ("9", TOWN, "gone", (5, 0, 6, 1))])
    assert leaf_names(table, "44") == ["4401-a", "4401-b", "4402-a", "4403", "9"]
    assert table.parent["44"] is None and table.parent["9"] == "44"


def test_of_two_cities_none_takes_in_strangers() -> None:
    rows = [*ROWS, ("45", CITY, None, (4, 0, 5, 1)), ("9", TOWN, None, (5, 0, 6, 1))]
    table = table_of(rows)
    assert table.leaf_codes == ["4401-a", "4401-b", "4402-a", "4403", "45", "9"]
    assert leaf_names(table, "44") == ["4401-a", "4401-b", "4402-a", "4403"] and leaf_names(table, "45") == ["45"]
    assert table.parent["9"] is None


def test_districts_without_a_city() -> None:
    table = table_of([row for row in ROWS if row[1] is DISTRICT])
    assert table.leaf_codes == ["4401", "4402", "4403"] and set(table.parent.values()) == {None}


def test_the_leaf_of_points() -> None:
    table = table_of(ROWS)
    lng = np.array([0.25, 0.5, 0.75, 1.5, 3.0, 3.0001, -1.0])
    found = table.leaf_of_points(lng, np.full(7, 0.5)).tolist()
    assert found == [0, 0, 1, 2, 3, NOWHERE, NOWHERE]  # on a border: the first
    assert table.holds(0.5, 1.0) and not table.holds(0.5, 1.0001)
    assert len(table.leaf_of_points(np.zeros(0), np.zeros(0))) == 0


def test_no_areas_at_all() -> None:
    table = table_of([])
    assert table.leaf_codes == [] and not table.holds(113.0, 23.0)
    assert table.leaf_of_points(np.array([1.0, 2.0]), np.array([1.0, 2.0])).tolist() == [NOWHERE, NOWHERE]
    with pytest.raises(LevelNotLoaded):
        table.of_level(CITY)
    with pytest.raises(NotFound):
        table.get("44")


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=60), st.integers(0, 60))
def test_apportioned_to_a_total_that_is_near(values: list[float], more: int) -> None:
    exact = np.array(values)
    total = int(np.floor(exact).sum()) + min(more, len(values))
    whole = apportion(exact, total)
    assert int(whole.sum()) == total
    assert np.isin(whole - np.floor(exact), [0, 1]).all()


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40))
def test_apportioned_by_the_largest_remainder(quarters: list[int]) -> None:
    exact = np.array(quarters) / 4
    total = round(float(exact.sum()))
    whole = apportion(exact, total)
    rest = exact - np.floor(exact)
    raised = whole > exact
    assert int(whole.sum()) == total and (whole >= np.floor(exact)).all() and (whole <= np.ceil(exact)).all()
    if raised.any() and not raised.all():
        assert rest[raised].min() >= rest[~raised].max()
        tied = np.flatnonzero(rest == rest[raised].min())
        assert raised[tied].tolist() == sorted(raised[tied].tolist(), reverse=True)  # of equals the first
    assert apportion(np.zeros(0), 0).tolist() == []


def test_a_point_is_held_where_any_leaf_holds_it() -> None:
    """Borders and corners included; a hole, an island and the gap between two areas too."""
    table = table_of([*ROWS, ("45", CITY, None, (5, 0, 6, 1))])
    ring = shapely.Polygon([(7, 0), (10, 0), (10, 3), (7, 3)], [[(8, 1), (9, 1), (9, 2), (8, 2)]])
    holed = AreaTable(
        [*table.areas, AreaInfo("46", CITY, "环", None, "synthetic", 1.0, 7.5, 0.5)],
        [*table.outlines, shapely.MultiPolygon([ring])],
    )
    x, y = (v.ravel() for v in np.meshgrid(np.linspace(-0.5, 10.5, 89), np.linspace(-0.5, 3.5, 33)))
    wanted = (holed.leaf_of_points(x, y) != NOWHERE).tolist()
    assert [holed.holds(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)] == wanted
    assert 500 < sum(wanted) < len(wanted) - 500
    assert not AreaTable([], []).holds(0.5, 0.5)
