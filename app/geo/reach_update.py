"""A reach table brought up to date: the rows of opened and moved stations are put in, the others are carried over."""

from __future__ import annotations

import numba as nb
import numpy as np

from app.geo.arrays import IntArray
from app.geo.reach import ReachTable, join_rows

FRESH = -1  # in ``kept``: the origin's row is the next of the fresh ones
GONE = -1


def updated_table(old: ReachTable, kept: IntArray, fresh: ReachTable) -> ReachTable:
    """The table of which origin k has row ``kept[k]`` of ``old`` or, where that is FRESH, the next row of ``fresh``.

    Equal in every array to ``table_of_rows`` of the same rows, at the price of copying: every node's list is filtered,
    renumbered and merged with that of the fresh table, nothing is sorted. Both tables are of one network and one limit;
    rows of ``old`` that nobody keeps are left out. Raises ValueError when a row is kept twice or is not there, or when
    the fresh rows are not as many as asked for.
    """
    numbers = np.arange(len(kept), dtype=np.int32)
    is_fresh = kept == FRESH
    carried = kept[~is_fresh]
    if len(carried) and not (carried.min() >= 0 and carried.max() < old.origin_count):
        raise ValueError("a row is kept that the old table does not have")
    if len(np.unique(carried)) < len(carried):
        raise ValueError("a row of the old table is kept twice")
    if int(is_fresh.sum()) != fresh.origin_count or (old.limit_mm, len(old.node_ptr)) != (
        fresh.limit_mm, len(fresh.node_ptr),
    ):  # fmt: skip
        raise ValueError("the fresh rows are of another number, limit or network")
    renumber = np.full(old.origin_count, GONE, dtype=np.int32)
    renumber[carried] = numbers[~is_fresh]
    source = np.where(is_fresh, np.cumsum(is_fresh) - 1, kept).tolist()
    rows = [(fresh if new else old).row(k) for new, k in zip(is_fresh.tolist(), source, strict=True)]
    ptr, node, mm = join_rows(rows)
    columns = _merged(
        old.node_ptr, old.origin_at, old.mm_at, renumber,
        fresh.node_ptr, fresh.origin_at, fresh.mm_at, numbers[is_fresh], len(node),
    )  # fmt: skip
    return ReachTable(old.limit_mm, ptr, node, mm, *columns)


@nb.njit(nogil=True, cache=True)
def _merged(  # type: ignore[no-untyped-def]
    old_ptr, old_origin, old_mm, renumber, new_ptr, new_origin, new_mm, new_number, total
):  # fmt: skip
    """Every node's list without the origins that are GONE, the others renumbered, the fresh ones merged in.

    Both lists are sorted by length. Renumbering may turn equals round, so each entry goes before equals of a higher
    number.
    """
    node_count = len(old_ptr) - 1
    start = np.zeros(node_count + 1, np.int64)
    origin = np.empty(total, np.int32)
    length = np.empty(total, np.int32)
    at = 0
    for n in range(node_count):
        first = at
        a, a_end = old_ptr[n], old_ptr[n + 1]
        b, b_end = new_ptr[n], new_ptr[n + 1]
        while a < a_end or b < b_end:
            if b == b_end or (a < a_end and old_mm[a] <= new_mm[b]):
                o, mm = renumber[old_origin[a]], old_mm[a]
                a += 1
                if o == GONE:
                    continue
            else:
                o, mm = new_number[new_origin[b]], new_mm[b]
                b += 1
            k = at
            while k > first and length[k - 1] == mm and origin[k - 1] > o:
                length[k] = length[k - 1]
                origin[k] = origin[k - 1]
                k -= 1
            length[k] = mm
            origin[k] = o
            at += 1
        start[n + 1] = at
    return start, origin, length
