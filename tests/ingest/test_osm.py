from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import shapely
from sqlalchemy import Engine, text

from app.db.engine import make_engine
from app.errors import FileUnreadable, InvalidInput
from app.geo.geodesy import distances_m
from app.geo.network import StreetRows, build_network
from app.ingest import osm_reading
from app.ingest.osm import OsmOptions, import_osm, read_osm
from app.ingest.osm_reading import read_ways
from app.ingest.streets import clip
from app.ingest.transaction import SourceFacts, silent
from app.repositories.datasets import list_datasets
from app.repositories.network import read_network
from tests.conftest import MakeDatabase
from tests.ingest.pbf import grid, write_pbf

ROAD = {"highway": "residential"}


def network(path: Path) -> StreetRows:
    return read_osm(path, None, 0.0)[0]


def pairs(rows: StreetRows) -> list[tuple[int, int]]:
    return sorted((min(u, v), max(u, v)) for u, v in zip(rows.source.tolist(), rows.target.tolist(), strict=True))


def test_ways_are_split_where_others_pass(tmp_path: Path) -> None:
    nodes = {**grid(5), 6: (113.302, 23.101), 7: (113.302, 23.099)}
    ways = [(10, [1, 2, 3, 4, 5], {**ROAD, "name": "东路"}), (11, [6, 3, 7], ROAD)]
    path = write_pbf(tmp_path / "a.osm.pbf", nodes, ways)
    rows = network(path)
    assert pairs(rows) == [(1, 3), (3, 5), (3, 6), (3, 7)]
    assert rows.node_id.tolist() == [1, 3, 5, 6, 7]
    assert rows.edge_id.tolist() == [1, 2, 3, 4] and rows.way_id.tolist() == [10, 10, 11, 11]
    assert rows.name == ["东路", "东路", None, None]
    first = slice(*rows.geom_ptr[:2])
    assert rows.geom_lng[first].tolist() == pytest.approx([113.3, 113.301, 113.302])
    assert rows.length_m[0] == pytest.approx(distances_m(113.3, 23.1, 113.302, 23.1).item(), rel=1e-9)
    for k in range(4):  # every line begins and ends where its nodes are
        ends = [rows.source[k], rows.target[k]]
        at = np.searchsorted(rows.node_id, ends)
        assert rows.node_lng[at].tolist() == [rows.geom_lng[rows.geom_ptr[k]], rows.geom_lng[rows.geom_ptr[k + 1] - 1]]
        assert rows.node_lat[at].tolist() == [rows.geom_lat[rows.geom_ptr[k]], rows.geom_lat[rows.geom_ptr[k + 1] - 1]]


def test_a_way_that_crosses_itself_and_a_ring(tmp_path: Path) -> None:
    nodes = grid(4, 2)
    eight = write_pbf(tmp_path / "a.osm.pbf", nodes, [(10, [1, 2, 6, 7, 3, 2, 5], ROAD)])
    assert pairs(network(eight)) == [(1, 2), (2, 2), (2, 5)]
    ring = write_pbf(tmp_path / "b.osm.pbf", nodes, [(10, [1, 2, 6, 5, 1], {"highway": "pedestrian", "area": "yes"})])
    assert pairs(network(ring)) == [(1, 1)]


def test_a_way_that_is_not_walked_makes_no_junction(tmp_path: Path) -> None:
    nodes = grid(3, 2)
    path = write_pbf(tmp_path / "a.osm.pbf", nodes, [(10, [1, 2, 3], ROAD), (11, [2, 5], {"highway": "motorway"})])
    assert pairs(network(path)) == [(1, 3)]


def test_repeated_nodes_and_edges_of_no_length(tmp_path: Path) -> None:
    nodes = {**grid(4), 9: grid(4)[2]}  # 9 stands on 2
    ways = [(10, [1, 2, 2, 9, 3], ROAD), (11, [9, 4], ROAD), (12, [2, 9], ROAD), (13, [4, 4], ROAD)]
    path = write_pbf(tmp_path / "a.osm.pbf", nodes, ways)
    rows = network(path)
    assert pairs(rows) == [(1, 2), (2, 3), (2, 4)]  # still connected through the place that 2 and 9 share
    assert (rows.length_m > 0).all()


def test_nodes_outside_the_extract_end_the_way(tmp_path: Path) -> None:
    nodes = grid(6)
    del nodes[3]
    path = write_pbf(tmp_path / "a.osm.pbf", nodes, [(10, [99, 1, 2, 3, 4, 5, 6, 98], ROAD), (11, [97, 96], ROAD)])
    rows, report = read_osm(path, None, 0.0)
    assert pairs(rows) == [(1, 2), (4, 6)]
    assert report.figures["missing_nodes"] == 5 and report.figures["components"] == 2


