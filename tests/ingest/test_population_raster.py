from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pyproj import Transformer
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from app.errors import FileUnreadable, ImportFailed, InvalidInput
from app.geo.crs import Crs, from_wgs84
from app.geo.hexgrid import cell_centres, cells_of
from app.ingest import population_raster
from app.ingest.population import PopulationKind, PopulationOptions, read_population
from tests.ingest.conftest import zone_of

RASTER = PopulationOptions(PopulationKind.RASTER)
STEP = 1 / 1200  # 3 arc-seconds, as WorldPop


def write_raster(
    path: Path, values: np.ndarray, *, crs: str | None = "EPSG:4326", west: float = 113.3, north: float = 23.2,
    step: float = STEP, nodata: float | None = None, **options: object,
) -> Path:  # fmt: skip
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype=values.dtype, crs=crs,
        transform=Affine(step, 0, west, 0, -step, north), nodata=nodata, **options,
    ) as raster:  # fmt: skip
        raster.write(values, 1)
    return path


def test_pixels_go_to_the_cell_of_their_centre(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    cells, people, report = read_population(write_raster(tmp_path / "a.tif", values), RASTER, None)
    expected: dict[int, float] = {}
    for row in range(3):
        for column in range(4):
            cell = int(cells_of(113.3 + (column + 0.5) * STEP, 23.2 - (row + 0.5) * STEP, 9)[0])
            expected[cell] = expected.get(cell, 0.0) + float(values[row, column])
    expected = {cell: number for cell, number in expected.items() if number > 0}
    assert dict(zip(cells.tolist(), people.tolist(), strict=True)) == pytest.approx(expected)
    assert report.figures["parts_per_pixel"] == 1 and report.figures["people_read"] == 66


def test_nodata_and_nan_are_skipped_and_negative_is_refused(tmp_path: Path) -> None:
    values = np.array([[1, -9999, 2], [np.nan, 3, 0]], dtype=np.float32)
    _, people, report = read_population(write_raster(tmp_path / "a.tif", values, nodata=-9999), RASTER, None)
    assert people.sum() == 6 and report.figures["pixels_without_data"] == 2
    with pytest.raises(ImportFailed) as caught:
        read_population(write_raster(tmp_path / "b.tif", values), RASTER, None)
    fault = caught.value.errors[0]
    assert "pixel (1, 0)" in fault.field and "113.30125" in fault.field and fault.value == "-9999.0"
    assert "nodata" in (fault.remedy_en or "")


def test_a_raster_without_crs_is_refused_until_it_is_named(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.ones((2, 2), dtype=np.float32), crs=None)
    with pytest.raises(InvalidInput) as caught:
        read_population(path, RASTER, None)
    assert caught.value.errors[0].field == "--crs"
    assert read_population(path, PopulationOptions(PopulationKind.RASTER, crs="wgs84"), None)[1].sum() == 4
    with pytest.raises(InvalidInput, match="Unknown"):
        read_population(path, PopulationOptions(PopulationKind.RASTER, crs="EPSG:99999999"), None)


def test_the_crs_option_is_obeyed(tmp_path: Path) -> None:
    lng, lat = (float(v) for v in from_wgs84(113.32, 23.11, Crs.GCJ02))
    tiny = 1e-6
    path = write_raster(tmp_path / "a.tif", np.full((1, 1), 5.0), west=lng - tiny / 2, north=lat + tiny / 2, step=tiny)
    cells, _, report = read_population(path, PopulationOptions(PopulationKind.RASTER, crs="gcj02"), None)
    assert cells.tolist() == cells_of(113.32, 23.11, 9).tolist()
    assert report.issues[0].field == "crs"  # the file says EPSG:4326: worth a look


def test_projected_rasters(tmp_path: Path) -> None:
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:4547", always_xy=True).transform(113.32, 23.11)
    values = np.ones((20, 20), dtype=np.int32)
    path = write_raster(tmp_path / "a.tif", values, crs="EPSG:4547", west=x, north=y, step=100.0)
    cells, people, report = read_population(path, RASTER, None)
    lng, lat = cell_centres(cells)
    assert people.sum() == 400 and report.figures["crs"] == "EPSG:4547"
    assert lng.min() > 113.315 and lng.max() < 113.345 and lat.min() > 23.085 and lat.max() < 23.115
    with pytest.raises(InvalidInput, match="not on the earth"):
        read_population(path, PopulationOptions(PopulationKind.RASTER, crs="wgs84"), None)


def test_large_pixels_are_divided(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.array([[1000.0]]), step=1 / 120)  # 30 arc-seconds, about 0.9 km
    cells, people, report = read_population(path, RASTER, None)
    assert int(report.figures["parts_per_pixel"]) >= 64
    assert len(cells) >= 7 and people.max() < 200 and people.sum() == pytest.approx(1000, rel=1e-12)


def test_strips_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).random((70, 50))
    for number, options in enumerate(({}, {"tiled": True, "blockxsize": 16, "blockysize": 16})):
        path = write_raster(tmp_path / f"{number}.tif", values, **options)
        whole = read_population(path, RASTER, None)
        with monkeypatch.context() as patch:
            patch.setattr(population_raster, "STRIP_PIXELS", 100)
            patch.setattr(population_raster, "POINTS_AT_ONCE", 7)
            parts = read_population(path, RASTER, None)
        assert whole[0].tolist() == parts[0].tolist()
        assert np.allclose(whole[1], parts[1], rtol=1e-12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.floats(0, 1e6)),
    step=st.sampled_from([STEP, 1 / 250, 1 / 120]),
    east=st.floats(113.3, 113.36),
)
def test_people_are_conserved(tmp_path: Path, values: np.ndarray, step: float, east: float) -> None:
    path = write_raster(tmp_path / "a.tif", values, step=step)
    zone = zone_of(shapely.box(113.0, 22.0, east, 24.0))
    try:
        _, people, report = read_population(path, RASTER, zone)
    except ImportFailed:
        inside = values[:, 113.3 + np.arange(values.shape[1]) * step < east]
        assert inside.sum() == 0 or values.sum() == 0 or east - 113.3 < step
        return
    read = float(report.figures["people_read"])
    assert read == pytest.approx(values.sum(), rel=1e-12)
    assert people.sum() + float(report.figures["people_outside"]) == pytest.approx(read, rel=1e-9)


