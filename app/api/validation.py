"""What Pydantic complains about, said in Chinese and English with a remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import ErrorItem


@dataclass(frozen=True, slots=True)
class Wording:
    """Texts for one type of complaint; ``{…}`` are filled from the complaint's context."""

    message_zh: str
    message_en: str
    remedy_zh: str
    remedy_en: str


NOT_INTEGER = Wording("不是整数", "is not a whole number", "写一个整数,如 15", "write a whole number, such as 15")
NOT_NUMBER = Wording(
    "不是数", "is not a number", "写一个十进制数,如 113.264385", "write a decimal number, such as 113.264385"
)
NOT_FINITE = Wording("不是有限的数", "is not a finite number", "写一个有限的十进制数", "write a finite decimal number")
NOT_BOOLEAN = Wording("不是真假值", "is neither true nor false", "写 true 或 false", "write true or false")
NOT_DATE = Wording(
    "不是日期", "is not a date", "按 年-月-日 写,如 2025-06-30", "write it as year-month-day, such as 2025-06-30"
)
NOT_TIME = Wording(
    "不是时刻",
    "is not a time",
    "按 ISO 8601 写,如 2025-06-30T19:30:00+08:00",
    "write it as in 2025-06-30T19:30:00+08:00",
)
NOT_UUID = Wording(
    "不是任务编号的写法", "is not written as an id", "照抄所给的编号,如 3f0c8a52-6f0e-4d0b-9a57-1d6e0f5f2c11",
    "copy the id that was given, such as 3f0c8a52-6f0e-4d0b-9a57-1d6e0f5f2c11",
)  # fmt: skip
NOT_TEXT = Wording("不是文字", "is not text", "写成字符串", "send it as a string")
NOT_LIST = Wording("不是列表", "is not a list", "写成列表", "send it as a list")
NOT_OBJECT = Wording(
    "不是对象", "is not an object",
    "发送 JSON 对象,并注明 Content-Type: application/json", "send a JSON object with Content-Type: application/json",
)  # fmt: skip
NOT_ALLOWED_VALUE = Wording("不是可用的值", "is not one of the values", "可用:{choices}", "one of: {choices}")

WORDINGS = {
    "missing": Wording("缺少", "is missing", "加上此项", "add it"),
    "extra_forbidden": Wording(
        "未知的字段", "is not a field here", "去掉此项,或检查拼写", "leave it out or check its spelling"
    ),
    "int_parsing": NOT_INTEGER, "int_type": NOT_INTEGER, "int_from_float": NOT_INTEGER, "int_parsing_size": NOT_INTEGER,
    "float_parsing": NOT_NUMBER, "float_type": NOT_NUMBER, "finite_number": NOT_FINITE,
    "bool_parsing": NOT_BOOLEAN, "bool_type": NOT_BOOLEAN,
    "date_parsing": NOT_DATE, "date_type": NOT_DATE, "date_from_datetime_parsing": NOT_DATE,
    "date_from_datetime_inexact": NOT_DATE,
    "datetime_parsing": NOT_TIME, "datetime_type": NOT_TIME, "datetime_from_date_parsing": NOT_TIME,
    "uuid_parsing": NOT_UUID, "uuid_type": NOT_UUID,
    "timezone_aware": Wording(
        "没有时区", "has no time zone", "在末尾写明,如 +08:00", "end it with the zone, such as +08:00"
    ),
    "year_range": Wording(
        "年份超出范围", "is of a year out of range", "写 2000 至 2100 年之间的时刻", "write a moment of 2000 to 2100"
    ),
    "string_type": NOT_TEXT, "list_type": NOT_LIST, "dict_type": NOT_OBJECT, "model_type": NOT_OBJECT,
    "model_attributes_type": NOT_OBJECT,
    "enum": NOT_ALLOWED_VALUE, "literal_error": NOT_ALLOWED_VALUE,
    "greater_than": Wording("太小", "is too small", "须大于 {gt}", "it must be greater than {gt}"),
    "greater_than_equal": Wording("太小", "is too small", "须不小于 {ge}", "it must be at least {ge}"),
    "less_than": Wording("太大", "is too large", "须小于 {lt}", "it must be less than {lt}"),
    "less_than_equal": Wording("太大", "is too large", "须不大于 {le}", "it must be at most {le}"),
    "string_too_short": Wording("太短", "is too short", "至少 {min_length} 个字", "at least {min_length} characters"),
    "string_too_long": Wording("太长", "is too long", "至多 {max_length} 个字", "at most {max_length} characters"),
    "string_pattern_mismatch": Wording(
        "含有不允许的字符,或格式不对", "has characters that are not allowed, or another form",
        "须符合 {pattern}", "it must match {pattern}",
    ),
    "too_short": Wording("项数太少", "has too few items", "至少 {min_length} 项", "at least {min_length} items"),
    "too_long": Wording("项数太多", "has too many items", "至多 {max_length} 项", "at most {max_length} items"),
    "json_invalid": Wording(
        "不是合法的 JSON", "is not valid JSON", "检查引号、逗号与括号:{error}",
        "check quotes, commas and brackets: {error}",
    ),
}  # fmt: skip


def explain(complaint: Mapping[str, Any]) -> ErrorItem:
    """One of ``RequestValidationError.errors()`` as an item: field, value, what is wrong, what to do."""
    context = dict(complaint.get("ctx") or {})
    if "expected" in context:  # 'a', 'b' or 'c'
        context["choices"] = ", ".join(re.findall(r"'([^']*)'", context["expected"])) or context["expected"]
    wording = WORDINGS.get(complaint["type"])
    if wording is None:  # a rule of Pydantic that no route uses yet: its own English is better than nothing
        return ErrorItem(
            _field(complaint["loc"]), f"不合规则:{complaint['msg']}", complaint["msg"], value=_value(complaint)
        )
    return ErrorItem(
        _field(complaint["loc"]),
        wording.message_zh,
        wording.message_en,
        value=None if complaint["type"] in ("missing", "json_invalid") else _value(complaint),
        remedy_zh=wording.remedy_zh.format_map(_Filled(context)),
        remedy_en=wording.remedy_en.format_map(_Filled(context)),
    )


class _Filled(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


def _field(location: Sequence[str | int]) -> str:
    """``stations[0].lng`` from ``("body", "stations", 0, "lng")``; ``body`` for the body as a whole."""
    where, *steps = location
    if where == "query":
        return str(steps[0])  # of a repeated parameter all values stand under one name
    named = ""
    for step in steps:
        named += f"[{step}]" if isinstance(step, int) and named else f".{step}" if named else str(step)
    return str(where) if where == "body" and (not steps or isinstance(steps[0], int)) else named


def _value(complaint: Mapping[str, Any]) -> str | None:
    """The value that came, where it is a plain one; a whole body is not sent back."""
    value = complaint.get("input")
    return str(value) if isinstance(value, (str, int, float, bool)) else None
