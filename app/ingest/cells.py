"""People on H3 cells while they are gathered: nothing lost, and the sums to prove it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import fsum

import numpy as np

from app.geo.arrays import FloatArray, IntArray

COMPACT_AT = 4_000_000  # entries gathered before those of equal cells are added up


@dataclass
class CellSums:
    """People by cell, and the totals: all that were read, and those outside of the city."""

    read: list[float] = field(default_factory=list)
    outside: list[float] = field(default_factory=list)
    _cells: list[IntArray] = field(default_factory=list)
    _people: list[FloatArray] = field(default_factory=list)
    _size: int = 0

    def add(self, cells: IntArray, people: FloatArray) -> None:
        """People in cells; a cell may come again."""
        self._cells.append(cells)
        self._people.append(people)
        self._size += len(cells)
        if self._size > COMPACT_AT:
            merged = self._merged()
            self._cells, self._people, self._size = [merged[0]], [merged[1]], 0

    def totals(self) -> tuple[float, float]:
        """People read, people outside."""
        return fsum(self.read), fsum(self.outside)

    def result(self) -> tuple[IntArray, FloatArray]:
        """Cells ascending, each once, with people > 0.

        Raises ArithmeticError when people read and people kept plus outside differ by more than 1e-9 (relative).
        """
        cells, people = self._merged()
        cells, people = cells[people > 0], people[people > 0]
        read, outside = self.totals()
        if abs(fsum(people) + outside - read) > 1e-9 * max(read, 1e-300):
            raise ArithmeticError(f"people are not conserved: {read} read, {fsum(people)} kept, {outside} outside")
        return cells, people

    def _merged(self) -> tuple[IntArray, FloatArray]:
        if not self._cells:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        cells, number = np.unique(np.concatenate(self._cells), return_inverse=True)
        return cells.astype(np.int64), np.bincount(number, weights=np.concatenate(self._people)).astype(np.float64)
