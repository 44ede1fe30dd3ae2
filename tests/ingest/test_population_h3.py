from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h3.api.basic_str as h3
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.errors import Conflict, FileUnreadable, ImportFailed, InvalidInput
from app.geo.hexgrid import from_text, outline
from app.ingest.population import PopulationKind, PopulationOptions, import_population, read_population
from app.ingest.population_h3 import parse_cell
from app.models.vocabularies import AreaLevel
from app.repositories.datasets import list_datasets
from app.repositories.population import read_cells
from tests.ingest.conftest import Count, load_areas, write, zone_of

H3 = PopulationOptions(PopulationKind.H3)
CENTRE = h3.latlng_to_cell(23.11, 113.32, 9)
CELLS = sorted(h3.grid_disk(CENTRE, 1))


def table(cells: list[str], people: list[object], heading: str = "h3,population", between: str = ",") -> str:
    return "\n".join([heading.replace(",", between), *(f"{c}{between}{p}" for c, p in zip(cells, people, strict=True))])


def faults(path: Path, options: PopulationOptions = H3) -> list[str]:
    with pytest.raises(ImportFailed) as caught:
        read_population(path, options, None)
    return [f"{item.field}: {item.message_en}" for item in caught.value.errors]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_tables_in_all_encodings(tmp_path: Path, encoding: str, between: str) -> None:
    path = write(tmp_path / "a.csv", table(CELLS, [1.5, 0, 3, 4, 5, 6, 7], "网格,常住人口", between), encoding)
    cells, people, report = read_population(path, H3, None)
    assert cells.tolist() == sorted(from_text(c) for c in CELLS if c != CELLS[1])
    assert people.tolist() == [1.5, 3, 4, 5, 6, 7]
    assert report.figures["people_read"] == report.figures["people_kept"] == 26.5
    assert report.figures["people_outside"] == 0 and report.figures["rows_without_people"] == 1
    assert report.figures["resolution"] == 9
    assert any("everybody is kept" in en for _, en in report.notes)


def test_cells_as_integers_and_in_parquet(tmp_path: Path) -> None:
    numbers = [from_text(c) for c in CELLS]
    csv = write(tmp_path / "a.csv", table([str(n) for n in numbers], [1] * 7))
    pq.write_table(pa.table({"h3": pa.array(numbers, pa.int64()), "population": [1.0] * 7}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": CELLS, "y": [1] * 7}), tmp_path / "b.parquet")
    named = PopulationOptions(PopulationKind.H3, cell_field="x", value_field="y")
    for path, options in ((csv, H3), (tmp_path / "a.parquet", H3), (tmp_path / "b.parquet", named)):
        assert read_population(path, options, None)[0].tolist() == sorted(numbers)


def test_every_faulty_row_is_reported(tmp_path: Path) -> None:
    rows = [
        (CELLS[0], 1), (CELLS[1], -2), ("no-cell", 3), (CELLS[0], 4), (CELLS[2], "NaN"), (CELLS[3], ""),
        (h3.cell_to_parent(CENTRE, 8), 5), (CELLS[4], "many"), ("8928308280ffff0", 1), (CELLS[5], "1e3"),
    ]  # fmt: skip
    path = write(tmp_path / "a.csv", "\n".join(["h3,population", "", *(f"{c},{p}" for c, p in rows)]))
    found = faults(path)
    for row, says in (
        (4, "negative"), (5, "not a valid H3 cell"), (6, "same cell as in row 3"), (7, "not a number"),
        (8, "not a number"), (9, "resolution 8, while others have 9"), (10, "not a number"),
        (11, "not a valid H3 cell"),
    ):  # fmt: skip
        assert any(f"row {row}," in fault and says in fault for fault in found), (row, says, found)
    assert len(found) == 8


def test_a_thousand_faults_are_counted(tmp_path: Path) -> None:
    found = faults(write(tmp_path / "a.csv", table(["zzz"] * 1000, [1] * 1000)))
    assert len(found) == 501 and "500 more" in found[-1]


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table(CELLS, [1] * 7, "a,b"))
    half, wrong = (PopulationOptions(PopulationKind.H3, cell_field=name) for name in "ac")
    for options in (H3, half, wrong):
        with pytest.raises(InvalidInput) as caught:
            read_population(path, options, None)
        assert "a, b" in (caught.value.errors[0].remedy_en or "")
    with pytest.raises(ImportFailed, match="fault"):
        read_population(path, PopulationOptions(PopulationKind.H3, cell_field="a", value_field="b", resolution=8), None)


def test_unusable_files(tmp_path: Path) -> None:
    for name, content in (
        ("empty.csv", b""), ("heading.csv", b"h3,population\n"), ("binary.csv", b"\xff\xff\x00\x01" * 9),
        ("cut.parquet", b"PAR1" + bytes(50)),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileUnreadable):
            read_population(tmp_path / name, H3, None)


def test_a_cell_is_inside_when_its_centre_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", table(CELLS, [1, 2, 4, 8, 16, 32, 64]))
    lat, lng = h3.cell_to_latlng(CENTRE)
    tiny = zone_of(shapely.Point(lng, lat).buffer(1e-6))
    cells, people, report = read_population(path, H3, tiny)
    assert cells.tolist() == [from_text(CENTRE)] and people.tolist() == [2.0 ** CELLS.index(CENTRE)]
    assert report.figures["people_outside"] == 127 - people[0]
    with pytest.raises(ImportFailed, match="outside of the city"):
        read_population(path, H3, zone_of(shapely.box(0, 0, 1, 1)))
    with pytest.raises(ImportFailed, match="Nobody"):
        read_population(write(tmp_path / "b.csv", table(CELLS, [0] * 7)), H3, None)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("89a901291abffff", 0x89A901291ABFFFF), ("0x89a901291abffff", 0x89A901291ABFFFF),
        (" 89A901291ABFFFF ", 0x89A901291ABFFFF), (0x89A901291ABFFFF, 0x89A901291ABFFFF),
        (str(0x89A901291ABFFFF), 0x89A901291ABFFFF), ("", 0), (None, 0), (-1, 0), (1 << 64, 0), (1.5, 0), ("xyz", 0),
        (True, 0),
    ],
)  # fmt: skip
def test_spellings_of_cells(value: object, cell: int) -> None:
    assert parse_cell(value) == cell


