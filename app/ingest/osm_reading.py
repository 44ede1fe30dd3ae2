"""Reading an OSM PBF in three passes, so that memory grows with the streets and not with the file.

Pass 1 reads relations (pedestrian squares mapped as multipolygons: their outlines are walked), pass 2 ways (only what
can be a street becomes a Python object), pass 3 the nodes that those ways need. Everything is kept as numpy arrays.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium

from app.geo.arrays import BoolArray, FloatArray, IntArray
from app.ingest.files import check_file, unreadable
from app.ingest.transaction import Tell
from app.ingest.walkability import READ_KEYS, Walk, is_closed, kind_of, walk_of

BLOB_HEADER = b"OSMHeader"
# pyosmium's filter by id keeps a bit for every id there is, up to 1.5 GB: it pays from about eight million nodes on
FILTER_FROM_BYTES = 64_000_000


@dataclass(frozen=True)
class RawWays:
    """The walkable ways of a file, node by node: way k has the nodes ``node_ref[ptr[k]:ptr[k + 1]]``.

    ``place_id`` are the nodes that the file has, ascending, with WGS84 positions; ``closed`` marks those where a
    barrier ends the way for people on foot.
    """

    way_id: IntArray
    walks: list[Walk]
    names: list[str | None]
    ptr: IntArray
    node_ref: IntArray
    place_id: IntArray
    place_lng: FloatArray
    place_lat: FloatArray
    closed: BoolArray
    ways_read: int
    relations_read: int


def check_pbf(path: Path) -> None:
    """Raises FileUnreadable for anything that is not an OSM extract in PBF, with what it seems to be."""
    check_file(path)
    with path.open("rb") as file:
        start = file.read(64)
    text = start.lstrip().lower()
    if text.startswith((b"<?xml", b"<osm")):
        said = ("这是 OSM XML,不是 PBF", "it is OSM XML, not PBF")
    elif text.startswith((b"<!doctype", b"<html")):
        said = ("这是一个网页(下载到的可能是出错页面)", "it is a web page (probably an error page that was downloaded)")
    elif start[:2] == b"\x1f\x8b" or start[:3] == b"BZh" or start[:4] == b"PK\x03\x04":
        said = ("这是压缩包,不是 PBF", "it is compressed, not PBF")
    elif BLOB_HEADER not in start:
        said = ("不是 OSM PBF 文件", "it is not an OSM PBF file")
    else:
        _check_header(path)
        return
    raise unreadable(
        path, *said,
        remedy_zh="请使用 .osm.pbf 格式的提取文件(如 Geofabrik);XML 可用 osmium cat 转换,压缩包请先解压",
        remedy_en="use an extract in .osm.pbf (Geofabrik has them); osmium cat converts XML; unpack archives first",
    )  # fmt: skip


def read_ways(path: Path, tell: Tell) -> RawWays:
    """The walkable ways of an OSM PBF with the positions of their nodes.

    Raises FileUnreadable: not PBF, truncated, a history file, or no walkable way in it.
    """
    check_pbf(path)
    try:
        tell("读取关系", "reading relations")
        squares, relations_read = _read_squares(path)
        tell("读取道路", "reading ways")
        found = _WayCollector(squares)
        found.read(path)
        if not found.way_id:
            raise unreadable(
                path, f"其中没有可步行的道路(共读取 {found.ways_read} 条可能的道路)",
                f"there is no walkable way in it ({found.ways_read} ways were looked at)",
                remedy_zh="检查提取范围;文件须包含 highway 道路,而不只是边界或兴趣点",
                remedy_en="check what was extracted: it must contain highways, not only boundaries or points",
            )  # fmt: skip
        refs = np.frombuffer(found.node_ref, dtype=np.int64)
        tell("读取节点", "reading nodes")
        places = _read_places(path, np.unique(refs))
    except (RuntimeError, osmium.InvalidLocationError) as fault:  # pyosmium has no error class of its own
        raise unreadable(
            path, f"文件不完整或已损坏({fault})", f"it is truncated or damaged ({fault})",
            remedy_zh="重新下载,并核对文件大小与校验和", remedy_en="download it again and compare its checksum",
        ) from fault  # fmt: skip
    return RawWays(
        way_id=np.array(found.way_id, dtype=np.int64), walks=found.walks, names=found.names,
        ptr=np.array(found.ptr, dtype=np.int64), node_ref=refs, place_id=places[0], place_lng=places[1],
        place_lat=places[2], closed=places[3], ways_read=found.ways_read, relations_read=relations_read,
    )  # fmt: skip


def _check_header(path: Path) -> None:
    try:
        with osmium.io.Reader(_file(path), osmium.osm.NOTHING) as reader:
            history = reader.header().has_multiple_object_versions
    except RuntimeError as fault:
        raise unreadable(
            path, f"文件头已损坏({fault})", f"its header is damaged ({fault})",
            remedy_zh="重新下载", remedy_en="download it again",
        ) from fault  # fmt: skip
    if history:
        raise unreadable(
            path, "这是历史文件(每个对象有多个版本)", "it is a history file (several versions of every object)",
            remedy_zh="请使用普通提取文件,或用 osmium time-filter 取某一天",
            remedy_en="use an ordinary extract, or take one day with osmium time-filter",
        )  # fmt: skip


def _file(path: Path) -> Any:
    return osmium.io.File(str(path), "pbf")  # by content: the name may end in anything


def _read_squares(path: Path) -> tuple[dict[int, dict[str, str]], int]:
    """Ways that bound a walkable multipolygon, with the tags of the relation; and the number of relations."""
    squares: dict[int, dict[str, str]] = {}
    count = 0
    relations: Iterator[Any] = iter(osmium.FileProcessor(_file(path), osmium.osm.RELATION))
    for relation in relations:
        count += 1
        if relation.tags.get("type") != "multipolygon" or "highway" not in relation.tags:
            continue
        tags = dict(relation.tags)
        if walk_of(tags) is None:
            continue
        for member in relation.members:
            if member.type == "w" and member.role in ("outer", ""):
                squares.setdefault(member.ref, tags)
    return squares, count


class _WayCollector:
    """Gathers walkable ways; ``ptr`` and ``node_ref`` are plain arrays, eight bytes a node."""

    def __init__(self, squares: dict[int, dict[str, str]]) -> None:
        self.squares = squares
        self.way_id: array[int] = array("q")
        self.walks: list[Walk] = []
        self.names: list[str | None] = []
        self.ptr: array[int] = array("q", [0])
        self.node_ref: array[int] = array("q")
        self.ways_read = 0
        self._known: dict[Walk, Walk] = {}

    def read(self, path: Path) -> None:
        tagged = osmium.FileProcessor(_file(path), osmium.osm.WAY).with_filter(osmium.filter.KeyFilter(*READ_KEYS))
        for way in tagged:
            self._take(way, dict(way.tags))
        if self.squares:
            outlines = osmium.filter.IdFilter(self.squares.keys())
            for way in osmium.FileProcessor(_file(path), osmium.osm.WAY).with_filter(outlines):
                tags = dict(way.tags)
                if kind_of(tags) is None:  # else it has been taken, or refused, by its own tags
                    self._take(way, {**self.squares[way.id], **tags})

    def _take(self, way: Any, tags: dict[str, str]) -> None:
        if kind_of(tags) is None:
            return
        self.ways_read += 1
        walk = walk_of(tags)
        if walk is None:
            return
        self.way_id.append(way.id)
        self.walks.append(self._known.setdefault(walk, walk))  # few are different: one object for many ways
        self.names.append(tags.get("name:zh") or tags.get("name") or None)
        self.node_ref.extend([node.ref for node in way.nodes])
        self.ptr.append(len(self.node_ref))


def _read_places(path: Path, wanted: IntArray) -> tuple[IntArray, FloatArray, FloatArray, BoolArray]:
    """Id, ``lng, lat`` and closed-to-feet of those wanted nodes that the file has, by id."""
    found: array[int] = array("q")
    lng, lat = array("d"), array("d")
    closed: set[int] = set()
    processor = osmium.FileProcessor(_file(path), osmium.osm.NODE)
    known: set[int] = set()
    if path.stat().st_size > FILTER_FROM_BYTES:
        processor = processor.with_filter(osmium.filter.IdFilter(wanted.tolist()))
    else:
        known = set(wanted.tolist())
    nodes: Iterator[Any] = iter(processor)
    for node in nodes:
        location = node.location
        if (known and node.id not in known) or not location.valid():
            continue
        found.append(node.id)
        lng.append(location.lon)
        lat.append(location.lat)
        if "barrier" in node.tags and is_closed(dict(node.tags)):
            closed.add(node.id)
    ids = np.array(found, dtype=np.int64)
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    shut = np.isin(ids, np.fromiter(closed, dtype=np.int64, count=len(closed)))
    return ids, np.array(lng)[order], np.array(lat)[order], shut
