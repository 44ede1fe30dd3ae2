"""Filters in CQL2 (OGC 21-065r2), text or JSON, as masks over a collection's columns.

The text is parsed by the library ``cql2`` into the form that CQL2 has in JSON; what is not on the list here is refused.
Its parser tries again and again where brackets are nested and the text is wrong, twice as long with every level, so
depth and length are looked at first. Values that are missing make a comparison neither true nor false, as in SQL.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cql2
import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from app.geo.arrays import BoolArray
from app.geo.mvt import Flags, Numbers
from app.services.cell_grid import Box
from app.services.feature_shapes import Relation, related
from app.services.feature_tables import Collection, FeatureTable, known
from app.services.filter_values import FilterFault, day_of, number_of, read_shape, refused, text_of
from app.services.map_layers import AnyColumn, MapProperty, ValueKind

LONGEST_TEXT, LONGEST_JSON = 1_500, 8_000
MOST_BRACKETS, MOST_LEVELS, MOST_PARTS, MOST_VALUES, MOST_SHAPES = 6, 12, 100, 200, 4
GEOMETRY = "geometry"

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
RELATIONS: dict[str, Relation] = {
    "s_intersects": shapely.intersects, "s_contains": shapely.contains, "s_within": shapely.within,
    "s_touches": shapely.touches, "s_crosses": shapely.crosses, "s_overlaps": shapely.overlaps,
    "s_equals": shapely.equals,
}  # fmt: skip
OPERATORS = ("and", "or", "not", *COMPARISONS, "like", "between", "in", "isNull", "casei", *RELATIONS, "s_disjoint")


@dataclass(frozen=True)
class Truth:
    """For every feature: is it so, and can it be said?"""

    value: BoolArray
    known: BoolArray

    def __and__(self, other: Truth) -> Truth:
        false = (self.known & ~self.value) | (other.known & ~other.value)
        return Truth(self.value & other.value, (self.known & other.known) | false)

    def __or__(self, other: Truth) -> Truth:
        true = self.value | other.value
        return Truth(true, (self.known & other.known) | true)

    def __invert__(self) -> Truth:
        return Truth(self.known & ~self.value, self.known)


def read_text(text: str) -> Any:
    """CQL2 text in its form in JSON. Raises InvalidInput."""
    if len(text) > LONGEST_TEXT:
        raise refused(too_long(len(text), LONGEST_TEXT), text)
    depth, deepest = 0, 0
    for bracket in re.findall(r"[()]", re.sub(r"'[^']*'|\"[^\"]*\"", "", text)):
        depth += 1 if bracket == "(" else -1
        deepest = max(deepest, depth)
        if depth < 0:
            break
    if depth:
        raise refused(FilterFault("括号不配对", "brackets do not match"), text)
    if deepest > MOST_BRACKETS:
        raise refused(
            FilterFault(f"括号嵌套超过 {MOST_BRACKETS} 层", f"brackets are nested deeper than {MOST_BRACKETS}"), text
        )
    try:
        return cql2.parse_text(text).to_json()
    except Exception as fault:  # the library raises plain exceptions, too
        raise refused(_unreadable(text, str(fault)), text) from None


def read_json(text: str) -> Any:
    """CQL2 in JSON. Raises InvalidInput."""
    if len(text) > LONGEST_JSON:
        raise refused(too_long(len(text), LONGEST_JSON), text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise refused(FilterFault("不是合法的 JSON", "is not valid JSON"), text) from None


def too_long(length: int, most: int) -> FilterFault:
    return FilterFault(f"有 {length} 字,超过 {most}", f"has {length} characters, more than {most}")


def _unreadable(text: str, complaint: str) -> FilterFault:
    """Where the parser stopped."""
    place = re.search(r"--> (\d+):(\d+)", complaint)
    if place is None:
        return FilterFault("不是 CQL2", "is not CQL2")
    line, column = int(place[1]), int(place[2])
    rest = text.splitlines()[line - 1][column - 1 :][:20] if line <= len(text.splitlines()) else ""
    return FilterFault(
        f"第 {column} 字起无法解析:{rest}" if rest else "没有写完",
        f"cannot be parsed from character {column}: {rest}" if rest else "ends too early",
    )


class Filter:
    """Expressions over one collection. ``flipped``: positions in it are ``lat, lng``."""

    def __init__(self, collection: Collection, table: FeatureTable, *, flipped: bool = False) -> None:
        self._collection, self._table, self._flipped = collection, table, flipped
        self._parts = self._shapes = 0

    def between_days(self, first: str, last: str) -> BoolArray:
        """The features that are there on any day from ``first`` to ``last`` (ISO 8601); all where none has days."""
        if self._collection.lives is None:
            return np.ones(len(self._table), dtype=np.bool_)
        begins, ends = (self._table.columns[name] for name in self._collection.lives)
        begun = _compared(begins, operator.le, last, folded=False).value
        return begun & ~_compared(ends, operator.le, first, folded=False).value

    def within_box(self, box: Box) -> BoolArray:
        """The features that meet a box (WGS84); one whose west is east of its east goes around the globe's back."""
        west, south, east, north = box
        sides = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        found = np.zeros(len(self._table), dtype=np.bool_)
        for left, right in sides:
            asked = shapely.box(left, south, right, north)
            found |= related(self._table.shapes, len(self._table), shapely.intersects, asked)
        return found

    def mask(self, expression: Any) -> BoolArray:
        """The features for which the expression is true. Raises FilterFault."""
        return self._truth(expression, 0).value

    def _truth(self, node: Any, level: int) -> Truth:
        self._parts += 1
        if level > MOST_LEVELS or self._parts > MOST_PARTS:
            raise FilterFault(
                f"太复杂:至多 {MOST_PARTS} 个条件、{MOST_LEVELS} 层",
                f"is too complex: at most {MOST_PARTS} conditions, {MOST_LEVELS} levels",
            )
        if isinstance(node, bool):
            everything = np.ones(len(self._table), dtype=np.bool_)
            return Truth(everything & node, everything)
        if isinstance(node, Mapping) and "property" in node:
            return self._flag(node)
        if not isinstance(node, Mapping) or not isinstance(node.get("op"), str):
            raise FilterFault("不是条件", "is not a condition")
        name, args = node["op"], node.get("args")
        lower = name.lower() if name.lower() != "isnull" else "isNull"
        if lower not in OPERATORS or lower == "casei":
            known_ones = ", ".join(OPERATORS)
            raise FilterFault(
                f"没有运算 {name[:40]};可用:{known_ones}", f"no operator {name[:40]}; there are {known_ones}"
            )
        if not isinstance(args, Sequence) or isinstance(args, str) or not args:
            raise FilterFault(f"{lower} 没有参数", f"{lower} has no arguments")
        if lower in ("and", "or", "not"):
            return self._logic(lower, args, level)
        if lower in RELATIONS or lower == "s_disjoint":
            return self._spatial(lower, args)
        return self._about_values(lower, args)

    def _logic(self, name: str, args: Sequence[Any], level: int) -> Truth:
        if len(args) != 1 if name == "not" else len(args) < 2:
            raise _arguments(name)
        parts = [self._truth(part, level + 1) for part in args]
        found = parts[0]
        for part in parts[1:]:
            found = found & part if name == "and" else found | part
        return ~found if name == "not" else found

    def _about_values(self, name: str, args: Sequence[Any]) -> Truth:
        if len(args) != (1 if name == "isNull" else 3 if name == "between" else 2):
            raise _arguments(name)
        if name in COMPARISONS and not _is_property(args[0]) and _is_property(args[1]):
            args, name = [args[1], args[0]], TURNED.get(name, name)
        told, folded = self._property(args[0])
        column = self._table.columns[told.name]
        if name == "isNull":
            there = known(column)
            return Truth(~there, np.ones(len(there), dtype=np.bool_))
        if name == "between":
            low, high = (_literal(told, value, folded) for value in args[1:])
            return _compared(column, operator.ge, low, folded) & _compared(column, operator.le, high, folded)
        if name == "in":
            return self._in(told, column, args[1], folded)
        if name == "like":
            if told.kind is not ValueKind.TEXT:
                raise FilterFault(f"{told.name} 不是文字,不能用 LIKE", f"{told.name} is no text to be LIKE another")
            pattern = like_pattern(text_of(_unfolded(args[1])), ignore_case=folded)
            return _compared(column, lambda word, _: pattern.fullmatch(word) is not None, "", folded=False)
        if told.kind is ValueKind.BOOLEAN and name not in ("=", "<>"):
            raise FilterFault(f"{told.name} 只能用 = 与 <>", f"{told.name} can only be compared by = and <>")
        return _compared(column, COMPARISONS[name], _literal(told, args[1], folded), folded)

    def _in(self, told: MapProperty, column: AnyColumn, listed: Any, folded: bool) -> Truth:
        if not isinstance(listed, Sequence) or isinstance(listed, str) or not 0 < len(listed) <= MOST_VALUES:
            raise FilterFault(f"IN 要有 1 至 {MOST_VALUES} 个值", f"IN needs 1 to {MOST_VALUES} values")
        values = {_literal(told, value, folded) for value in listed}
        if isinstance(column, Numbers):
            there = known(column)
            return Truth(there & np.isin(column.values, list(values)), there)
        return _compared(column, lambda word, _: word in values, "", folded)

    def _spatial(self, name: str, args: Sequence[Any]) -> Truth:
        if len(args) != 2:
            raise _arguments(name)
        if not isinstance(args[0], Mapping) or args[0].get("property") != GEOMETRY:
            raise FilterFault(f"{name} 的第一个参数须为 {GEOMETRY}", f"the first argument of {name} must be {GEOMETRY}")
        self._shapes += 1
        if self._shapes > MOST_SHAPES:
            raise FilterFault(f"至多 {MOST_SHAPES} 个几何条件", f"has more than {MOST_SHAPES} conditions about shapes")
        asked: BaseGeometry = read_shape(args[1], flipped=self._flipped)
        relation = RELATIONS.get(name, shapely.intersects)
        found = related(self._table.shapes, len(self._table), relation, asked)
        truth = Truth(found, np.ones(len(found), dtype=np.bool_))
        return ~truth if name == "s_disjoint" else truth

    def _flag(self, node: Mapping[str, Any]) -> Truth:
        told, _ = self._property(node)
        if told.kind is not ValueKind.BOOLEAN:
            raise FilterFault(f"{told.name} 不是真假值", f"{told.name} is neither true nor false")
        return _compared(self._table.columns[told.name], operator.eq, True, folded=False)

    def _property(self, node: Any) -> tuple[MapProperty, bool]:
        """A property, and whether upper and lower case are the same. Raises FilterFault for what is none."""
        folded = isinstance(node, Mapping) and node.get("op") == "casei"
        inner = _unfolded(node)
        name = inner.get("property") if isinstance(inner, Mapping) else None
        if not isinstance(name, str):
            raise FilterFault("比较的一边须为属性", "one side of a comparison must be a property")
        return property_named(self._collection, name), folded


