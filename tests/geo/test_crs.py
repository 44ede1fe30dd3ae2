from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.geo.arrays import BoolArray, FloatArray
from app.geo.crs import GCJ_BOX, Crs, from_wgs84, point_from_wgs84, point_to_wgs84, suspect_crs, to_wgs84
from app.geo.geodesy import distances_m

# WGS84 -> GCJ-02 -> BD-09 by the npm package gcoord, version 1.0.7 (transform), an implementation of its own
REFERENCE = [
    ((113.264385, 23.129112), (113.26971458288735, 23.126435336538538), (113.27613576798366, 23.132723116471208)),
    ((113.3245, 23.1065), (113.32992121011459, 23.103898164985566), (113.3364771197776, 23.109603619170223)),
    ((113.5533, 22.7713), (113.55841594294597, 22.7683353511865), (113.56492554199785, 22.774186124654186)),
    ((113.8292, 23.5481), (113.83427576747214, 23.545418081449924), (113.84084659675625, 23.55117155613949)),
    ((116.404, 39.915), (116.41024449916938, 39.91640428150164), (116.41662724378733, 39.922699552216216)),
    ((121.4737, 31.2304), (121.47822305927693, 31.22845773757727), (121.484781468503, 31.234310593689997)),
    ((87.6168, 43.8256), (87.61964994946926, 43.82680539311119), (87.62609977081571, 43.83294979479329)),
    ((104.9999, 30.5), (105.00293077188987, 30.497370203125907), (105.0093555120125, 30.503685912538163)),
]
MOVED = [Crs.GCJ02, Crs.BD09]

in_china = st.tuples(st.floats(GCJ_BOX[0], GCJ_BOX[2]), st.floats(GCJ_BOX[1], GCJ_BOX[3]))


@pytest.mark.parametrize(("wgs84", "gcj02", "bd09"), REFERENCE)
def test_reference_values(wgs84: tuple[float, float], gcj02: tuple[float, float], bd09: tuple[float, float]) -> None:
    assert np.allclose(from_wgs84(*wgs84, Crs.GCJ02), gcj02, rtol=0, atol=1e-12)
    assert np.allclose(from_wgs84(*wgs84, Crs.BD09), bd09, rtol=0, atol=1e-12)
    assert np.allclose(to_wgs84(*gcj02, Crs.GCJ02), wgs84, rtol=0, atol=1e-11)
    assert np.allclose(to_wgs84(*bd09, Crs.BD09), wgs84, rtol=0, atol=1e-11)


@pytest.mark.parametrize("crs", MOVED)
@given(point=in_china)
@example(point=(GCJ_BOX[0], GCJ_BOX[1]))
@example(point=(GCJ_BOX[2], GCJ_BOX[3]))
@example(point=(105.0, 35.0))
def test_round_trip_to_a_billionth_of_a_degree(point: tuple[float, float], crs: Crs) -> None:
    back = to_wgs84(*from_wgs84(*point, crs), crs)
    assert np.abs(np.array(back) - np.array(point)).max() < 1e-9


@pytest.mark.parametrize("crs", MOVED)
@given(point=st.tuples(st.floats(112.9, 114.1), st.floats(22.4, 24.0)))
def test_round_trip_the_other_way(point: tuple[float, float], crs: Crs) -> None:
    there = from_wgs84(*to_wgs84(*point, crs), crs)
    assert np.abs(np.array(there) - np.array(point)).max() < 1e-9


@pytest.mark.parametrize("crs", list(Crs))
@given(point=st.tuples(st.floats(-180, 180), st.floats(-90, 90)))
@example(point=(GCJ_BOX[0], GCJ_BOX[1]))
@example(point=(GCJ_BOX[0] + 0.003, GCJ_BOX[1] + 0.001))  # within a shift of the box's edge
@example(point=(113.264385, 23.129112))
@settings(deadline=None)  # the first one compiles
def test_one_point_is_moved_as_many_are(point: tuple[float, float], crs: Crs) -> None:
    for one, many in ((point_to_wgs84, to_wgs84), (point_from_wgs84, from_wgs84)):
        moved = one(*point, crs)
        assert all(type(value) is float for value in moved)
        assert np.allclose(moved, many(*point, crs), rtol=0, atol=1e-12)