def test_porto_alegre(shared_data: Path, own_engine: Engine, count: Count) -> None:
    path = shared_data / "porto-alegre" / "poa_hexgrid.csv"
    dry = import_population(own_engine, path, H3, dry_run=True)
    assert dry.changed and count("datasets") == count("population_cells") == 0
    first = import_population(own_engine, path, H3)
    assert first.figures["people_read"] == first.figures["people_kept"] == 812_935
    assert first.figures["rows_read"] == 1227
    again = import_population(own_engine, path, H3)
    assert again.changed is False and count("datasets") == 1
    with Session(own_engine) as session:
        cells, people = read_cells(session, first.dataset_id or 0)
        assert people.sum() == 812_935 and len(cells) == first.figures["cells"] == count("population_cells")
        assert (np.diff(cells) > 0).all()
    # a boundary drawn from its cells keeps everybody; with half of them the rest is outside
    shape = outline(cells)
    load_areas(own_engine, {"1": (AreaLevel.CITY, "Porto Alegre", shape)})
    inside = import_population(own_engine, path, H3)
    assert inside.changed and inside.figures["people_kept"] == 812_935
    west, south, east, north = shape.bounds
    load_areas(own_engine, {"2": (AreaLevel.CITY, "Porto Alegre", shapely.box(west, south, (west + east) / 2, north))})
    half = import_population(own_engine, path, H3)
    assert half.changed and 0 < float(half.figures["people_outside"]) < 812_935
    assert float(half.figures["people_outside"]) + float(half.figures["people_kept"]) == 812_935
    with Session(own_engine) as session:
        current = [d for d in list_datasets(session) if d.kind == "population"]
        assert [d.id for d in current] == [half.dataset_id]
        assert current[0].report["figures"]["people_kept"] == half.figures["people_kept"]
    assert count("population_cells") == half.figures["cells"]


def test_a_fault_leaves_the_database_as_it_was(tmp_path: Path, own_engine: Engine, count: Count) -> None:
    before = (count("datasets"), count("population_cells"))
    with pytest.raises(ImportFailed):
        import_population(own_engine, write(tmp_path / "a.csv", table(CELLS, [1, 2, 3, 4, 5, 6, -7])), H3)
    good = write(tmp_path / "b.csv", table(CELLS, [1, 2, 3, 4, 5, 6, 7]))
    zone = write(tmp_path / "z.geojson", shapely.to_geojson(shapely.box(113, 23, 114, 24)))
    far = PopulationOptions(PopulationKind.H3, within=zone)
    with own_engine.begin() as connection:
        connection.execute(text("ALTER TABLE population_cells ADD CONSTRAINT few CHECK (people < 5) NOT VALID"))
    with pytest.raises(Exception, match="few"):
        import_population(own_engine, good, far)
    assert (count("datasets"), count("population_cells")) == before
    with own_engine.begin() as connection:
        connection.execute(text("ALTER TABLE population_cells DROP CONSTRAINT few"))
    assert import_population(own_engine, good, far).figures["people_kept"] == 28


def test_an_alternative_stands_beside_the_main_source(tmp_path: Path, own_engine: Engine) -> None:
    main = write(tmp_path / "main.csv", table(CELLS, [1, 2, 3, 4, 5, 6, 7]))
    fine = [h3.cell_to_center_child(cell, 10) for cell in CELLS]
    other = write(tmp_path / "other.csv", table(fine, [2, 3, 4, 5, 6, 7, 8]))
    beside = replace(H3, within=square_around(tmp_path), alternative=True)
    first = import_population(own_engine, main, replace(beside, alternative=False))
    second = import_population(own_engine, other, beside)
    assert any("stands beside" in en for _, en in second.notes) and not any("beside" in en for _, en in first.notes)
    assert import_population(own_engine, other, beside).changed is False
    with Session(own_engine) as session:
        roles = {d.id: d.role for d in list_datasets(session) if d.kind == "population"}
        assert roles == {first.dataset_id: "main", second.dataset_id: "alternative"}
        assert len(read_cells(session, second.dataset_id or 0)[0]) == 7
    with pytest.raises(Conflict):
        import_population(own_engine, main, beside)


def square_around(folder: Path) -> Path:
    """A file with the square of two kilometres around the cells."""
    ring = [[113.30, 23.09], [113.34, 23.09], [113.34, 23.13], [113.30, 23.13], [113.30, 23.09]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return write(folder / "zone.geojson", json.dumps({"type": "Feature", "properties": {}, "geometry": geometry}))
