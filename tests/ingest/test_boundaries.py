from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import Conflict, FileUnreadable, ImportFailed, InvalidInput
from app.geo.crs import Crs, from_wgs84
from app.ingest.boundaries import BoundaryOptions, import_boundaries, read_boundaries
from app.ingest.boundary_faults import repair
from app.ingest.report import Severity
from app.models.vocabularies import AreaLevel, BoundaryKind
from app.repositories.areas import list_areas
from app.repositories.datasets import list_datasets
from tests.ingest.conftest import Count

DISTRICT = BoundaryOptions(AreaLevel.DISTRICT, "code", "name")


def square(x: float, y: float, size: float = 0.1) -> shapely.Polygon:
    return shapely.box(x, y, x + size, y + size)


LEFT, RIGHT = square(113.2, 23.0), square(113.3, 23.0)


def write_areas(path: Path, areas: list[tuple[object, object, shapely.Geometry | None]], **more: object) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": name, **more},
            "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
        }
        for code, name, shape in areas
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def faults(path: Path, options: BoundaryOptions = DISTRICT) -> list[str]:
    with pytest.raises(ImportFailed) as caught:
        read_boundaries(path, options)
    return [f"{item.field.removeprefix('第 ')}: {item.message_en}" for item in caught.value.errors]


def test_areas_are_read(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "a.geojson", [(440106.0, " 右区 ", RIGHT), ("４４０１０５", "左区", LEFT)], up="4401")
    options = BoundaryOptions(AreaLevel.DISTRICT, "code", "name", parent_field="up", kind=BoundaryKind.OFFICIAL)
    areas, report = read_boundaries(path, options)
    assert [(a.code, a.name, a.parent_code) for a in areas] == [("440105", "左区", "4401"), ("440106", "右区", "4401")]
    assert shapely.equals(areas[0].geom, shapely.MultiPolygon([LEFT]))
    assert areas[0].boundary_kind is BoundaryKind.OFFICIAL
    assert report.figures["areas"] == 2 and report.figures["overlaps"] == report.figures["holes"] == 0
    assert 220 < float(report.figures["area_km2"]) < 230
    assert read_boundaries(path, DISTRICT)[0][0].boundary_kind is BoundaryKind.APPROXIMATE


def test_every_faulty_feature_is_reported(tmp_path: Path) -> None:
    path = write_areas(
        tmp_path / "a.geojson",
        [
            ("1", "one", LEFT), ("", "two", RIGHT), ("3", "", square(113.4, 23)), ("1", "four", square(113.5, 23)),
            ("5", "five", None), ("6", "six", shapely.Point(113.3, 23.1)),
            ("7", "seven", square(500_000, 2_500_000, 9)),
        ],
    )  # fmt: skip
    found = " | ".join(faults(path))
    for text in (
        "2 行 row 2, code: the code is empty", "3 行 row 3, name: the name is empty",
        "1 行 row 1, code: the code is also that of row 4",
        "4 行 row 4, code: the code is also that of row 1", "5 行 row 5, geometry: it has no geometry",
        "6 行 row 6, geometry: it is not a polygon", "7 行 row 7, geometry: the coordinates are not degrees",
    ):  # fmt: skip
        assert text in found


def test_a_bow_tie_is_refused_with_its_place(tmp_path: Path) -> None:
    tie = shapely.Polygon([(113.2, 23.0), (113.4, 23.2), (113.4, 23.0), (113.2, 23.2)])
    (fault,) = faults(write_areas(tmp_path / "a.geojson", [("1", "one", tie)]))
    assert "Self-intersection at lng 113.300000, lat 23.100000" in fault and "would change" in fault


def test_a_tiny_loop_is_repaired(tmp_path: Path) -> None:
    loop = shapely.Polygon(
        [
            (113.2, 23.0), (113.3, 23.0), (113.3, 23.1), (113.25, 23.1), (113.2501, 23.1001), (113.25, 23.1001),
            (113.2501, 23.1), (113.2, 23.1),
        ]
    )  # fmt: skip
    assert not loop.is_valid
    made = repair(loop)
    assert made is not None and made.geometry.is_valid and made.change < 0.001
    areas, report = read_boundaries(write_areas(tmp_path / "a.geojson", [("1", "one", loop)]), DISTRICT)
    assert areas[0].geom.is_valid and report.figures["repaired"] == 1
    assert "repaired, its area changed" in report.of(Severity.WARNING)[0].message_en
    assert repair(LEFT) is None


def test_overlaps_and_holes_between_neighbours(tmp_path: Path) -> None:
    wide = shapely.box(113.2, 23.0, 113.301, 23.1)
    path = write_areas(tmp_path / "a.geojson", [("1", "a", wide), ("2", "b", RIGHT)])
    areas, report = read_boundaries(path, DISTRICT)
    (issue,) = report.of(Severity.WARNING)
    assert "overlap by 1.13" in issue.message_en and "lng 113.3005" in (issue.value or "")
    assert len(areas) == 2 and report.figures["overlap_km2"] == pytest.approx(1.134, abs=0.01)
    ring = [
        ("1", "w", shapely.box(113.0, 23.0, 113.1, 23.3)), ("2", "e", shapely.box(113.2, 23.0, 113.3, 23.3)),
        ("3", "s", shapely.box(113.1, 23.0, 113.2, 23.1)), ("4", "n", shapely.box(113.1, 23.2, 113.2, 23.3)),
    ]  # fmt: skip
    _, report = read_boundaries(write_areas(tmp_path / "b.geojson", ring), DISTRICT)
    (issue,) = report.of(Severity.WARNING)
    assert "hole of 113" in issue.message_en and issue.value == "lng 113.150000, lat 23.150000"
    enclave = square(113.2, 23.0) - square(113.24, 23.04, 0.02)
    _, report = read_boundaries(write_areas(tmp_path / "c.geojson", [("1", "a", enclave)]), DISTRICT)
    assert report.figures["holes"] == 0  # a hole of one's own is meant


