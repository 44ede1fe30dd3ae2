"""Which of the sessions at a place can still be reached: a timetable that one walks to.

Sessions lie place by place in the order of their beginnings (``ptr``, as in CSR). Times are seconds since 1970.
"""

from __future__ import annotations

import numba as nb

from app.geo.arrays import BoolArray, Int32Array, IntArray

NONE = -1


@nb.njit(cache=True, nogil=True)
def first_reached(
    places: IntArray, walk_s: IntArray, leave_s: int, until_s: int, ptr: IntArray, starts_s: IntArray,
    course: Int32Array, wanted: BoolArray, left: Int32Array, found: IntArray,
) -> None:  # fmt: skip
    """Fills ``found``: for every place the first session that one who leaves at ``leave_s`` is in time for, or NONE.

    In time is who arrives by its beginning, which is by ``until_s``. Only sessions of ``wanted`` courses with a seat
    ``left`` (a negative number: no limit) count.
    """
    for k in range(len(places)):
        arrival = leave_s + walk_s[k]
        low, end = ptr[places[k]], ptr[places[k] + 1]
        high = end
        while low < high:
            middle = (low + high) // 2
            if starts_s[middle] < arrival:
                low = middle + 1
            else:
                high = middle
        found[k] = NONE
        for at in range(low, end):
            if starts_s[at] > until_s:
                break
            if wanted[course[at]] and left[at] != 0:
                found[k] = at
                break


@nb.njit(cache=True, nogil=True)
def next_of_place(
    place: int, from_s: int, ptr: IntArray, starts_s: IntArray, course: Int32Array, wanted: BoolArray, found: IntArray
) -> int:
    """Fills ``found`` with the next sessions of ``wanted`` courses at a place, full or not; how many there are."""
    low, end = ptr[place], ptr[place + 1]
    high = end
    while low < high:
        middle = (low + high) // 2
        if starts_s[middle] < from_s:
            low = middle + 1
        else:
            high = middle
    count = 0
    for at in range(low, end):
        if count == len(found):
            break
        if wanted[course[at]]:
            found[count] = at
            count += 1
    return count