def test_a_closed_gate_separates_and_an_open_one_does_not(tmp_path: Path) -> None:
    nodes, ways = grid(5), [(10, [1, 2, 3, 4, 5], ROAD)]
    tags = {2: {"barrier": "gate"}, 3: {"barrier": "gate", "access": "private"}}
    rows, report = read_osm(write_pbf(tmp_path / "a.osm.pbf", nodes, ways, node_tags=tags), None, 0.0)
    assert pairs(rows) == [(-2, 5), (-1, 1)] or pairs(rows) == [(-2, 1), (-1, 5)]
    assert report.figures["closed_barriers"] == 1 and report.figures["components"] == 2
    assert rows.length_m.sum() == pytest.approx(distances_m(113.3, 23.1, 113.304, 23.1).item(), rel=1e-9)
    assert np.unique(rows.node_lng[rows.node_id < 0]).tolist() == pytest.approx([113.302])


def test_squares_mapped_as_relations_are_walked_around(tmp_path: Path) -> None:
    nodes = grid(3, 2)
    path = write_pbf(
        tmp_path / "a.osm.pbf",
        nodes,
        [(10, [1, 2, 5, 4, 1], {}), (11, [2, 3], ROAD), (12, [3, 6], {}), (13, [5, 6], {"highway": "construction"})],
        relations=[
            (1, [("w", 10, "outer"), ("w", 13, "outer")], {"type": "multipolygon", "highway": "pedestrian"}),
            (2, [("w", 12, "outer")], {"type": "multipolygon", "landuse": "grass"}),
        ],
    )
    rows = network(path)
    assert pairs(rows) == [(1, 2), (1, 2), (2, 3)]
    assert rows.highway.count("pedestrian") == 2


def test_the_order_of_ways_in_the_file_does_not_matter(tmp_path: Path) -> None:
    nodes = {**grid(3, 3)}
    ways = [(10, [1, 2, 3], ROAD), (11, [2, 5, 8], ROAD), (12, [4, 5, 6], ROAD)]
    one = network(write_pbf(tmp_path / "a.osm.pbf", nodes, ways))
    two = network(write_pbf(tmp_path / "b.osm.pbf", nodes, ways[::-1]))
    for name in ("node_id", "edge_id", "source", "target", "length_m", "way_id", "geom_ptr", "geom_lng"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist()


def test_large_files_are_filtered_by_id_with_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_pbf(tmp_path / "a.osm.pbf", grid(9, 9), [(10, [1, 2, 3], ROAD), (11, [2, 11, 20], ROAD)])
    one = read_ways(path, silent)
    monkeypatch.setattr(osm_reading, "FILTER_FROM_BYTES", 0)
    two = read_ways(path, silent)
    assert one.place_id.tolist() == two.place_id.tolist() == [1, 2, 3, 11, 20]
    assert one.place_lng.tolist() == two.place_lng.tolist()


def test_clipping_keeps_edges_with_an_end_inside_the_buffer(tmp_path: Path) -> None:
    nodes = grid(9, step=0.01)  # about 1,024 m apart
    path = write_pbf(tmp_path / "a.osm.pbf", nodes, [(10 + k, [k, k + 1], ROAD) for k in range(1, 9)])
    rows = network(path)
    zone = shapely.box(113.295, 23.05, 113.305, 23.15)  # holds node 1, its edge is 512 m from it
    assert pairs(clip(rows, zone, 0.0)) == [(1, 2)]
    assert pairs(clip(rows, zone, 500.0)) == [(1, 2)]
    assert pairs(clip(rows, zone, 530.0)) == [(1, 2), (2, 3)]  # node 2 is 512 m away
    clipped = clip(rows, zone, 2000.0)
    assert pairs(clipped) == [(1, 2), (2, 3), (3, 4)] and clipped.edge_id.tolist() == [1, 2, 3]
    assert clipped.node_id.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"<?xml version='1.0'?><osm version='0.6'></osm>", "XML"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (gzip.compress(b"x" * 100), "compressed"),
        (b"id,lng,lat\n1,113.3,23.1\n", "not an OSM PBF"),
        (bytes(200), "not an OSM PBF"),
    ],
)
def test_files_that_are_no_pbf(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.osm.pbf"
    path.write_bytes(content)
    with pytest.raises(FileUnreadable) as caught:
        read_osm(path, None, 0.0)
    assert says in caught.value.message_en
    assert caught.value.errors[0].remedy_zh and caught.value.errors[0].remedy_en


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.osm.pbf", tmp_path):
        with pytest.raises(FileUnreadable):
            read_osm(path, None, 0.0)


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.5, 0.999])
def test_truncated_files(tmp_path: Path, share: float) -> None:
    whole = write_pbf(tmp_path / "whole.osm.pbf", grid(60, 60), [(10, list(range(1, 3601)), ROAD)]).read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(whole[: max(30, int(len(whole) * share))])
    with pytest.raises(FileUnreadable):
        read_osm(path, None, 0.0)


def test_no_walkable_way_and_a_history_file(tmp_path: Path) -> None:
    motorway = write_pbf(tmp_path / "a.osm.pbf", grid(3), [(10, [1, 2, 3], {"highway": "motorway"})])
    with pytest.raises(FileUnreadable, match="no walkable way"):
        read_osm(motorway, None, 0.0)
    history = write_pbf(tmp_path / "a.osh.pbf", grid(3), [(10, [1, 2, 3], ROAD)])
    with pytest.raises(FileUnreadable, match="history"):
        read_osm(history, None, 0.0)


