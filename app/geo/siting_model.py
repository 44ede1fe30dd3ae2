"""Which people each candidate place would newly cover: the exact covering model behind siting.

Coverage is exact along edges (``app.geo.coverage``), so the model is too. The frontage that no open station covers is
cut at the ends of what the candidates reach; every stretch between two cuts (an *atom*) is covered by one set of
candidates as a whole. Atoms of the same set, in the same group of areas, are one demand *unit*. So what any choice of
candidates newly covers is a sum of units, and equals the difference of two computations of coverage.

Sets are compared by two 64-bit fingerprints (exclusive or of a number drawn for each candidate: Zobrist, 1970), kept
up to date while a stretch is swept; that two of a million sets differ and agree in both has a chance below 1e-26.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import FloatArray, Int32Array, IntArray
from app.geo.search import Searcher
from app.geo.siting_demand import Demand, grown, reached_by
from app.geo.snapping import Places

SEED = 20_261_125  # of the fingerprints; any number does


@dataclass(frozen=True)
class CoverModel:
    """Demand units and who covers them, both ways.

    Candidate j covers ``unit[ptr[j]:ptr[j + 1]]``; unit u is covered by ``candidate[unit_ptr[u]:unit_ptr[u + 1]]``,
    ascending. ``people``, ``weight`` and ``group`` are by unit. Units that no candidate covers are left out.
    """

    people: FloatArray
    weight: FloatArray
    group: Int32Array
    ptr: IntArray
    unit: Int32Array
    unit_ptr: IntArray
    candidate: Int32Array

    @property
    def candidate_count(self) -> int:
        return len(self.ptr) - 1

    @property
    def unit_count(self) -> int:
        return len(self.people)


def cover_model(
    searcher: Searcher, demand: Demand, places: Places, limit_mm: int, *, threads: int | None = None
) -> CoverModel:
    """The model of candidates at ``places``; one without a street covers nobody."""
    count = len(places)
    reached = reached_by(searcher, demand, places, limit_mm, threads=threads)
    drawn = np.random.default_rng(SEED).integers(np.iinfo(np.int64).min, np.iinfo(np.int64).max, (2, count))
    atom_ptr, width, first, second, part_from, part_to = _atoms(
        demand.low_mm, demand.high_mm, reached.whole_ptr, reached.whole, reached.part_ptr, reached.part,
        reached.start_mm, reached.stop_mm, drawn[0], drawn[1],
    )  # fmt: skip
    unit_of_atom, unit_count = units_of(atom_ptr, demand.group, first, second)
    people, weight, group = _sums(
        atom_ptr, width, unit_of_atom, unit_count, demand.low_mm, demand.high_mm, demand.people, demand.weight,
        demand.group,
    )  # fmt: skip
    ptr, unit = _rows(
        reached.whole_ptr, reached.whole, reached.part_ptr, part_from, part_to, atom_ptr, unit_of_atom, unit_count
    )
    unit_ptr, candidate = transposed(ptr, unit, unit_count)
    return CoverModel(people, weight, group, ptr, unit, unit_ptr, candidate)


@nb.njit(nogil=True, cache=True)
def _atoms(low, high, whole_ptr, whole, part_ptr, part, start, stop, drawn_1, drawn_2):  # type: ignore[no-untyped-def]
    """Every stretch cut where a candidate's reach ends.

    Atoms by stretch (pointers), their widths, two fingerprints each; for every partial cover the atoms from and to.
    """
    stretches, partials = len(low), len(part)
    whole_1, whole_2 = np.zeros(stretches, np.int64), np.zeros(stretches, np.int64)
    who = np.empty(partials, np.int32)
    for c in range(len(whole_ptr) - 1):
        for k in range(whole_ptr[c], whole_ptr[c + 1]):
            whole_1[whole[k]] ^= drawn_1[c]
            whole_2[whole[k]] ^= drawn_2[c]
        for k in range(part_ptr[c], part_ptr[c + 1]):
            who[k] = c
    by, order = _by_stretch(part, stretches)
    atom_ptr = np.zeros(stretches + 1, np.int64)
    size = stretches + 2 * partials
    begin, width = np.empty(size, np.int64), np.empty(size, np.int64)
    first, second = np.zeros(size, np.int64), np.zeros(size, np.int64)
    part_from, part_to = np.empty(partials, np.int64), np.empty(partials, np.int64)
    count = 0
    for s in range(stretches):
        n = by[s + 1] - by[s]
        base = count
        begin[count] = low[s]
        count += 1
        if n > 0:
            cuts = np.empty(2 * n, np.int64)
            for i in range(n):
                cuts[2 * i], cuts[2 * i + 1] = start[order[by[s] + i]], stop[order[by[s] + i]]
            cuts.sort()
            for cut in cuts:
                if begin[count - 1] < cut < high[s]:
                    begin[count] = cut
                    count += 1
        for i in range(n):
            k = order[by[s] + i]
            one = base + np.searchsorted(begin[base:count], start[k])
            other = base + np.searchsorted(begin[base:count], stop[k])
            part_from[k], part_to[k] = one, other
            c = who[k]
            first[one] ^= drawn_1[c]
            second[one] ^= drawn_2[c]
            if other < count:
                first[other] ^= drawn_1[c]
                second[other] ^= drawn_2[c]
        now_1, now_2 = whole_1[s], whole_2[s]
        for i in range(base, count):
            now_1 ^= first[i]
            now_2 ^= second[i]
            first[i], second[i] = now_1, now_2
            width[i] = (begin[i + 1] if i + 1 < count else high[s]) - begin[i]
        atom_ptr[s + 1] = count
    return atom_ptr, width[:count], first[:count], second[:count], part_from, part_to


@nb.njit(nogil=True, cache=True)
def _by_stretch(part, stretches):  # type: ignore[no-untyped-def]
    """Partial covers by stretch: pointers and numbers, ascending."""
    by = np.zeros(stretches + 1, np.int64)
    for s in part:
        by[s + 1] += 1
    by = np.cumsum(by)
    order, at = np.empty(len(part), np.int64), by[:-1].copy()
    for k in range(len(part)):
        order[at[part[k]]] = k
        at[part[k]] += 1
    return by, order


@nb.njit(nogil=True, cache=True)
def units_of(atom_ptr, group, first, second):  # type: ignore[no-untyped-def]
    """The unit of every atom, in the order of their first atoms; -1 for atoms that nobody covers."""
    atoms = len(first)
    size = 16
    while size < 2 * atoms:
        size *= 2
    slot = np.full(size, -1, np.int64)
    unit_of_atom = np.full(atoms, -1, np.int32)
    holder, its_group = np.empty(atoms, np.int64), np.empty(atoms, np.int32)
    count = 0
    for s in range(len(group)):
        for i in range(atom_ptr[s], atom_ptr[s + 1]):
            if first[i] == 0 and second[i] == 0:
                continue
            at = (first[i] ^ (np.int64(group[s]) * np.int64(0x9E3779B97F4A7C1))) & (size - 1)
            while slot[at] >= 0:
                u = slot[at]
                if first[holder[u]] == first[i] and second[holder[u]] == second[i] and its_group[u] == group[s]:
                    break
                at = (at + 1) & (size - 1)
            if slot[at] < 0:
                slot[at] = count
                holder[count], its_group[count] = i, group[s]
                count += 1
            unit_of_atom[i] = slot[at]
    return unit_of_atom, count


@nb.njit(nogil=True, cache=True)
def _sums(atom_ptr, width, unit_of_atom, unit_count, low, high, people, weight, group):  # type: ignore[no-untyped-def]
    """People, weight and group of every unit."""
    all_people, all_weight = np.zeros(unit_count), np.zeros(unit_count)
    its_group = np.zeros(unit_count, np.int32)
    for s in range(len(low)):
        for i in range(atom_ptr[s], atom_ptr[s + 1]):
            u = unit_of_atom[i]
            if u >= 0:
                share = width[i] / (high[s] - low[s]) if high[s] > low[s] else 1.0
                all_people[u] += share * people[s]
                all_weight[u] += share * weight[s]
                its_group[u] = group[s]
    return all_people, all_weight, its_group


@nb.njit(nogil=True, cache=True)
def _rows(whole_ptr, whole, part_ptr, part_from, part_to, atom_ptr, unit_of_atom, unit_count):  # type: ignore[no-untyped-def]
    """The units of every candidate, each once."""
    count = len(whole_ptr) - 1
    ptr = np.zeros(count + 1, np.int64)
    unit = np.empty(max(1024, len(whole)), np.int32)
    seen = np.full(unit_count, -1, np.int32)
    at = 0
    for c in range(count):
        wholes = whole_ptr[c + 1] - whole_ptr[c]
        for k in range(wholes + part_ptr[c + 1] - part_ptr[c]):
            if k < wholes:
                s = whole[whole_ptr[c] + k]
                one, other = atom_ptr[s], atom_ptr[s + 1]
            else:
                one, other = part_from[part_ptr[c] + k - wholes], part_to[part_ptr[c] + k - wholes]
            if at + other - one > len(unit):
                unit = grown(unit)
            for i in range(one, other):
                u = unit_of_atom[i]
                if seen[u] != c:
                    seen[u] = c
                    unit[at] = u
                    at += 1
        ptr[c + 1] = at
    return ptr, unit[:at]


@nb.njit(nogil=True, cache=True)
def transposed(ptr, unit, unit_count):  # type: ignore[no-untyped-def]
    """The candidates of every unit, ascending: pointers and candidates."""
    unit_ptr = np.zeros(unit_count + 1, np.int64)
    for u in unit:
        unit_ptr[u + 1] += 1
    unit_ptr = np.cumsum(unit_ptr)
    at = unit_ptr[:-1].copy()
    candidate = np.empty(len(unit), np.int32)
    for c in range(len(ptr) - 1):
        for k in range(ptr[c], ptr[c + 1]):
            candidate[at[unit[k]]] = c
            at[unit[k]] += 1
    return unit_ptr, candidate
