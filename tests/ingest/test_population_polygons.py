from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import FileUnreadable, ImportFailed, InvalidInput
from app.geo.geodesy import area_km2
from app.geo.hexgrid import cell_polygons, cells_of
from app.ingest.population import PopulationKind, PopulationOptions, read_population
from app.ingest.population_polygons import equal_area, spread
from tests.ingest.conftest import zone_of

POLYGONS = PopulationOptions(PopulationKind.POLYGONS)


def write_polygons(path: Path, shapes: list[shapely.Geometry], people: list[object], name: str = "population") -> Path:
    features = [
        {"type": "Feature", "properties": {name: p}, "geometry": json.loads(shapely.to_geojson(s)) if s else None}
        for s, p in zip(shapes, people, strict=True)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_equal_area_agrees_with_geodesic_areas() -> None:
    boxes = [shapely.box(113, lat, 113.01, lat + 0.01) for lat in (0.0, 23.0, 60.0, -45.0)]
    flat = [shapely.area(shapely.transform(box, equal_area)) for box in boxes]
    true = [area_km2(box) for box in boxes]
    assert np.array(flat) / flat[0] == pytest.approx(np.array(true) / true[0], rel=1e-6)


def test_a_polygon_that_is_a_cell_stays_one() -> None:
    cell = cells_of(113.32, 23.11, 9)
    cells, people = spread(np.array([shapely.MultiPolygon([cell_polygons(cell)[0]])]), np.array([100.0]), 9)
    kept = dict(zip(cells.tolist(), people.tolist(), strict=True))
    assert kept[int(cell[0])] == pytest.approx(100, abs=1e-6)


def test_people_go_by_area(tmp_path: Path) -> None:
    square = shapely.box(113.32, 23.11, 113.33, 23.12)
    cells, people, _ = read_population(write_polygons(tmp_path / "a.geojson", [square], [1000]), POLYGONS, None)
    share = np.array([area_km2(shapely.intersection(p, square)) for p in cell_polygons(cells)]) / area_km2(square)
    assert people == pytest.approx(1000 * share, rel=1e-4) and people.sum() == pytest.approx(1000, rel=1e-12)


def test_a_large_polygon_with_a_hole_and_a_tiny_one() -> None:
    ring = shapely.box(113.2, 23.0, 113.4, 23.2) - shapely.box(113.29, 23.09, 113.31, 23.11)
    speck = shapely.Point(113.3, 23.1).buffer(1e-7)
    shapes = np.array([shapely.MultiPolygon([ring]), shapely.MultiPolygon([speck])], dtype=object)
    cells, people = spread(shapes, np.array([5000.0, 3.0]), 9)
    total = dict.fromkeys(cells.tolist(), 0.0)
    for cell, number in zip(cells.tolist(), people.tolist(), strict=True):
        total[cell] += number
    middle = int(cells_of(113.3, 23.1, 9)[0])
    assert total[middle] == pytest.approx(3.0) and sum(total.values()) == pytest.approx(5003, rel=1e-12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(
        st.tuples(
            st.floats(113.2, 113.3), st.floats(23.0, 23.1), st.floats(1e-5, 0.02), st.floats(1e-5, 0.02),
            st.floats(0, 1e5),
        ),
        min_size=1, max_size=6,
    ),
    east=st.floats(113.2, 113.35),
)  # fmt: skip
def test_people_are_conserved(tmp_path: Path, places: list[tuple[float, ...]], east: float) -> None:
    shapes = [shapely.Polygon([(x, y), (x + w, y + h / 3), (x + w / 2, y + h)]) for x, y, w, h, _ in places]
    path = write_polygons(tmp_path / "a.geojson", shapes, [p for *_, p in places])
    zone = zone_of(shapely.box(113.0, 22.0, east, 24.0))
    total = sum(p for *_, p in places)
    try:
        _, people, report = read_population(path, POLYGONS, zone)
    except ImportFailed:
        assert total == 0 or east <= max(x for x, *_ in places) + 1e-5
        return
    outside = float(report.figures["people_outside"])
    assert people.sum() + outside == pytest.approx(total, rel=1e-9)
    share = [
        0.0 if s.area == 0 else shapely.intersection(s, zone.geometry).area / s.area * p
        for s, (*_, p) in zip(shapes, places, strict=True)
    ]
    assert people.sum() == pytest.approx(sum(share), rel=1e-3, abs=1e-3)


def test_faulty_features(tmp_path: Path) -> None:
    square = shapely.box(113.32, 23.11, 113.33, 23.12)
    shapes = [square, square, None, shapely.Point(113.3, 23.1), square, shapely.box(500000, 2500000, 500100, 2500100)]
    path = write_polygons(tmp_path / "a.geojson", shapes, [1, -5, 7, 8, None, 9])
    with pytest.raises(ImportFailed) as caught:
        read_population(path, POLYGONS, None)
    found = [f"{item.field}: {item.message_en}" for item in caught.value.errors]
    assert [f.split("row ")[1] for f in found] == [
        "2, population: the population is negative",
        "3, geometry: it has people but no area",
        "4, geometry: it has people but no area",
        "5, population: the population is not a number",
        "6, geometry: the coordinates are not degrees",
    ]


def test_files_and_columns(tmp_path: Path) -> None:
    square = shapely.box(113.32, 23.11, 113.33, 23.12)
    path = write_polygons(tmp_path / "a.geojson", [square], [1], "inhabitants")
    with pytest.raises(InvalidInput) as caught:
        read_population(path, POLYGONS, None)
    assert "inhabitants" in (caught.value.errors[0].remedy_en or "")
    named = PopulationOptions(PopulationKind.POLYGONS, value_field="inhabitants")
    assert read_population(path, named, None)[1].sum() == pytest.approx(1)
    for name, content in (("b.gpkg", b"nonsense"), ("c.geojson", b'{"type": "FeatureCollection", "features": []}')):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileUnreadable):
            read_population(tmp_path / name, POLYGONS, None)


