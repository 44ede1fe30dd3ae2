from __future__ import annotations

from datetime import date, datetime

import pytest

from app.ingest.columns import field_of, word_of
from app.ingest.values import code_of, date_of, number_of, text_of
from app.models.vocabularies import HostKind, StationStatus, StationType


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2025-06-30", date(2025, 6, 30)), ("2025/6/30", date(2025, 6, 30)), ("2025.6.3", date(2025, 6, 3)),
        ("2025年6月30日", date(2025, 6, 30)), ("２０２５年６月３０日", date(2025, 6, 30)),
        ("20250630", date(2025, 6, 30)), ("2025-06-30 08:30:00", date(2025, 6, 30)),
        (datetime(2025, 6, 30, 8), date(2025, 6, 30)),
        (date(2025, 6, 30), date(2025, 6, 30)), (45838, date(2025, 6, 30)), (45838.0, date(2025, 6, 30)),
        (45838.4, date(2025, 6, 30)), ("45838", date(2025, 6, 30)), ("", None), (None, None), ("\u3000", None),
    ],
)  # fmt: skip
def test_dates(value: object, day: date | None) -> None:
    assert date_of(value) == day


@pytest.mark.parametrize("value", ["2025年6月", "2025-02-30", "2025-13-01", "soon", "12", "6/30/2025", 1e9])
def test_no_dates(value: object) -> None:
    with pytest.raises(ValueError):
        date_of(value)


def test_numbers_codes_and_texts() -> None:
    assert number_of("１１３．３２") == 113.32 and number_of(" 23.1 ") == 23.1 and number_of(5) == 5.0
    for wrong in ("", None, "nan", "inf", float("nan"), "1_000", "113°", "1,5", True):
        with pytest.raises((ValueError, TypeError)):
            number_of(wrong)
    assert [code_of(v) for v in (440106.0, "440106.0", "４４０１０６", " A-1\u3000", 7, None)] == [
        "440106", "440106", "440106", "A-1", "7", "",
    ]  # fmt: skip
    assert text_of("\u3000天河区\ufeff ") == "天河区" and text_of(float("nan")) == ""


def test_headings() -> None:
    for heading, field in (
        ("站点名称", "name"), ("经度(WGS84)", "lng"), ("纬度（GCJ-02）", "lat"), (" Longitude ", "lng"),
        ("Host Kind", "host_kind"), ("host_kind", "host_kind"), ("开放日期", "opened_on"), ("所属区", "district"),
        ("序号", None), ("", None), (None, None),
    ):  # fmt: skip
        assert field_of(heading) == field


def test_words() -> None:
    assert word_of(StationType, "社区型") is word_of(StationType, "community") is word_of(StationType, "Community")
    assert word_of(HostKind, "高校就业Ｅ站") is HostKind.CAMPUS_EMPLOYMENT_STATION
    assert word_of(StationStatus, "运营中") is StationStatus.OPEN
    with pytest.raises(ValueError):
        word_of(StationType, "其他")