def test_the_shift_in_guangzhou_is_590_to_640_m() -> None:
    lng, lat = np.meshgrid(np.linspace(113.1, 113.6, 60), np.linspace(22.9, 23.4, 60))
    shift = distances_m(lng, lat, *from_wgs84(lng, lat, Crs.GCJ02))
    assert shift.min() > 585 and shift.max() < 645
    assert 590 < np.median(shift) < 640


def test_arrays_give_what_numbers_give() -> None:
    rng = np.random.default_rng(7)
    lng, lat = rng.uniform(60, 145, (20, 30)), rng.uniform(-5, 60, (20, 30))
    for crs in Crs:
        for convert in (to_wgs84, from_wgs84):
            x, y = convert(lng, lat, crs)
            assert x.shape == y.shape == lng.shape and x.dtype == np.float64
            one = [convert(a, b, crs) for a, b in zip(lng.ravel().tolist(), lat.ravel().tolist(), strict=True)]
            assert np.allclose(x.ravel(), [float(a) for a, _ in one], rtol=0, atol=1e-13)
            assert np.allclose(y.ravel(), [float(b) for _, b in one], rtol=0, atol=1e-13)


def test_the_input_is_left_alone() -> None:
    lng, lat = np.array([113.3]), np.array([23.1])
    for crs in Crs:
        x, _ = to_wgs84(lng, lat, crs)
        x += 1.0
        assert lng[0] == 113.3 and lat[0] == 23.1


@pytest.mark.parametrize("point", [(139.6917, 35.6895), (-51.2, -30.0), (71.9, 40.0), (100.0, 0.5), (100.0, 56.0)])
def test_outside_of_the_box_gcj02_is_wgs84(point: tuple[float, float]) -> None:
    assert np.array(from_wgs84(*point, Crs.GCJ02)).tolist() == list(point)
    assert np.array(to_wgs84(*point, Crs.GCJ02)).tolist() == list(point)
    assert np.allclose(to_wgs84(*from_wgs84(*point, Crs.BD09), Crs.BD09), point, rtol=0, atol=1e-9)


def test_cgcs2000_is_wgs84() -> None:
    assert to_wgs84(113.3, 23.1, Crs.CGCS2000) == (113.3, 23.1)
    assert from_wgs84(113.3, 23.1, Crs.CGCS2000) == (113.3, 23.1)


def test_nan_stays_nan() -> None:
    for crs in Crs:
        lng, lat = to_wgs84([np.nan, 113.3], [23.1, 23.1], crs)
        assert np.isnan(lng[0]) and np.isfinite([lng[1], lat[1]]).all()


def test_titles_in_both_languages() -> None:
    assert {crs.value for crs in Crs} == {"wgs84", "gcj02", "bd09", "cgcs2000"}
    assert all(crs.title_zh and crs.title_en for crs in Crs)


def small_square(lng: FloatArray, lat: FloatArray) -> BoolArray:
    """100 m around Guangzhou's Haixinsha."""
    return np.asarray((np.abs(lng - 113.3193) < 0.0005) & (np.abs(lat - 23.1130) < 0.0005))


@pytest.mark.parametrize("crs", MOVED)
def test_a_shifted_position_is_recognised(crs: Crs) -> None:
    lng, lat = from_wgs84(np.array([113.3193, 113.3195]), np.array([23.1130, 23.1132]), crs)
    assert suspect_crs(lng, lat, small_square) is crs
    assert suspect_crs(float(lng[0]), float(lat[0]), small_square) is crs
    # a position that is right as it stands does not speak against the others
    assert suspect_crs([113.3193, *lng], [23.1130, *lat], small_square) is crs


def test_nothing_is_suspected_without_evidence() -> None:
    assert suspect_crs(113.3193, 23.1130, small_square) is None  # inside as given
    assert suspect_crs(113.5, 23.1130, small_square) is None  # outside in every system
    shifted = from_wgs84(113.3193, 23.1130, Crs.GCJ02)
    assert suspect_crs([shifted[0], 113.5], [shifted[1], 23.1], small_square) is None  # not all of them
