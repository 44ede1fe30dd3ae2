"""Vector tiles: features of one layer in the encoding of the Mapbox Vector Tile Specification, version 2.1.

A tile is a square of EXTENT × EXTENT units with ``y`` running down. Geometries come as flat arrays in these units;
feature k has the parts ``feature_ptr[k]:feature_ptr[k + 1]``, part p the points ``part_ptr[p]:part_ptr[p + 1]``. Parts
are positions, lines or rings; a ring around an area has a positive area in these units (clockwise as drawn), a hole a
negative one. Protocol buffers are written by a kernel: a tile of ten thousand streets in some milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numba as nb
import numpy as np

from app.geo.arrays import ByteArray, FloatArray, Int32Array, IntArray

EXTENT = 4096
NO_ID = -1
ABSENT = -1
VERSION = 2
# tags of protocol buffers: field number × 8 + wire type
_LAYERS, _NAME, _FEATURES, _KEYS, _VALUES, _EXTENT, _VERSION = 0x1A, 0x0A, 0x12, 0x1A, 0x22, 0x28, 0x78
_ID, _TAGS, _TYPE, _GEOMETRY = 0x08, 0x12, 0x18, 0x22
_STRING, _DOUBLE, _SINT, _BOOL = 0x0A, 0x19, 0x30, 0x38
_MOVE_TO, _LINE_TO, _CLOSE_PATH = 1, 2, 7


class Kind(IntEnum):
    """What the parts of a layer's features are."""

    POINT = 1
    LINE = 2
    POLYGON = 3


@dataclass(frozen=True)
class Shapes:
    """Geometries in tile units; see the head of this module."""

    kind: Kind
    feature_ptr: IntArray
    part_ptr: IntArray
    x: Int32Array
    y: Int32Array

    def __len__(self) -> int:
        return len(self.feature_ptr) - 1


class Column(Protocol):
    """A property of many features."""

    def of(self, chosen: IntArray) -> tuple[Int32Array, list[bytes]]:
        """For every chosen feature the number of its value or ABSENT, and the values themselves, encoded."""


@dataclass(frozen=True)
class Words:
    """Texts (or other values that are seldom unique): ``at`` numbers ``values``, ABSENT where there is none."""

    at: Int32Array
    values: Sequence[str | bool]

    def of(self, chosen: IntArray) -> tuple[Int32Array, list[bytes]]:
        held, number = np.unique(self.at[chosen], return_inverse=True)
        missing = int(len(held) > 0 and held[0] == ABSENT)  # it sorts first
        encoded = [_encoded(self.values[k]) for k in held[missing:].tolist()]
        return (number - missing).astype(np.int32), encoded


@dataclass(frozen=True)
class Numbers:
    """Numbers, NaN where there is none; ``whole`` ones are told as integers."""

    values: FloatArray
    whole: bool = False

    def of(self, chosen: IntArray) -> tuple[Int32Array, list[bytes]]:
        taken = self.values[chosen]
        known = ~np.isnan(taken)
        held, number = np.unique(taken[known], return_inverse=True)
        at = np.full(len(taken), ABSENT, dtype=np.int32)
        at[known] = number
        if self.whole:
            return at, [_encoded(int(value)) for value in held.tolist()]
        rows = np.empty(len(held), dtype=[("tag", np.uint8), ("value", "<f8")])
        rows["tag"], rows["value"] = _DOUBLE, held
        blob = rows.tobytes()
        return at, [blob[k : k + 9] for k in range(0, len(blob), 9)]


@dataclass(frozen=True)
class Flags:
    """True where a bit is set."""

    flags: ByteArray
    bit: int

    def of(self, chosen: IntArray) -> tuple[Int32Array, list[bytes]]:
        return ((self.flags[chosen] & self.bit) != 0).astype(np.int32), [_encoded(False), _encoded(True)]