def test_unusable_files(tmp_path: Path) -> None:
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "text.tif").write_bytes(b"not a raster")
    noise = np.random.default_rng(1).random((200, 200))
    whole = write_raster(tmp_path / "a.tif", noise, compress="deflate").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    for name in ("empty.tif", "text.tif", "cut.tif", "none.tif"):
        with pytest.raises(FileUnreadable):
            read_population(tmp_path / name, RASTER, None)
    shape = {"driver": "GTiff", "height": 1, "width": 1, "count": 1, "dtype": "float32"}
    with pytest.warns(NotGeoreferencedWarning), rasterio.open(tmp_path / "nowhere.tif", "w", **shape) as raster:
        raster.write(np.ones((1, 1, 1), dtype=np.float32))
    with pytest.raises(FileUnreadable, match="no position"):
        read_population(tmp_path / "nowhere.tif", PopulationOptions(PopulationKind.RASTER, crs="wgs84"), None)


def test_resolutions(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.ones((4, 4)))
    for resolution in (7, 10):
        options = PopulationOptions(PopulationKind.RASTER, resolution=resolution)
        cells, people, _ = read_population(path, options, None)
        assert set((cells >> 52 & 0xF).tolist()) == {resolution} and people.sum() == pytest.approx(16)
    with pytest.raises(InvalidInput, match="resolution"):
        read_population(path, PopulationOptions(PopulationKind.RASTER, resolution=14), None)