@pytest.fixture(scope="module")
def own_engine(make_database: MakeDatabase):  # type: ignore[no-untyped-def]
    made = make_engine(make_database())
    yield made
    made.dispose()


def loaded(engine: Engine) -> tuple[int, int, int]:
    with engine.connect() as connection:
        return tuple(  # type: ignore[return-value]
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("walk_nodes", "walk_edges", "datasets")
        )


def test_import_twice_dry_run_and_failure(tmp_path: Path, own_engine: Engine) -> None:
    path = write_pbf(tmp_path / "a.osm.pbf", grid(5), [(10, [1, 2, 3], ROAD), (11, [2, 4, 5], ROAD)])
    facts = SourceFacts(source="OpenStreetMap", licence="ODbL", vintage="2026-11")
    dry = import_osm(own_engine, path, OsmOptions(facts=facts), dry_run=True)
    assert dry.changed and dry.loaded == {"nodes": 4, "edges": 3} and dry.dataset_id is None
    assert loaded(own_engine) == (0, 0, 0)
    first = import_osm(own_engine, path, OsmOptions(facts=facts))
    assert first.changed and loaded(own_engine) == (4, 3, 1)
    second = import_osm(own_engine, path, OsmOptions(facts=facts))
    assert second.changed is False and second.dataset_id == first.dataset_id and loaded(own_engine) == (4, 3, 1)
    bad = tmp_path / "bad.osm.pbf"
    bad.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FileUnreadable):
        import_osm(own_engine, bad, OsmOptions())
    assert loaded(own_engine) == (4, 3, 1)

    def interrupted(zh: str, en: str) -> None:
        if "database" in en:
            raise KeyboardInterrupt

    other = write_pbf(tmp_path / "b.osm.pbf", grid(3), [(10, [1, 2, 3], ROAD)])
    with pytest.raises(KeyboardInterrupt):
        import_osm(own_engine, other, OsmOptions(), tell=interrupted)
    assert loaded(own_engine) == (4, 3, 1)


def test_within_a_file(tmp_path: Path, own_engine: Engine) -> None:
    path = write_pbf(tmp_path / "a.osm.pbf", grid(9, step=0.01), [(10 + k, [k, k + 1], ROAD) for k in range(1, 9)])
    zone = tmp_path / "zone.geojson"
    zone.write_text(shapely.to_geojson(shapely.box(113.295, 23.05, 113.305, 23.15)))
    report = import_osm(own_engine, path, OsmOptions(within=zone))
    assert report.figures["edges_before_clipping"] == 8 and report.figures["edges"] == 3
    wider = import_osm(own_engine, path, OsmOptions(within=zone, buffer_m=3500.0))
    assert wider.changed and wider.figures["edges"] == 4
    zone.write_text(shapely.to_geojson(shapely.box(10, 50, 11, 51)))
    with pytest.raises(FileUnreadable, match="inside the zone"):
        import_osm(own_engine, path, OsmOptions(within=zone))
    with pytest.raises(InvalidInput):
        import_osm(own_engine, path, OsmOptions(buffer_m=-1.0))


def test_porto_alegre(shared_data: Path, own_engine: Engine) -> None:
    path = shared_data / "porto-alegre" / "poa_osm.pbf"
    report = import_osm(own_engine, path, OsmOptions(facts=SourceFacts(name="Porto Alegre")))
    figures = report.figures
    assert figures["ways_walkable"] == 14_428 and figures["edges"] > 25_000
    assert 1_800 < float(figures["length_km"]) < 1_900
    assert float(figures["longest_component_share"]) > 0.98
    with own_engine.connect() as connection:
        longest = connection.execute(text("SELECT count(*) FROM walk_nodes WHERE component = 0")).scalar_one()
        assert longest > 18_000
    from sqlalchemy.orm import Session

    with Session(own_engine) as session:
        rows = read_network(session)
        current = [d for d in list_datasets(session) if d.kind == "network"]
    assert len(current) == 1 and current[0].name == "Porto Alegre" and len(current[0].sha256) == 64
    assert current[0].report["figures"]["edges"] == len(rows.edge_id) == figures["edges"]
    built = build_network(rows, 0.0)
    assert built.edge_mm.sum() / 1e6 == pytest.approx(float(figures["length_km"]), rel=1e-5)


def test_helsinki_has_its_steps_and_tunnels(shared_data: Path) -> None:
    rows, report = read_osm(shared_data / "helsinki" / "Helsinki.osm.pbf", None, 0.0)
    assert float(report.figures["steps_km"]) > 1 and float(report.figures["tunnels_km"]) > 1
    assert report.figures["missing_nodes"] == 1085  # the extract is cut without its complete ways
    assert float(report.figures["longest_component_share"]) > 0.98
    assert rows.has_frontage.any() and not rows.has_frontage.all()