def encode_tile(
    name: str, shapes: Shapes, columns: Mapping[str, Column], chosen: IntArray, ids: IntArray | None = None
) -> bytes:
    """A tile of one layer; empty where no feature is left in it.

    ``shapes`` and ``ids`` (non-negative) are of the ``chosen`` features, in their order; columns are of all features.
    Points that follow each other on the same unit are one; lines and rings that shrink to nothing are left out.
    """
    tables = [column.of(chosen) for column in columns.values()]
    value_at = np.full((len(chosen), len(tables)), ABSENT, dtype=np.int32)
    values: list[bytes] = []
    for k, (at, encoded) in enumerate(tables):
        value_at[:, k] = np.where(at == ABSENT, ABSENT, at + len(values))
        values.extend(encoded)
    if ids is None:
        ids = np.full(len(chosen), NO_ID, dtype=np.int64)
    out = np.empty(_room(shapes, value_at), dtype=np.uint8)
    scratch = np.empty(10 * len(shapes.x) + 15 * len(shapes.part_ptr) + 16, dtype=np.uint8)
    length = _write_features(
        int(shapes.kind), shapes.feature_ptr, shapes.part_ptr, shapes.x, shapes.y, ids, value_at, out, scratch
    )
    if length == 0:
        return b""
    layer = b"".join(
        [
            bytes((_VERSION, VERSION)), _field(_NAME, name.encode()), out[:length].tobytes(),
            *(_field(_KEYS, key.encode()) for key in columns), *(_field(_VALUES, value) for value in values),
            bytes((_EXTENT,)), _varint(EXTENT),
        ]
    )  # fmt: skip
    return _field(_LAYERS, layer)


def clip_lines(part_ptr: IntArray, x: FloatArray, y: FloatArray, low: float, high: float) -> tuple[
    IntArray, IntArray, FloatArray, FloatArray
]:  # fmt: skip
    """The parts of lines inside a square from ``low`` to ``high`` on both axes: the line that each part is of
    (ascending), their pointers, and their points (Liang & Barsky 1984).
    """
    return _clip_lines(part_ptr, x, y, low, high)  # type: ignore[no-any-return]


def _room(shapes: Shapes, value_at: Int32Array) -> int:
    """More bytes than the features take: five for every 32-bit number, six for every tag and length."""
    points, parts = 10 * len(shapes.x), 15 * len(shapes.part_ptr)
    return int(points + parts + len(value_at) * (10 * value_at.shape[1] + 40)) + 16


def _encoded(value: str | bool | int) -> bytes:
    """A value as the message of that name."""
    if isinstance(value, str):
        return _field(_STRING, value.encode())
    if isinstance(value, bool):
        return bytes((_BOOL, int(value)))
    return bytes((_SINT,)) + _varint((value << 1) ^ (value >> 63))


