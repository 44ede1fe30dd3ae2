"""Single cells of the ledger workbook as values, as officers write them; and values as cells, the same way back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache
from math import isfinite
from typing import Any

import opening_hours

from app.ingest.columns import plain
from app.ingest.values import code_of, date_of, number_of, text_of
from app.models.vocabularies import Vocabulary
from app.services.station_checks import CONTROL
from app.services.station_record import FieldKind

YES = ("是", "有", "y", "yes", "true", "1", "√", "✓", "达标", "对")
NO = ("否", "无", "没有", "n", "no", "false", "0", "×", "x", "未达标", "不达标")
PLAIN_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*|20[0-9]{2}Q[1-4]").fullmatch
SEPARATORS = re.compile(r"[;;\n]+")
WORD_SEPARATORS = re.compile(r"[、,,;;\n]+")
EXCEPTION = re.compile(r"(\d{4}-\d{2}-\d{2})\s+(\S.*)")
CLOSED = ("休息", "关闭", "closed", "off")


class CellFault(ValueError):
    """What is wrong with a cell, in Chinese and English, and what to do about it."""

    def __init__(self, zh: str, en: str, remedy_zh: str, remedy_en: str) -> None:
        super().__init__(en)
        self.texts = zh, en, remedy_zh, remedy_en


def read_cell(kind: FieldKind, vocabulary: Any, raw: object) -> Any:
    """The value of a cell for a field of this kind; None for an empty one. Raises CellFault.

    Numbers and codes may be in full-width digits, days in any of the usual forms, words by title or identifier.
    """
    plain_value = _as_it_is(kind, vocabulary, raw)
    if plain_value is not None:
        return plain_value
    if kind in (FieldKind.TEXT, FieldKind.LONG_TEXT, FieldKind.HOURS):
        return _text(raw)
    text = text_of(raw)
    if not text:
        return [] if kind in (FieldKind.WORDS, FieldKind.TEXTS, FieldKind.EXCEPTIONS) else None
    if kind in (FieldKind.WORD, FieldKind.WORDS):
        parts = [text] if kind is FieldKind.WORD else WORD_SEPARATORS.split(text)
        words = _unique([_word(vocabulary, part) for part in parts if part.strip()])
        return words[0] if kind is FieldKind.WORD else words
    if kind is FieldKind.TEXTS:
        return _unique([part.strip() for part in SEPARATORS.split(text) if part.strip()])
    return READERS[kind](raw)


def _as_it_is(kind: FieldKind, vocabulary: Any, raw: object) -> Any:
    """The value of a cell that needs no reading, as nearly all do; None for any other. A workbook has a million."""
    if type(raw) is float:
        if kind is FieldKind.NUMBER and isfinite(raw):
            return raw
        return int(raw) if kind is FieldKind.WHOLE and raw.is_integer() else None
    if type(raw) is str:
        if kind is FieldKind.WORD:
            return _words(vocabulary).get(raw)
        return raw if kind is FieldKind.CODE and PLAIN_CODE(raw) else None
    return None


def write_cell(kind: FieldKind, vocabulary: Any, value: Any) -> Any:
    """What stands in a cell for a value: text, number, day, or None."""
    if value is None or value == []:
        return None
    if kind is FieldKind.WORD:
        return _title(vocabulary, value)
    if kind is FieldKind.WORDS:
        return "、".join(_title(vocabulary, one) for one in value)
    if kind is FieldKind.TEXTS:
        return "\n".join(value)
    if kind is FieldKind.YES_NO:
        return "是" if value else "否"
    if kind is FieldKind.EXCEPTIONS:
        return "\n".join(map(_exception_line, value))
    return value


def _text(raw: object) -> str | None:
    """A text as it is, lines and all, but for spaces around it and what Excel makes of line breaks."""
    if isinstance(raw, str):
        text = raw.replace("_x000D_", "").replace("\r\n", "\n").replace("\r", "\n").strip(" \t\u3000\ufeff\u200b")
        return CONTROL.sub("", text) or None
    if isinstance(raw, bool):
        return "是" if raw else "否"
    return text_of(raw) or None


def _unique(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


@cache
def _words(vocabulary: Any) -> dict[str, str]:
    """Identifier by every way to write it, without spaces and marks."""
    found: dict[str, str] = {}
    for member in vocabulary:
        titles = [member.title_zh, member.title_en] if isinstance(member, Vocabulary) else []
        for name in (member.value, *titles):
            found.setdefault(plain(name), str(member.value))
    return found


def _word(vocabulary: Any, text: str) -> str:
    known = _words(vocabulary)
    value = known.get(text) or known.get(plain(text))
    if value is not None:
        return value
    titles = [_title(vocabulary, member.value) for member in vocabulary]
    codes = ", ".join(member.value for member in vocabulary)
    raise CellFault("不是可选的词", "is not one of the words", f"可用:{'、'.join(titles)}", f"one of {codes}")


def _title(vocabulary: Any, value: str) -> str:
    member = vocabulary(value)
    return member.title_zh if isinstance(member, Vocabulary) else str(member.value)


def _number(raw: object) -> float:
    try:
        return number_of(raw)
    except (ValueError, TypeError):
        raise CellFault(
            "不是数字", "is not a number", "写成数字,如 113.3245", "write a number such as 113.3245"
        ) from None


def _whole(raw: object) -> int:
    number = _number(raw)
    if number != int(number):
        raise CellFault("不是整数", "is not a whole number", "写成整数", "write a whole number")
    return int(number)


def _yes_no(raw: object) -> bool:
    word = plain(text_of(raw)) or text_of(raw)
    if isinstance(raw, bool) or word in YES or word in NO:
        return raw if isinstance(raw, bool) else word in YES
    raise CellFault("不是“是”或“否”", "is neither yes nor no", "写 是 或 否", "write 是 or 否")


def _day(raw: object) -> date | None:
    try:
        return date_of(raw)
    except ValueError:
        raise CellFault(
            "不是日期,或没有这一天", "is not a day, or there is no such day",
            "写作 2025-06-30、2025/6/30 或 2025年6月30日", "write it as 2025-06-30",
        ) from None  # fmt: skip


def _exceptions(raw: object) -> list[dict[str, str | None]]:
    """One day a line: ``2026-02-17 休息 # 春节``; the mark before the note may be left out where it is clear."""
    found = []
    for line in text_of(raw).split("\n"):
        if not line.strip():
            continue
        parts = EXCEPTION.fullmatch(line.strip())
        told = None if parts is None else _hours_and_note(parts[2])
        if parts is None or told is None:
            raise CellFault(
                f"看不懂:{line.strip()[:40]}", f"is not understood: {line.strip()[:40]}",
                "每行一天:2026-02-17 休息 # 春节,或 2026-02-28 09:00-12:00", "one day a line: 2026-02-17 closed",
            )  # fmt: skip
        found.append({"date": parts[1], "hours": told[0], "note": told[1]})
    return found


def _hours_and_note(rest: str) -> tuple[str | None, str | None] | None:
    """Hours (None: closed) and the note of an exceptional day; None for what is neither."""
    hours, mark, note = rest.partition("#")
    if mark:
        hours = hours.strip()
        return None if hours == CLOSED[0] else hours, note.strip() or None
    first, _, more = rest.partition(" ")
    if first.lower() in CLOSED:
        return None, more.strip() or None
    if opening_hours.validate(rest):
        return rest, None
    return (first, more.strip() or None) if opening_hours.validate(first) else None


def _exception_line(one: dict[str, Any]) -> str:
    hours, note = one.get("hours"), one.get("note")
    line = f"{one['date']} {hours or CLOSED[0]}"
    is_clear = note is None and (hours is None or hours.lower() not in CLOSED)
    return line if is_clear else f"{line} # {note or ''}".rstrip()


READERS: dict[FieldKind, Callable[[object], Any]] = {
    FieldKind.CODE: code_of, FieldKind.WHOLE: _whole, FieldKind.NUMBER: _number, FieldKind.YES_NO: _yes_no,
    FieldKind.DAY: _day, FieldKind.EXCEPTIONS: _exceptions,
}  # fmt: skip