def test_an_area_inside_of_another_is_refused(tmp_path: Path) -> None:
    for inner in (square(113.24, 23.04, 0.01), LEFT):
        (fault,) = faults(write_areas(tmp_path / "a.geojson", [("1", "a", LEFT), ("2", "b", inner)]))
        assert "a 1 and b 2 are the same ground" in fault


def test_coordinate_systems(tmp_path: Path) -> None:
    shifted = shapely.transform(LEFT, lambda p: np.column_stack(from_wgs84(p[:, 0], p[:, 1], Crs.GCJ02)))
    path = write_areas(tmp_path / "a.geojson", [("1", "a", shifted)])
    areas, report = read_boundaries(path, BoundaryOptions(AreaLevel.DISTRICT, "code", "name", crs="gcj02"))
    assert shapely.hausdorff_distance(areas[0].geom, LEFT) < 1e-8
    assert report.figures["crs"] == "gcj02" and report.of(Severity.WARNING)[0].field == "crs"
    assert shapely.hausdorff_distance(read_boundaries(path, DISTRICT)[0][0].geom, LEFT) > 0.002
    with pytest.raises(InvalidInput, match="Unknown coordinate system"):
        read_boundaries(path, BoundaryOptions(AreaLevel.DISTRICT, "code", "name", crs="mars"))


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
def test_shapefiles_without_system_and_in_gbk(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.shp"
    values = [np.array(["440105", "440106"]), np.array(["海珠区", "天河区"])]
    wkb = shapely.to_wkb(np.array([LEFT, RIGHT]))
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.raw.write(path, wkb, values, ["code", "name"], geometry_type="Polygon", crs=None, encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    with pytest.raises(InvalidInput) as caught:
        read_boundaries(path, DISTRICT)
    assert caught.value.errors[0].field == "--crs"
    areas, _ = read_boundaries(path, BoundaryOptions(AreaLevel.DISTRICT, "code", "name", crs="EPSG:4490"))
    assert [a.name for a in areas] == ["海珠区", "天河区"]
    path.with_suffix(".shx").unlink()
    path.with_suffix(".dbf").unlink()
    with pytest.raises((FileUnreadable, InvalidInput)):
        read_boundaries(path, BoundaryOptions(AreaLevel.DISTRICT, "code", "name", crs="EPSG:4490"))


def test_geopackage_and_unusable_files(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    values = [np.array([440105, 440106]), np.array(["海珠区", "天河区"], dtype=object)]
    wkb = shapely.to_wkb(np.array([LEFT, RIGHT]))
    pyogrio.raw.write(path, wkb, values, ["code", "name"], geometry_type="Polygon", crs="EPSG:4326")
    assert [a.code for a in read_boundaries(path, DISTRICT)[0]] == ["440105", "440106"]
    with pytest.raises(InvalidInput) as caught:
        read_boundaries(path, BoundaryOptions(AreaLevel.DISTRICT, "adcode", "name"))
    assert caught.value.errors[0].field == "--code-field" and "code, name" in (caught.value.errors[0].remedy_en or "")
    path.write_bytes(path.read_bytes()[:3000])
    (tmp_path / "b.geojson").write_text('{"type": "FeatureCollection", "features": [')
    (tmp_path / "c.geojson").write_bytes(b"")
    for name in ("a.gpkg", "b.geojson", "c.geojson", "none.geojson"):
        with pytest.raises(FileUnreadable):
            read_boundaries(tmp_path / name, DISTRICT)


def test_import_dry_run_twice_and_conflict(tmp_path: Path, own_engine: Engine, count: Count) -> None:
    path = write_areas(tmp_path / "a.geojson", [("10", "左", LEFT), ("20", "右", RIGHT)])
    assert import_boundaries(own_engine, path, DISTRICT, dry_run=True).changed
    assert count("areas") == count("datasets") == 0
    first = import_boundaries(own_engine, path, DISTRICT)
    assert first.changed and count("areas") == 2
    assert import_boundaries(own_engine, path, DISTRICT).changed is False and count("datasets") == 1
    town = BoundaryOptions(AreaLevel.TOWN, "code", "name")
    with pytest.raises(Conflict):  # the codes are those of districts
        import_boundaries(own_engine, path, town)
    halves = [("101", "左一", square(113.2, 23, 0.05)), ("201", "右一", square(113.31, 23, 0.05))]
    towns = write_areas(tmp_path / "b.geojson", halves)
    import_boundaries(own_engine, towns, town)
    with Session(own_engine) as session:
        parents = {a.code: a.parent_code for a in list_areas(session)}
        assert parents == {"10": None, "20": None, "101": "10", "201": "20"}
        assert {d.level for d in list_datasets(session)} == {"district", "town"}
    broken = write_areas(tmp_path / "c.geojson", [("10", "左", LEFT), ("", "右", RIGHT)])
    with pytest.raises(ImportFailed):
        import_boundaries(own_engine, broken, DISTRICT)
    assert count("areas") == 4 and count("datasets") == 2


def test_the_real_districts(shared_data: Path) -> None:
    path = shared_data / "gz-districts" / "districts_amap_wgs84.geojson"
    areas, report = read_boundaries(path, BoundaryOptions(AreaLevel.DISTRICT, "adcode", "name"))
    assert [a.code for a in areas] == [f"4401{k:02}" for k in (3, 4, 5, 6, 11, 12, 13, 14, 15, 17, 18)]
    assert 7100 < float(report.figures["area_km2"]) < 7500
    assert all(a.geom.is_valid for a in areas)
