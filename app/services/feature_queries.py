"""Pages of a collection: the features that meet what was asked for, in the order of their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from app.errors import ErrorItem, InvalidInput
from app.geo.arrays import BoolArray, IntArray
from app.services.cell_grid import Box
from app.services.feature_filters import Filter, read_json, read_text, value_of
from app.services.feature_tables import Collection, FeatureTable
from app.services.filter_values import FilterFault, day_of, refused

OPEN_END = ("", "..")
FIRST_DAY, LAST_DAY = date.min.isoformat(), date.max.isoformat()


@dataclass(frozen=True)
class ItemsQuery:
    """What a page asks for. ``box`` is WGS84; ``days`` the first and the last one; ``equals`` are texts by property."""

    limit: int
    after_id: str | None = None
    box: Box | None = None
    days: tuple[str, str] | None = None
    equals: Mapping[str, str] = field(default_factory=dict)
    filter_text: str | None = None
    filter_is_json: bool = False
    filter_flipped: bool = False  # positions in the filter are lat, lng


@dataclass(frozen=True)
class ItemsPage:
    """Numbers of features; ``matched`` counts all pages; the next page begins after ``last_id``, None on the last."""

    rows: IntArray
    matched: int
    last_id: str | None


def find_items(collection: Collection, table: FeatureTable, query: ItemsQuery) -> ItemsPage:
    """One page. Raises InvalidInput for a filter that cannot be answered."""
    mask = _mask(collection, table, query)
    start = 0 if query.after_id is None else table.rows_up_to(query.after_id)
    if mask is None:
        rows, matched = np.arange(start, min(start + query.limit, len(table)), dtype=np.int64), len(table)
        left = len(table) - start
    else:
        all_rows = np.flatnonzero(mask)
        begin = int(np.searchsorted(all_rows, start))
        rows, matched = all_rows[begin : begin + query.limit], len(all_rows)
        left = matched - begin
    return ItemsPage(rows, matched, str(table.ids[int(rows[-1])]) if left > len(rows) > 0 else None)


def _mask(collection: Collection, table: FeatureTable, query: ItemsQuery) -> BoolArray | None:
    """Which features meet all that was asked for; None where nothing was."""
    masks: list[BoolArray] = []
    asking = Filter(collection, table, flipped=query.filter_flipped)
    if query.box is not None:
        masks.append(asking.within_box(query.box))
    if query.days is not None:
        masks.append(asking.between_days(*query.days))
    for name, written in query.equals.items():
        try:
            masks.append(asking.mask(value_of(collection, name, written)))
        except FilterFault as fault:
            raise refused(fault, written, name) from None
    if query.filter_text is not None:
        masks.append(_filtered(asking, query.filter_text, is_json=query.filter_is_json))
    return np.logical_and.reduce(masks) if masks else None


def _filtered(asking: Filter, text: str, *, is_json: bool) -> BoolArray:
    expression: Any = read_json(text) if is_json else read_text(text)
    try:
        return asking.mask(expression)
    except FilterFault as fault:
        raise refused(fault, text) from None


def read_days(text: str) -> tuple[str, str]:
    """The first and the last day (in Guangzhou) of an instant or an interval by RFC 3339. Raises InvalidInput."""
    ends = text.split("/")
    if len(ends) == 1 and text not in OPEN_END:
        ends = [text, text]
    if len(ends) != 2 or all(end in OPEN_END for end in ends):
        raise _bad_days(text)
    first = FIRST_DAY if ends[0] in OPEN_END else _day(ends[0], text)
    last = LAST_DAY if ends[1] in OPEN_END else _day(ends[1], text)
    if first > last:
        raise _bad_days(text)
    return first, last


def _day(end: str, text: str) -> str:
    try:
        return day_of({"timestamp": end})
    except FilterFault:
        raise _bad_days(text) from None


def _bad_days(text: str) -> InvalidInput:
    item = ErrorItem(
        "datetime", "不是时刻或时段", "is neither an instant nor an interval", value=text,
        remedy_zh="如 2026-06-30T00:00:00Z、2026-01-01/2026-06-30、2026-01-01/..",
        remedy_en="write as in 2026-06-30T00:00:00Z, 2026-01-01/2026-06-30, 2026-01-01/..",
    )  # fmt: skip
    return InvalidInput("datetime 有误。", "The datetime is wrong.", errors=[item])
