"""Values of the ledger workbook: what officers write is understood, and what goes out comes back the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingest.workbook_cells import CellFault, read_cell, write_cell
from app.ingest.workbook_reading import read_workbook
from app.ingest.workbook_sheets import STATION_COLUMNS, TRAINING_COLUMNS, Column, SheetKind, data_sheets
from app.ingest.workbook_writing import filled_book, template_book
from app.models.vocabularies import StationType, TargetGroup
from app.services.station_checks import check_values
from app.services.station_record import FieldKind

PLAIN = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cf", "Cn"])
WORDS = st.one_of(
    st.text(PLAIN, min_size=1, max_size=30),
    st.sampled_from(["=1+1", "+86", "-1", "@SUM(A1)", "007", "1e5", "是", "_x0041_", "😀", "2025-06-30", "长" * 5000]),
)
LINES = st.lists(WORDS, min_size=1, max_size=3).map("\n".join)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


def values_of(column: Column) -> st.SearchStrategy[Any]:
    """Values that a record may hold in a field."""
    members = [member.value for member in column.vocabulary or ()]
    of_kind = {
        FieldKind.CODE: st.from_regex(r"[A-Z0-9][A-Za-z0-9._-]{0,39}", fullmatch=True).filter(
            lambda code: not code.endswith(".0")
        ),
        FieldKind.TEXT: WORDS, FieldKind.LONG_TEXT: LINES, FieldKind.HOURS: st.just("Mo-Fr 09:00-17:00; PH off"),
        FieldKind.WORD: st.sampled_from(members or [""]),
        FieldKind.WORDS: st.lists(st.sampled_from(members or [""]), min_size=1, unique=True),
        FieldKind.TEXTS: st.lists(
            WORDS.filter(lambda text: not set(";;") & set(text)), min_size=1, max_size=3, unique=True
        ),
        FieldKind.WHOLE: st.integers(0, 2**31 - 1), FieldKind.NUMBER: st.floats(0, 1000).map(lambda x: round(x, 6)),
        FieldKind.YES_NO: st.booleans(), FieldKind.DAY: DAYS,
        FieldKind.EXCEPTIONS: st.lists(
            st.fixed_dictionaries(
                {"date": DAYS.map(str), "hours": st.sampled_from([None, "09:00-12:00", "24/7"]),
                 "note": st.sampled_from([None, "春节", "值班 两人"])}
            ), min_size=1, max_size=3,
        ),
    }  # fmt: skip
    empty = [] if column.kind in (FieldKind.WORDS, FieldKind.TEXTS, FieldKind.EXCEPTIONS) else None
    return of_kind[column.kind] if column.required else st.just(empty) | of_kind[column.kind]


def records(columns: tuple[Column, ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({c.field: values_of(c) for c in columns}), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("kind", "columns"), [(SheetKind.STATIONS, STATION_COLUMNS), (SheetKind.TRAINING, TRAINING_COLUMNS)]
)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_goes_out_comes_back(kind: SheetKind, columns: tuple[Column, ...], data: st.DataObject) -> None:
    held = data.draw(records(columns))
    (sheet,) = data_sheets(read_workbook(filled_book({kind: held})))
    assert sheet.kind is kind and not sheet.sheet.formulas and not sheet.faults and not sheet.extra
    for row, record in zip(sheet.sheet.rows[sheet.heading :], held, strict=True):
        back = {c.field: read_cell(c.kind, c.vocabulary, row[at - 1]) for at, c in sheet.columns.items()}
        assert back == record


@pytest.mark.parametrize(
    ("kind", "vocabulary", "written", "value"),
    [
        (FieldKind.DAY, None, "2025年6月30日", date(2025, 6, 30)),
        (FieldKind.DAY, None, 45838.0, date(2025, 6, 30)),
        (FieldKind.DAY, None, "45838", date(2025, 6, 30)),
        (FieldKind.DAY, None, "2025/6/30", date(2025, 6, 30)),
        (FieldKind.WHOLE, None, "30", 30),
        (FieldKind.WHOLE, None, 30.0, 30),
        (FieldKind.CODE, None, "YC-01", "YC-01"),
        (FieldKind.CODE, None, 440106.0, "440106"),
        (FieldKind.CODE, None, "007", "007"),
        *((FieldKind.YES_NO, None, word, True) for word in ("是", "有", "Y", "√", True, 1.0)),
        *((FieldKind.YES_NO, None, word, False) for word in ("否", "无", "N", "×", False, 0.0)),
        (FieldKind.WORD, StationType, "园区型", StationType("park").value),
        (FieldKind.WORD, StationType, " PARK ", "park"),
        *(
            (FieldKind.WORDS, TargetGroup, f"women{mark}disabled", ["women", "disabled"])
            for mark in ("、", ",", ";", ";", "\n")
        ),
        (FieldKind.TEXTS, None, "甲、乙校;丙校\n丙校", ["甲、乙校", "丙校"]),
        (FieldKind.TEXT, None, "  甲 ", "甲"),
        (FieldKind.TEXT, None, 12.0, "12"),
    ],
)  # fmt: skip
def test_what_officers_write_is_understood(kind: FieldKind, vocabulary: Any, written: object, value: Any) -> None:
    assert read_cell(kind, vocabulary, written) == value


@pytest.mark.parametrize(
    ("kind", "vocabulary", "written"),
    [
        (FieldKind.DAY, None, "2025-02-30"), (FieldKind.DAY, None, "六月"), (FieldKind.WHOLE, None, "三十"),
        (FieldKind.WHOLE, None, 1.5), (FieldKind.WHOLE, None, "1e999"), (FieldKind.WHOLE, None, True),
        (FieldKind.NUMBER, None, "nan"), (FieldKind.YES_NO, None, "也许"), (FieldKind.WORD, StationType, "花园型"),
        (FieldKind.EXCEPTIONS, None, "春节 休息"), (FieldKind.EXCEPTIONS, None, "2026-02-17 随时"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_told_with_a_remedy(kind: FieldKind, vocabulary: Any, written: object) -> None:
    with pytest.raises(CellFault) as fault:
        read_cell(kind, vocabulary, written)
    assert all(fault.value.texts)


def test_the_template_is_read_as_two_empty_sheets() -> None:
    sheets = data_sheets(read_workbook(template_book()))
    assert [sheet.kind for sheet in sheets] == [SheetKind.STATIONS, SheetKind.TRAINING]
    for sheet, columns in zip(sheets, (STATION_COLUMNS, TRAINING_COLUMNS), strict=True):
        assert [column.field for column in sheet.columns.values()] == [column.field for column in columns]
        assert not any(any(row) for row in sheet.sheet.rows[sheet.heading :])


@pytest.mark.parametrize(
    "value",
    [
        {"hours": None, "note": None}, {"hours": None, "note": "春节  放假; 初一"}, {"hours": "off", "note": None},
        {"hours": "09:00-12:00, 14:00-17:00", "note": None}, {"hours": "09:00-12:00; 14:00-17:00", "note": "值班"},
        {"hours": "Mo-Fr 09:00-12:00", "note": "# 号楼"}, {"hours": "10:00-12:00 off", "note": None},
        {"hours": "sunrise-12:00", "note": "休息"},
    ],
)  # fmt: skip
def test_exceptional_days_come_back_as_they_were(value: dict[str, str | None]) -> None:
    days = [{"date": "2026-02-17", **value}, {"date": "2026-02-18", "hours": "09:00-12:00", "note": None}]
    assert check_values({"hour_exceptions": days}) == []
    assert read_cell(FieldKind.EXCEPTIONS, None, write_cell(FieldKind.EXCEPTIONS, None, days)) == days


@pytest.mark.parametrize(
    ("text", "hours", "note"),
    [
        ("2026-02-17 休息 春节", None, "春节"), ("2026-02-17 closed", None, None),
        ("2026-02-17 09:00-12:00 半天 班", "09:00-12:00", "半天 班"), ("2026-02-17 休息 # 春节", None, "春节"),
    ],
)  # fmt: skip
def test_exceptional_days_as_officers_write_them(text: str, hours: str | None, note: str | None) -> None:
    assert read_cell(FieldKind.EXCEPTIONS, None, text) == [{"date": "2026-02-17", "hours": hours, "note": note}]
