"""The reach tables of a snapshot, filed by what they depend on: the network, the limit, and where the stations stand.

A change of a station's name, status or dates leaves them as they are; one that is opened, closed or moved costs its own
row, and the others are taken from the tables of a moment ago. Rows are matched by place, not by number or code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.geo.arrays import Int32Array, IntArray
from app.geo.coverage import METHOD_VERSION
from app.geo.reach import ReachTable, reach_table, table_of_rows
from app.geo.reach_update import FRESH, updated_table
from app.geo.search import Searcher
from app.geo.snapping import Places
from app.services.pack_store import PackStore
from app.services.packing import Contents, Pack, PackBroken, content_hash, open_pack, read_facts

KIND = "reach"


@dataclass(frozen=True)
class Origins:
    """Where the rows start on the streets: all that a row depends on besides the network and the limit."""

    edge: Int32Array
    offset_mm: Int32Array
    leg_mm: Int32Array

    @classmethod
    def of(cls, places: Places) -> Origins:
        return cls(places.edge, places.offset_mm, places.leg_mm)

    def kept_from(self, old: Origins) -> IntArray:
        """For every origin the old one at the same place, each taken once, or FRESH."""
        waiting: dict[tuple[int, int, int], list[int]] = {}
        for k in reversed(range(len(old.edge))):
            waiting.setdefault(old._at(k), []).append(k)
        found = [
            waiting[place].pop() if waiting.get(place) else FRESH for place in map(self._at, range(len(self.edge)))
        ]
        return np.array(found, dtype=np.int64)

    def _at(self, k: int) -> tuple[int, int, int]:
        return int(self.edge[k]), int(self.offset_mm[k]), int(self.leg_mm[k])


@dataclass(frozen=True)
class ReachPart:
    """The tables of both variants and where their rows start. ``key`` names this content."""

    key: str
    everywhere: ReachTable
    step_free: ReachTable
    origins: Origins
    origins_step_free: Origins
    basis: str  # network, limit and method: rows can be carried over between tables of one basis


@dataclass(frozen=True)
class ReachQuestion:
    """What tables are wanted: searchers and places of both variants (everywhere, step-free)."""

    network: str  # content hash
    limit_mm: int
    searchers: tuple[Searcher, Searcher]
    places: tuple[Places, Places]

    @property
    def basis(self) -> str:
        return _hash([METHOD_VERSION, self.network, self.limit_mm])

    @property
    def key(self) -> str:
        """Names all that the tables depend on."""
        return _hash([self.basis, *(content_hash(Origins.of(places)) for places in self.places)])


def ensure_reach(store: PackStore, question: ReachQuestion, held: ReachPart | None) -> ReachPart:
    """The tables: those held, or from their folder, or made of earlier ones and filed."""
    key = question.key
    name = store.find(KIND, key)
    if held is not None and held.key == name:
        return held
    try:
        return store.open(KIND, key).read_by(_read)
    except PackBroken:
        earlier = held if held is not None and held.basis == question.basis else _earlier(store, question.basis)
        return _read(store.keep(KIND, key, _build(question, earlier)))


def reach_of_places(question: ReachQuestion, held: ReachPart) -> ReachPart:
    """The tables of other places on the same streets, in memory: rows of the same places are taken from ``held``, and
    where all places are the same it is the answer itself.
    """
    olds = (held.origins, held.origins_step_free)
    same = (content_hash(Origins.of(new)) == content_hash(old) for new, old in zip(question.places, olds, strict=True))
    if question.basis == held.basis and all(same):
        return held
    made = _tables(question, held if held.basis == question.basis else None)
    return ReachPart(
        key=question.key,
        everywhere=made["everywhere"],
        step_free=made["step_free"],
        origins=made["origins_everywhere"],
        origins_step_free=made["origins_step_free"],
        basis=question.basis,
    )


def _build(question: ReachQuestion, earlier: ReachPart | None) -> Contents:
    return Contents(_tables(question, earlier), {"basis": question.basis})


def _tables(question: ReachQuestion, earlier: ReachPart | None) -> dict[str, Any]:
    names = ("everywhere", "step_free")
    olds = (None, None) if earlier is None else (
        (earlier.everywhere, earlier.origins), (earlier.step_free, earlier.origins_step_free)
    )  # fmt: skip
    parts: dict[str, Any] = {}
    for name, searcher, places, old in zip(names, question.searchers, question.places, olds, strict=True):
        origins = Origins.of(places)
        # from nothing too, so that what the first change of a station takes is compiled when the service starts
        table = table_of_rows([], question.limit_mm, searcher.node_count) if old is None else old[0]
        kept = np.full(len(places), FRESH) if old is None else origins.kept_from(old[1])
        fresh = reach_table(searcher, places.take(kept == FRESH), question.limit_mm)
        parts[name] = updated_table(table, kept, fresh)
        parts[f"origins_{name}"] = origins
    return parts


def _read(pack: Pack) -> ReachPart:
    return ReachPart(
        key=pack.name,
        everywhere=pack.part("everywhere", ReachTable),
        step_free=pack.part("step_free", ReachTable),
        origins=pack.part("origins_everywhere", Origins),
        origins_step_free=pack.part("origins_step_free", Origins),
        basis=pack.facts["basis"],
    )


def _earlier(store: PackStore, basis: str) -> ReachPart | None:
    """The newest tables on file that rows can be carried over from."""
    for folder in store.newest(KIND):
        try:
            if read_facts(folder).get("basis") == basis:
                return open_pack(folder).read_by(_read)
        except PackBroken:
            continue
    return None


def _hash(values: list[object]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:20]
