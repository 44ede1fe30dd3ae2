"""What must hold of a station's record: of single fields, and between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import opening_hours

from app.errors import ErrorItem
from app.models.vocabularies import StationStatus, Vocabulary
from app.services.station_record import FIELD, FIELDS, FieldKind, RecordField

LONGEST_TEXT = 200
LONGEST_LONG_TEXT = 4_000
MOST_TEXTS = 30
LARGEST_WHOLE = 100_000
CODE_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
SPACES = " \t\n\u3000\ufeff\u200b"
SEPARATOR = re.compile(r"[;;\n]")
NOTE = RecordField("note", "备注", "Note", FieldKind.TEXT, "")

Fault = tuple[str, str, str, str]  # what is wrong in Chinese and English, the remedy in both


def check_values(values: Mapping[str, Any]) -> list[ErrorItem]:
    """The faults of single fields, each by its field's name. Values are of the types that ``FieldKind`` states.

    Only the fields that are there are looked at; unknown ones are faults.
    """
    items = []
    for name, value in values.items():
        field = FIELD.get(name)
        if field is None:
            items.append(
                ErrorItem(
                    name, "没有这个字段", "there is no such field",
                    remedy_zh=f"可用:{'、'.join(FIELD)}", remedy_en=f"one of {', '.join(FIELD)}",
                )
            )  # fmt: skip
            continue
        fault = _fault(field, value)
        if fault is not None:
            items.append(_item(field, value, *fault))
    return items


def check_record(record: Mapping[str, Any]) -> list[ErrorItem]:
    """The faults between the fields of a whole record whose single values are right."""
    items: list[ErrorItem] = []

    def fault(name: str, zh: str, en: str, remedy_zh: str, remedy_en: str) -> None:
        items.append(_item(FIELD[name], record[name], zh, en, remedy_zh, remedy_en))

    for field in FIELDS:
        if field.required and record[field.name] in (None, ""):
            items.append(_item(field, None, "缺少", "is missing", "补上此项", "fill it in"))
    opened, closed, selected = record["opened_on"], record["closed_on"], record["selected_on"]
    if opened and closed and closed < opened:
        fault(
            "closed_on",
            f"早于开站日期 {opened}",
            f"is before it was opened ({opened})",
            "改正日期",
            "correct the dates",
        )
    if selected and opened and opened < selected:
        fault(
            "opened_on",
            f"早于遴选日期 {selected}",
            f"is before it was selected ({selected})",
            "改正日期",
            "correct the dates",
        )
    if record["status"] == StationStatus.OPEN and closed:
        fault(
            "status", f"状态为运营中,却有关闭日期 {closed}", f"is open, yet has a day of closing ({closed})",
            "把状态改为已关闭,或去掉关闭日期", "set the status to closed, or leave the day out",
        )  # fmt: skip
    if record["status"] in (StationStatus.PLANNED, StationStatus.SELECTED) and opened:
        fault(
            "status", f"尚未开站,却有开站日期 {opened}", f"is not open yet, but has a day of opening ({opened})",
            "把状态改为运营中,或去掉开站日期", "set the status to open, or leave the day out",
        )  # fmt: skip
    trained, staff = record["staff_trained_count"], record["staff_count"]
    all_zh, all_en = (staff, staff) if staff is not None else ("未填", "not stated")
    if trained is not None and (staff is None or trained > staff):
        fault(
            "staff_trained_count", f"多于工作人员数({all_zh})", f"is more than the staff ({all_en})",
            "核对两个人数", "check both numbers",
        )  # fmt: skip
    return items


def same_value(one: Any, other: Any) -> bool:
    """Do two values of a field say the same? Coordinates to a tenth of a millimetre; an empty text or list is none."""
    one, other = (None if value in ("", [], ()) else value for value in (one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) < 1e-9
    return (one is None) == (other is None) and bool(one == other)


def _fault(field: RecordField, value: Any) -> Fault | None:
    """What is wrong with a single value: Chinese, English, and the remedy in both."""
    if value is None:
        return ("缺少", "is missing", "补上此项", "fill it in") if field.required else None
    check = _CHECKS[field.kind]
    return check(field, value)


def _text(field: RecordField, value: Any) -> Fault | None:
    longest = LONGEST_LONG_TEXT if field.kind is FieldKind.LONG_TEXT else LONGEST_TEXT
    if not isinstance(value, str):
        return "不是文字", "is not text", "写成文字", "write text"
    if field.required and not value.strip():
        return "为空", "is empty", "补上此项", "fill it in"
    if len(value) > longest:
        return (
            f"太长({len(value)} 字)", f"is too long ({len(value)})", f"至多 {longest} 字",
            f"at most {longest} characters",
        )  # fmt: skip
    if value != value.strip(SPACES):
        return "首尾有空格", "has spaces at an end", "去掉首尾的空格", "take them off"
    if CONTROL.search(value) or (field.kind is not FieldKind.LONG_TEXT and "\n" in value):
        return "含有控制字符或换行", "has control characters or line breaks", "去掉这些字符", "take them out"
    return None


def _code(field: RecordField, value: Any) -> Fault | None:
    if isinstance(value, str) and CODE_FORM.fullmatch(value):
        return None
    return (
        "不是可用的编号", "is not a usable code", "用字母、数字与 . _ -,至多 40 位,如 YC440106-031",
        "use letters, digits and . _ -, at most 40, such as YC440106-031",
    )  # fmt: skip


def _word(field: RecordField, value: Any) -> Fault | None:
    known = _words(field)
    if isinstance(value, str) and value in known:
        return None
    return "不是可用的值", "is not one of the values", f"可用:{_listed(field)}", f"one of {', '.join(known)}"


def _list(field: RecordField, value: Any) -> Fault | None:
    if not isinstance(value, list | tuple):
        return "不是列表", "is not a list", "写成列表", "write a list"
    if len(value) > MOST_TEXTS:
        return "项数太多", "has too many items", f"至多 {MOST_TEXTS} 项", f"at most {MOST_TEXTS}"
    if len(set(value)) < len(value):
        return "有重复的项", "has an item twice", "每项只写一次", "write each once"
    check = _word if field.kind is FieldKind.WORDS else _item_text
    return next((fault for one in value if (fault := check(field, one)) is not None), None)


def _item_text(field: RecordField, value: Any) -> Fault | None:
    if not isinstance(value, str) or not value.strip():
        return "有空白的项", "has an empty item", "去掉空白的项", "take it out"
    if SEPARATOR.search(value):
        return "名称中有分号或换行", "has a semicolon or line break", "每个单位一项", "make it two items"
    return _text(field, value)


def _whole(field: RecordField, value: Any) -> Fault | None:
    low, high = (1, 3) if field.name == "batch" else (0, LARGEST_WHOLE)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return None
    return (
        "不是可用的整数", "is not a whole number that fits", f"写 {low} 至 {high} 的整数",
        f"write a whole number from {low} to {high}",
    )  # fmt: skip


def _number(field: RecordField, value: Any) -> Fault | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 180:
        return None
    return "不是可用的坐标", "is not a coordinate", "写十进制度,如 113.3245", "write decimal degrees, such as 113.3245"


def _yes_no(field: RecordField, value: Any) -> Fault | None:
    return (
        None if isinstance(value, bool) else ("不是是或否", "is neither yes nor no", "写 是 或 否", "write yes or no")
    )


def _day(field: RecordField, value: Any) -> Fault | None:
    if not isinstance(value, date):
        return "不是日期", "is not a date", "写作 2025-06-30", "write it as 2025-06-30"
    if not date(2000, 1, 1) <= value <= date(2099, 12, 31):
        return "年份不合理", "is of an unlikely year", "核对年份", "check the year"
    return None


def _hours(field: RecordField, value: Any) -> Fault | None:
    fault = _text(field, value)
    if fault is not None:
        return fault
    if opening_hours.validate(value):
        return None
    return (
        "不是开放时间的写法", "is not in the form of opening hours", "如 Mo-Fr 09:00-17:00; Sa 09:00-12:00",
        "such as Mo-Fr 09:00-17:00; Sa 09:00-12:00",
    )  # fmt: skip


def _exceptions(field: RecordField, value: Any) -> Fault | None:
    remedy = (
        '写成 [{"date": "2026-02-17", "hours": null, "note": "春节"}],hours 为空即当日休息,每日一次',
        'write [{"date": "2026-02-17", "hours": null, "note": "…"}]; without hours it is closed; each day once',
    )
    if not isinstance(value, list) or len(value) > 366:
        return "不是例外日期的列表", "is not a list of exceptional days", *remedy
    days = []
    for one in value:
        try:
            days.append(date.fromisoformat(one["date"]))
            right = one.keys() <= {"date", "hours", "note"} and (
                one.get("hours") is None or (isinstance(one["hours"], str) and opening_hours.validate(one["hours"]))
            )
            note = one.get("note")
            right = right and (
                note is None or (isinstance(note, str) and len(note) <= 100 and not CONTROL.search(note))
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            right = False
        if not right:
            return f"有误:{str(one)[:60]}", f"has a wrong one: {str(one)[:60]}", *remedy
    return None if len(set(days)) == len(days) else ("有重复的日期", "has a day twice", *remedy)


_CHECKS = {
    FieldKind.CODE: _code, FieldKind.TEXT: _text, FieldKind.LONG_TEXT: _text, FieldKind.WORD: _word,
    FieldKind.WORDS: _list, FieldKind.TEXTS: _list, FieldKind.WHOLE: _whole, FieldKind.NUMBER: _number,
    FieldKind.YES_NO: _yes_no, FieldKind.DAY: _day, FieldKind.HOURS: _hours, FieldKind.EXCEPTIONS: _exceptions,
}  # fmt: skip


def _words(field: RecordField) -> list[str]:
    return [member.value for member in field.vocabulary] if field.vocabulary is not None else []


def _listed(field: RecordField) -> str:
    members = list(field.vocabulary) if field.vocabulary is not None else []
    return "、".join(f"{m.title_zh}({m.value})" if isinstance(m, Vocabulary) else m.value for m in members)


def _item(field: RecordField, value: Any, zh: str, en: str, remedy_zh: str, remedy_en: str) -> ErrorItem:
    shown = None if value is None else str(value)
    return ErrorItem(field.name, zh, en, value=shown, remedy_zh=remedy_zh, remedy_en=remedy_en)
