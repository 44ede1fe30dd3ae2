"""``import osm``: the walkable network of an OSM extract."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import ErrorItem, FileUnreadable, InvalidInput
from app.geo.network import StreetRows, label_components
from app.ingest.city import Zone, zone_of_file
from app.ingest.files import check_file, sha256_of
from app.ingest.osm_reading import RawWays, read_ways
from app.ingest.report import ImportReport
from app.ingest.streets import clip, lengths_km, split_ways
from app.ingest.transaction import SourceFacts, Tell, dataset_facts, load_once, silent
from app.ingest.walkability import RULES_VERSION
from app.models.vocabularies import DatasetKind
from app.services.loading import LoadResult, load_network

DEFAULT_BUFFER_M = 2000.0
MAX_BUFFER_M = 100_000.0


@dataclass(frozen=True)
class OsmOptions:
    """``within``: a file of polygons; edges with an end inside it, or within ``buffer_m`` of it, are kept."""

    within: Path | None = None
    buffer_m: float = DEFAULT_BUFFER_M
    facts: SourceFacts = field(default_factory=SourceFacts)


def import_osm(
    engine: Engine, path: Path, options: OsmOptions, *, dry_run: bool = False, tell: Tell = silent
) -> ImportReport:
    """Read an OSM PBF and put its walkable network in place of the one that is loaded, in one transaction.

    Raises FileUnreadable and InvalidInput; the database is then as it was.
    """
    _check_buffer(options.buffer_m)
    zone = None if options.within is None else zone_of_file(options.within)
    rows, report = read_osm(path, zone, options.buffer_m, tell)
    parameters: dict[str, Any] = {"rules": RULES_VERSION}
    if zone is not None:
        parameters |= {"within_sha256": zone.fingerprint, "buffer_m": options.buffer_m}
    facts = dataset_facts(options.facts, DatasetKind.NETWORK, path, report, parameters)

    def load(session: Session) -> LoadResult:
        tell("写入数据库", "writing to the database")
        return load_network(session, facts, rows, report.for_dataset())

    return load_once(engine, report, load, dry_run=dry_run)


def read_osm(path: Path, zone: Zone | None, buffer_m: float, tell: Tell = silent) -> tuple[StreetRows, ImportReport]:
    """The walkable network of an OSM PBF, clipped to a zone where one is given, and what was found.

    Raises FileUnreadable: not PBF, truncated, without a walkable way, or nothing of it near the zone.
    """
    check_file(path)
    tell("计算文件指纹", "hashing the file")
    report = ImportReport(DatasetKind.NETWORK, path.name, sha256_of(path))
    raw = read_ways(path, tell)
    tell("在路口处切分", "splitting at junctions")
    rows, cuts = split_ways(raw)
    if zone is not None:
        tell("按范围裁剪", "clipping")
        report.figures["edges_before_clipping"] = len(rows.edge_id)
        rows = clip(rows, zone.geometry, buffer_m)
    if len(rows.edge_id) == 0:
        raise FileUnreadable(
            f"{path.name} 中没有落在范围内的可步行道路。",
            f"No walkable way of {path.name} is inside the zone.",
            errors=[
                ErrorItem(
                    "FILE" if zone is None else "--within", "没有可用的道路", "no usable way",
                    remedy_zh="检查路网文件与范围文件是否为同一城市", remedy_en="check that both are of the same city",
                )
            ],
        )  # fmt: skip
    tell("标注连通分量", "labelling islands")
    _describe(report, raw, rows, cuts)
    return rows, report


def _describe(report: ImportReport, raw: RawWays, rows: StreetRows, cuts: dict[str, int]) -> None:
    ends = np.searchsorted(rows.node_id, np.concatenate([rows.source, rows.target])).astype(np.int64)
    count = len(rows.edge_id)
    component = label_components(len(rows.node_id), ends[:count], ends[count:], rows.length_m)
    by_component = np.bincount(component[ends[:count]], weights=rows.length_m)
    report.figures |= {
        "ways_read": raw.ways_read,
        "ways_walkable": len(raw.way_id),
        "nodes": len(rows.node_id),
        "edges": count,
        "length_km": round(float(rows.length_m.sum()) / 1000, 3),
        "steps_km": lengths_km(rows, rows.has_steps),
        "bridges_km": lengths_km(rows, rows.is_bridge),
        "tunnels_km": lengths_km(rows, rows.is_tunnel),
        "without_frontage_km": lengths_km(rows, ~rows.has_frontage),
        "components": len(by_component),
        "longest_component_share": round(float(by_component[0] / by_component.sum()), 6),
        **cuts,
        "one_way_on_foot_ways": sum(walk.one_way for walk in raw.walks),
    }
    for highway, ways in Counter(walk.highway for walk in raw.walks).most_common():
        report.figures[f"ways_{highway}"] = ways
    if report.figures["one_way_on_foot_ways"]:
        report.note(
            f"有 {report.figures['one_way_on_foot_ways']} 条道路对行人单向(多为自动扶梯等),路网仍按双向计算。",
            f"{report.figures['one_way_on_foot_ways']} ways are one-way on foot; the network is walked both ways.",
        )
    if cuts["missing_nodes"]:
        report.note(
            f"有 {cuts['missing_nodes']} 个道路节点不在提取文件内,道路在此处截断。",
            f"{cuts['missing_nodes']} nodes of ways are not in the extract; the ways end there.",
        )
    if raw.relations_read == 0:
        report.warn(
            "文件中没有任何关系(relation),可能是被截断的文件",
            "the file has no relations at all: it may have been cut off",
            remedy=("核对下载文件的大小与校验和", "compare the size and the checksum of the download"),
        )


def _check_buffer(buffer_m: float) -> None:
    if not 0 <= buffer_m <= MAX_BUFFER_M:
        raise InvalidInput(
            "--buffer-m 超出范围。", "--buffer-m is out of range.",
            errors=[
                ErrorItem(
                    "--buffer-m", "须在 0 与 100000 之间", "must be between 0 and 100,000", value=str(buffer_m),
                    remedy_zh="单位是米,默认 2000", remedy_en="it is in metres, 2000 by default",
                )
            ],
        )  # fmt: skip
