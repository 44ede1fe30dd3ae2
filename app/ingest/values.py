"""Single values of tables: texts, codes, numbers and dates as people write them in Chinese and English offices."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from math import isfinite

EXCEL_DAY_ZERO = date(1899, 12, 30)
EXCEL_SERIALS = range(20_000, 80_000)  # 1954 to 2119: anything else is a number, not a day
DATE_FORM = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T ]\d{1,2}:\d{2}.*)?")
COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")


def text_of(value: object) -> str:
    """A text without spaces around it (full-width ones too); empty for nothing. Numbers lose a useless ``.0``."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, float) and not isfinite(value):
        return ""
    return str(value).strip().strip("\u3000\ufeff\u200b").strip()


def code_of(value: object) -> str:
    """A code as plain text: full-width characters become ordinary ones, 440106.0 becomes 440106."""
    text = unicodedata.normalize("NFKC", text_of(value)).strip()
    return text[:-2] if re.fullmatch(r"\d+\.0", text) else text


def number_of(value: object) -> float:
    """A finite number. Full-width digits are read. Raises ValueError, for an empty value too."""
    if isinstance(value, bool):
        raise ValueError(f"not a number: {value}")
    text = code_of(value).replace("_", "x")  # Python would take 1_000 for a number
    number = float(value) if isinstance(value, int | float) else float(text)
    if not isfinite(number):
        raise ValueError(f"not a finite number: {value}")
    return number


def date_of(value: object) -> date | None:
    """A day: dates, Excel serials, 2025-06-30, 2025/6/30, 2025.6.30, 2025年6月30日, 20250630; None for nothing.

    Raises ValueError for anything else and for days that do not exist.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = code_of(value)
    if not text:
        return None
    if text.isdigit() and int(text) in EXCEL_SERIALS:
        return EXCEL_DAY_ZERO + timedelta(days=int(text))
    if isinstance(value, float) and int(value) in EXCEL_SERIALS:
        return EXCEL_DAY_ZERO + timedelta(days=int(value))  # with a time of day
    found = DATE_FORM.fullmatch(text) or COMPACT_DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"not a date: {value}")
    year, month, day = (int(part) for part in found.groups())
    return date(year, month, day)
