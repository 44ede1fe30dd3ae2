"""What a record may hold, field by field and between fields."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from app.models import Station
from app.repositories.station_records import GIVEN, PLAIN
from app.services.station_checks import check_record, check_values, same_value
from app.services.station_record import EMPTY, FIELD, FIELDS, FieldKind

RECORD: dict[str, Any] = {
    **EMPTY, "code": "YC-1", "name": "站", "type": "community", "host_kind": "other", "status": "open", "lng": 113.3,
    "lat": 23.1, "crs": "gcj02",
}  # fmt: skip


def test_every_field_has_its_columns() -> None:
    assert {field.name for field in FIELDS} == {"code", *PLAIN, *GIVEN}
    assert {*PLAIN, *GIVEN.values()} <= set(Station.__table__.columns.keys())
    assert len({field.title_zh for field in FIELDS}) == len(FIELDS)
    for field in FIELDS:
        assert (field.vocabulary is not None) == (field.kind in (FieldKind.WORD, FieldKind.WORDS)), field.name


def test_a_plain_record_has_no_fault() -> None:
    assert check_values(RECORD) == []
    assert check_record(RECORD) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "有 空格"), ("code", "x" * 41), ("code", None), ("name", "  "), ("name", "a\nb"), ("name", "x" * 201),
        ("name", 5), ("type", "park!"), ("type", None), ("address", "\x00"), ("batch", 4), ("batch", 0),
        ("batch", True),
        ("batch", 1.5), ("opened_on", "2025-01-01"), ("opened_on", date(1900, 1, 1)), ("seats", -1), ("seats", 100_001),
        ("lng", "113"), ("lng", 181.0), ("crs", "WGS84"), ("accessible_entrance", 1),
        ("target_groups", ["women", "men"]),
        ("target_groups", ["women", "women"]), ("target_groups", "women"), ("partner_organisations", [""]),
        ("partner_organisations", ["甲"] * 31), ("opening_hours", "9点到5点"), ("published_rules", "x" * 4001),
        ("hour_exceptions", [{"date": "2026-13-01"}]), ("hour_exceptions", [{"hours": "09:00-12:00"}]),
        ("hour_exceptions", [{"date": "2026-01-01", "hours": "九点"}]),
        ("hour_exceptions", [{"date": "2026-01-01"}] * 2),
        ("hour_exceptions", [{"date": "2026-01-01", "other": 1}]), ("hour_exceptions", [5]), ("no_such_field", 1),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_a_remedy(field: str, value: object) -> None:
    (item,) = check_values({field: value})
    assert item.field == field
    assert item.message_zh and item.message_en and item.remedy_zh and item.remedy_en


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("opening_hours", "Mo-Fr 09:00-17:00; Sa 09:00-12:00; PH off"), ("published_rules", "一\n二"), ("batch", 3),
        ("hour_exceptions", [{"date": "2026-02-17", "hours": None, "note": "春节"}, {"date": "2026-02-18"}]),
        ("target_groups", ["women", "veterans"]), ("address", None), ("target_groups", []), ("seats", 0), ("lat", 23),
    ],
)  # fmt: skip
def test_right_values_pass(field: str, value: object) -> None:
    assert check_values({field: value}) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"opened_on": date(2025, 6, 1), "closed_on": date(2025, 5, 1), "status": "closed"}, "closed_on"),
        ({"selected_on": date(2025, 6, 1), "opened_on": date(2025, 5, 1)}, "opened_on"),
        ({"closed_on": date(2026, 1, 1)}, "status"),
        ({"status": "planned", "opened_on": date(2026, 1, 1)}, "status"),
        ({"staff_trained_count": 3, "staff_count": 2}, "staff_trained_count"),
        ({"staff_trained_count": 3}, "staff_trained_count"),
        ({"name": None}, "name"),
    ],
)  # fmt: skip
def test_fields_that_do_not_go_together(changes: dict[str, Any], field: str) -> None:
    assert [item.field for item in check_record({**RECORD, **changes})] == [field]


def test_values_are_compared_by_what_they_say() -> None:
    assert same_value(None, "") and same_value([], None) and same_value(113.3, 113.3) and same_value(1, 1)
    assert not same_value(None, 0) and not same_value(False, None) and not same_value(113.3, 113.30001)
    assert not same_value(["a"], ["b"]) and not same_value(0, 1) and not same_value(None, 113.3)
    assert FIELD["lng"].required
