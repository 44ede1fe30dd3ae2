"""The covering model without what cannot matter: candidates left out or fixed, units of the same set joined."""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.geo.siting_model import SEED, CoverModel, transposed, units_of


@dataclass(frozen=True)
class Reduced:
    """The model over the ``kept`` candidates (numbers in the whole model), with ``fixed`` chosen beforehand.

    ``own_weight`` is what a candidate newly covers alone, whatever else is chosen; ``model`` has the units that two or
    more of them cover. ``constant`` is the weight that the fixed ones cover. ``own_people`` (candidates × groups) and
    ``fixed_people`` are the same in people.
    """

    kept: IntArray
    fixed: IntArray
    constant: float
    fixed_people: FloatArray
    own_weight: FloatArray
    own_people: FloatArray
    model: CoverModel


def reduced(model: CoverModel, keep: BoolArray, fixed: IntArray, groups: int) -> Reduced:
    """The model of the candidates of ``keep`` but the fixed ones. Values of choices with the fixed ones stay the same,
    also by group.
    """
    is_kept = keep.copy()
    is_kept[fixed] = False
    kept = np.flatnonzero(is_kept)
    done = np.zeros(model.unit_count, dtype=np.bool_)
    for c in fixed:
        done[model.unit[model.ptr[c] : model.ptr[c + 1]]] = True
    drawn = np.random.default_rng(SEED + 1).integers(
        np.iinfo(np.int64).min, np.iinfo(np.int64).max, (2, model.candidate_count)
    )
    first, second, size, lowest = _fingerprints(model.unit_ptr, model.candidate, is_kept, done, drawn[0], drawn[1])
    number = np.full(model.candidate_count, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    single = size == 1
    own = number[lowest[single]]
    own_people = np.zeros((len(kept), groups))
    np.add.at(own_people, (own, model.group[single]), model.people[single])
    shared = np.flatnonzero(size > 1)
    of_unit, count = units_of(
        np.arange(len(shared) + 1, dtype=np.int64), model.group[shared], first[shared], second[shared]
    )
    ptr, unit = _rows(model.ptr, model.unit, kept, shared, of_unit, model.unit_count, count)
    unit_ptr, candidate = transposed(ptr, unit, count)
    group = np.zeros(count, dtype=np.int32)
    group[of_unit] = model.group[shared]
    return Reduced(
        kept=kept,
        fixed=fixed,
        constant=float(model.weight[done].sum()),
        fixed_people=np.bincount(model.group[done], weights=model.people[done], minlength=groups).astype(np.float64),
        own_weight=np.bincount(own, weights=model.weight[single], minlength=len(kept)).astype(np.float64),
        own_people=own_people,
        model=CoverModel(
            np.bincount(of_unit, weights=model.people[shared], minlength=count).astype(np.float64),
            np.bincount(of_unit, weights=model.weight[shared], minlength=count).astype(np.float64),
            group, ptr, unit, unit_ptr, candidate,
        ),
    )  # fmt: skip


@nb.njit(nogil=True, cache=True)
def _fingerprints(unit_ptr, candidate, is_kept, done, drawn_1, drawn_2):  # type: ignore[no-untyped-def]
    """Of every unit not done: two fingerprints of its kept candidates, how many there are, and the lowest."""
    count = len(unit_ptr) - 1
    first, second = np.zeros(count, np.int64), np.zeros(count, np.int64)
    size, lowest = np.zeros(count, np.int32), np.full(count, -1, np.int32)
    for u in range(count):
        if done[u]:
            continue
        for at in range(unit_ptr[u], unit_ptr[u + 1]):
            c = candidate[at]
            if is_kept[c]:
                first[u] ^= drawn_1[c]
                second[u] ^= drawn_2[c]
                if size[u] == 0:
                    lowest[u] = c
                size[u] += 1
    return first, second, size, lowest


@nb.njit(nogil=True, cache=True)
def _rows(ptr, unit, kept, shared, of_unit, unit_count, count):  # type: ignore[no-untyped-def]
    """The new units of every kept candidate, each once."""
    new = np.full(unit_count, -1, np.int64)
    for k in range(len(shared)):
        new[shared[k]] = of_unit[k]
    total = 0
    for c in kept:
        total += ptr[c + 1] - ptr[c]
    rows, found = np.zeros(len(kept) + 1, np.int64), np.empty(total, np.int32)
    seen = np.full(count, -1, np.int64)
    at = 0
    for k in range(len(kept)):
        for p in range(ptr[kept[k]], ptr[kept[k] + 1]):
            u = new[unit[p]]
            if u >= 0 and seen[u] != k:
                seen[u] = k
                found[at] = u
                at += 1
        rows[k + 1] = at
    return rows, found[:at]
