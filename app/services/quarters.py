"""Quarters: the time in which training is reported. Written ``2026Q1``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.errors import ErrorItem, InvalidInput
from app.services.station_table import today

FORM = re.compile(r"(20[0-9]{2})Q([1-4])")


@dataclass(frozen=True, order=True)
class Quarter:
    """Three months of a year, ``number`` 1 to 4."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def first_day(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> Quarter:
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def previous(self) -> Quarter:
        return Quarter(self.year - (self.number == 1), (self.number - 2) % 4 + 1)

    @property
    def title_zh(self) -> str:
        return f"{self.year}年第{'一二三四'[self.number - 1]}季度"

    @property
    def title_en(self) -> str:
        return f"{self.year}, quarter {self.number}"


FIRST = Quarter(2025, 2)  # the plan is of 2025-05-30


def quarter_of(day: date) -> Quarter:
    """The quarter that holds a day."""
    return Quarter(day.year, (day.month + 2) // 3)


def parse_quarter(text: str) -> Quarter | None:
    """``2026Q1``; None for any other form."""
    found = FORM.fullmatch(text)
    return None if found is None else Quarter(int(found[1]), int(found[2]))


def check_quarter(text: str, field: str = "quarter") -> ErrorItem | None:
    """What is wrong with a quarter that is to be reported: its form, before the plan, or in the future."""
    quarter, current = parse_quarter(text), quarter_of(today())
    if quarter is not None and FIRST <= quarter <= current:
        return None
    wrong_zh, wrong_en = ("不是季度", "is not a quarter") if quarter is None else ("不在可报范围", "cannot be reported")
    return ErrorItem(
        field, wrong_zh, wrong_en, value=text[:40], remedy_zh=f"写作 2026Q1,自 {FIRST} 至本季度 {current}",
        remedy_en=f"write it as 2026Q1, from {FIRST} to the current one, {current}",
    )  # fmt: skip


def read_quarter(text: str, field: str = "quarter") -> Quarter:
    """A quarter that can be reported. Raises InvalidInput."""
    item, quarter = check_quarter(text, field), parse_quarter(text)
    if item is not None or quarter is None:
        raise InvalidInput("季度有误。", "The quarter is wrong.", errors=[item] if item is not None else [])
    return quarter


def quarters_until(last: Quarter, first: Quarter = FIRST) -> Sequence[Quarter]:
    """All quarters from the plan's first to ``last``, both included."""
    found = []
    while first <= last:
        found.append(first)
        first = first.next
    return found
