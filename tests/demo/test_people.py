"""Town figures, and the fit of cells to them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from app.demo import facts
from app.demo.people import CellFrontage, FitFailed, fit
from app.demo.settlement import town_people
from app.demo.towns import partition

CELLS = CellFrontage(
    np.arange(4, dtype=np.int64), csr_matrix(np.array([[100.0, 0.0], [60.0, 40.0], [10.0, 90.0], [0.0, 50.0]]))
)


def test_every_district_gets_its_2023_total_and_known_towns_keep_their_share() -> None:
    people, known = town_people(partition())
    assert known.sum() == 29 and (people > 0).all()
    code = np.array([t.district_code for t in facts.towns()])
    for district in facts.districts()[:-1]:
        assert people[code == district.code].sum() == pytest.approx(district.yearend2023_resident, rel=1e-12)
    town = {t.name: p for t, p in zip(facts.towns(), people.tolist(), strict=True)}
    assert town["昌岗街道"] == pytest.approx(92_079 / 1_819_037 * 1_768_300)
    assert town["棠下街道"] / town["石牌街道"] == pytest.approx(264_800 / 177_800)


def test_fitted_cells_give_every_town_its_figure_across_borders() -> None:
    people = fit(np.array([5.0, 1.0, 7.0, 2.0]), CELLS, np.array([1_000.0, 300.0]), ["a", "b"])
    assert (people >= 0).all()
    share = CELLS.metres.toarray() / CELLS.metres.toarray().sum(axis=1, keepdims=True)
    np.testing.assert_allclose(share.T @ people, [1_000.0, 300.0], rtol=1e-9)


def test_figures_that_no_cells_can_meet_are_refused_by_name() -> None:
    only_shared = CellFrontage(CELLS.cells[:1], csr_matrix(np.array([[50.0, 50.0]])))
    with pytest.raises(FitFailed, match=r"people of \w"):
        fit(np.array([1.0]), only_shared, np.array([900.0, 100.0]), ["east", "west"])