def _field(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    made = bytearray()
    value &= 0xFFFF_FFFF_FFFF_FFFF
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


@nb.njit(nogil=True, cache=True)
def _put(out, at, value):  # type: ignore[no-untyped-def]
    """Write a varint; the place after it."""
    while value > 0x7F:
        out[at] = value & 0x7F | 0x80
        value >>= 7
        at += 1
    out[at] = value
    return at + 1


@nb.njit(nogil=True, cache=True)
def _put_step(out, at, step):  # type: ignore[no-untyped-def]
    """Write a difference of coordinates, zigzag."""
    return _put(out, at, (step << 1) ^ (step >> 63))


@nb.njit(nogil=True, cache=True)
def _put_geometry(kind, first, last, part_ptr, x, y, out):  # type: ignore[no-untyped-def]
    """Write the commands of the parts ``first:last``; the bytes written."""
    at = 0
    here_x, here_y = np.int64(0), np.int64(0)
    if kind == 1:
        count = part_ptr[last] - part_ptr[first]
        if count > 0:
            at = _put(out, at, count << 3 | _MOVE_TO)
        for p in range(part_ptr[first], part_ptr[last]):
            at = _put_step(out, at, np.int64(x[p]) - here_x)
            at = _put_step(out, at, np.int64(y[p]) - here_y)
            here_x, here_y = np.int64(x[p]), np.int64(y[p])
        return at
    for part in range(first, last):
        start, stop = part_ptr[part], part_ptr[part + 1]
        if kind == 3:
            while stop - start > 1 and x[stop - 1] == x[start] and y[stop - 1] == y[start]:
                stop -= 1
        count = 0
        for p in range(start + 1, stop):
            count += x[p] != x[p - 1] or y[p] != y[p - 1]
        if count < kind - 1 or stop <= start:
            continue
        at = _put(out, at, 1 << 3 | _MOVE_TO)
        at = _put_step(out, at, np.int64(x[start]) - here_x)
        at = _put_step(out, at, np.int64(y[start]) - here_y)
        here_x, here_y = np.int64(x[start]), np.int64(y[start])
        at = _put(out, at, count << 3 | _LINE_TO)
        for p in range(start + 1, stop):
            if x[p] != x[p - 1] or y[p] != y[p - 1]:
                at = _put_step(out, at, np.int64(x[p]) - here_x)
                at = _put_step(out, at, np.int64(y[p]) - here_y)
                here_x, here_y = np.int64(x[p]), np.int64(y[p])
        if kind == 3:
            at = _put(out, at, 1 << 3 | _CLOSE_PATH)
    return at


@nb.njit(nogil=True, cache=True)
def _write_features(kind, feature_ptr, part_ptr, x, y, ids, value_at, out, scratch):  # type: ignore[no-untyped-def]
    at = 0
    header = np.empty(64 + 10 * value_at.shape[1], np.uint8)
    for k in range(len(feature_ptr) - 1):
        drawn = _put_geometry(kind, feature_ptr[k], feature_ptr[k + 1], part_ptr, x, y, scratch)
        if drawn == 0:
            continue
        n = 0
        if ids[k] >= 0:
            header[n] = _ID
            n = _put(header, n + 1, ids[k])
        tags = 0
        for c in range(value_at.shape[1]):
            if value_at[k, c] >= 0:
                tags += _width(c) + _width(value_at[k, c])
        if tags > 0:
            header[n] = _TAGS
            n = _put(header, n + 1, tags)
            for c in range(value_at.shape[1]):
                if value_at[k, c] >= 0:
                    n = _put(header, n, c)
                    n = _put(header, n, np.int64(value_at[k, c]))
        header[n] = _TYPE
        header[n + 1] = kind
        header[n + 2] = _GEOMETRY
        n = _put(header, n + 3, drawn)
        out[at] = _FEATURES
        at = _put(out, at + 1, n + drawn)
        out[at : at + n] = header[:n]
        out[at + n : at + n + drawn] = scratch[:drawn]
        at += n + drawn
    return at


@nb.njit(nogil=True, cache=True)
def _width(value):  # type: ignore[no-untyped-def]
    """Bytes of a varint."""
    n = 1
    while value > 0x7F:
        value >>= 7
        n += 1
    return n


@nb.njit(nogil=True, cache=True)
def _clip_lines(part_ptr, x, y, low, high):  # type: ignore[no-untyped-def]
    most = 2 * len(x)
    owner = np.empty(len(x), np.int64)
    ptr = np.empty(len(x) + 1, np.int64)
    out_x, out_y = np.empty(most), np.empty(most)
    parts, n = 0, 0
    ptr[0] = 0
    for k in range(len(part_ptr) - 1):
        is_open = False  # does the part go on from the segment before?
        for p in range(part_ptr[k], part_ptr[k + 1] - 1):
            dx, dy = x[p + 1] - x[p], y[p + 1] - y[p]
            enter, leave = 0.0, 1.0
            for step, far in ((-dx, x[p] - low), (dx, high - x[p]), (-dy, y[p] - low), (dy, high - y[p])):
                if step == 0.0:
                    if far < 0.0:
                        leave = -1.0
                elif step < 0.0:
                    enter = max(enter, far / step)
                else:
                    leave = min(leave, far / step)
            if enter > leave:
                is_open = False
                continue
            if not is_open or enter > 0.0:
                owner[parts] = k
                out_x[n], out_y[n] = x[p] + enter * dx, y[p] + enter * dy
                n += 1
                parts += 1
            out_x[n], out_y[n] = x[p] + leave * dx, y[p] + leave * dy
            n += 1
            ptr[parts] = n
            is_open = leave == 1.0
    return owner[:parts], ptr[: parts + 1], out_x[:n], out_y[:n]