def property_named(collection: Collection, name: str) -> MapProperty:
    """Raises FilterFault, with the properties that there are."""
    if name not in collection.by_name:
        names = ", ".join(collection.by_name)
        raise FilterFault(f"没有属性 {name[:40]};可用:{names}", f"no property {name[:40]}; there are {names}")
    return collection.by_name[name]


def value_of(collection: Collection, name: str, written: str) -> Any:
    """The condition that a property equals what a query parameter says. Raises InvalidInput."""
    told = property_named(collection, name)
    if told.kind is ValueKind.BOOLEAN and written in ("true", "false"):
        value: Any = written == "true"
    else:
        value = number_of(written) if told.kind in (ValueKind.NUMBER, ValueKind.WHOLE) else written
    _literal(told, value, folded=False)
    return {"op": "=", "args": [{"property": name}, value]}


def like_pattern(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    """``%`` is any text, ``_`` any character, a backslash takes a character as it is.

    Every piece between two ``%`` is sought once, at its first place (atomic groups): no pattern takes long.
    """
    pieces = re.findall(r"\\.|%|[^\\%]|\\", pattern, re.DOTALL)
    parts: list[str] = [""]
    for piece in pieces:
        if piece == "%":
            parts.append("")
        else:
            parts[-1] += "." if piece == "_" else re.escape(piece[-1])
    first, *middle = parts
    last = middle.pop() if middle else None
    made = first + "".join(f"(?>.*?{part})" for part in middle) + ("" if last is None else f".*{last}")
    return re.compile(made, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _literal(told: MapProperty, value: Any, folded: bool) -> Any:
    """A value that can be compared with the property's. Raises FilterFault for one of another kind."""
    value = _unfolded(value)
    if told.kind is ValueKind.BOOLEAN:
        if isinstance(value, bool):
            return value
        raise FilterFault(f"{told.name} 要与 true 或 false 比较", f"{told.name} is to be compared with true or false")
    try:
        if told.kind in (ValueKind.NUMBER, ValueKind.WHOLE):
            return number_of(value)
        text = day_of(value) if told.kind is ValueKind.DAY else text_of(value)
    except FilterFault as fault:
        raise FilterFault(f"{told.name}:{fault.message_zh}", f"{told.name}: {fault.message_en}") from None
    return text.casefold() if folded else text


def _compared(column: AnyColumn, compare: Callable[[Any, Any], Any], value: Any, folded: bool) -> Truth:
    """Texts are compared once each, however many features have them."""
    there = known(column)
    if isinstance(column, Numbers):
        with np.errstate(invalid="ignore"):
            return Truth(there & np.asarray(compare(column.values, value), dtype=np.bool_), there)
    if isinstance(column, Flags):
        return Truth(np.asarray(compare((column.flags & column.bit) != 0, value), dtype=np.bool_), there)
    held = [word.casefold() if folded and isinstance(word, str) else word for word in column.values]
    is_so = np.array([*(compare(word, value) for word in held), False], dtype=np.bool_)  # absent: -1, the last
    return Truth(is_so[column.at], there)


def _unfolded(node: Any) -> Any:
    """What stands inside CASEI."""
    if isinstance(node, Mapping) and node.get("op") == "casei":
        args = node.get("args")
        if not isinstance(args, Sequence) or isinstance(args, str) or len(args) != 1:
            raise _arguments("casei")
        return args[0]
    return node


def _is_property(node: Any) -> bool:
    inner = _unfolded(node)
    return isinstance(inner, Mapping) and "property" in inner


def _arguments(name: str) -> FilterFault:
    return FilterFault(f"{name} 的参数个数不对", f"{name} has the wrong number of arguments")