def test_a_shapefile_without_its_system_and_a_geopackage_with_layers(tmp_path: Path) -> None:
    square = shapely.to_wkb(np.array([shapely.box(113.32, 23.11, 113.33, 23.12)]))
    values, fields = [np.array([12], dtype=np.int64)], np.array(["population"])
    shp, gpkg = tmp_path / "a.shp", tmp_path / "a.gpkg"
    with pytest.warns(UserWarning, match="crs"):
        pyogrio.raw.write(shp, square, values, fields, geometry_type="Polygon", crs=None)
    with pytest.raises(InvalidInput) as caught:
        read_population(shp, POLYGONS, None)
    assert caught.value.errors[0].field == "--crs" and "600" in (caught.value.errors[0].remedy_en or "")
    named = PopulationOptions(PopulationKind.POLYGONS, crs="EPSG:4490")
    assert read_population(shp, named, None)[1].sum() == pytest.approx(12)
    for layer in ("one", "two"):
        where = {"crs": "EPSG:4326", "layer": layer, "append": layer == "two"}
        pyogrio.raw.write(gpkg, square, values, fields, geometry_type="Polygon", **where)
    with pytest.raises(InvalidInput) as caught:
        read_population(gpkg, POLYGONS, None)
    assert "one, two" in (caught.value.errors[0].remedy_en or "")
    chosen = PopulationOptions(PopulationKind.POLYGONS, layer="two")
    assert read_population(gpkg, chosen, None)[1].sum() == pytest.approx(12)


def test_helsinki(shared_data: Path) -> None:
    path = shared_data / "helsinki" / "helsinki_population_grid_2020.gpkg"
    expected = pyogrio.raw.read(path, columns=["population"])[3][0].sum()
    cells, people, report = read_population(path, POLYGONS, None)
    assert report.figures["features_read"] == 92 and report.figures["people_read"] == expected
    assert people.sum() == pytest.approx(expected, rel=1e-12) and 50 < len(cells) < 200
