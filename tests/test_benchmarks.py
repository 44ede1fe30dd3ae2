"""What the benchmarks measure on and how they tell it; that they are fast is for them to say."""

from __future__ import annotations

import numpy as np
import pytest

from app.cli.bench import as_text
from app.services.packing import content_hash
from benchmarks import scaling, seeded
from benchmarks.engine import Bench
from benchmarks.timing import in_turn, versus, within

NODES = 12_000


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(seeded.city(NODES))


def test_the_same_seed_gives_the_same_city(bench: Bench) -> None:
    again, other = seeded.city(NODES), seeded.city(NODES, seed=1)
    for name in ("network", "frontage", "stations", "candidates"):
        assert content_hash(getattr(again, name)) == content_hash(getattr(bench.city, name))
    assert content_hash(other.network) != content_hash(bench.city.network)


def test_the_city_is_what_it_says(bench: Bench) -> None:
    said = bench.describe()
    assert said["nodes"] == pytest.approx(NODES, rel=0.05)
    assert said["directed_edges"] / said["nodes"] == pytest.approx(2.7, abs=0.06)
    assert 60 < said["mean_edge_m"] < 66
    assert said["areas"] == 176 + 11 + 1
    frontage = bench.city.frontage
    assert frontage.people.sum() + frontage.cell_off_network.sum() == pytest.approx(frontage.cell_people.sum())
    towns, districts, city = bench.city.area_of_leaf
    assert len(set(towns)) == 176 and len(set(districts)) == 11 and len(set(city)) == 1
    assert len({*towns, *districts, *city}) == said["areas"]


def test_districts_and_the_city_are_sums_of_towns(bench: Bench) -> None:
    by_town = bench.coverage_of(bench.all_open).by_area
    areas = bench._all_areas(by_town)
    assert np.array_equal(areas[:176], by_town)
    assert areas[176:187].sum() == pytest.approx(by_town.sum())
    assert 0 < areas[187] == pytest.approx(by_town.sum())


def test_every_figure_has_a_time_and_says_whether_it_is_kept(bench: Bench) -> None:
    figures = {**bench.coverage(), **bench.one_reach()}
    assert all(figure["median_ms"] > 0 and isinstance(figure["kept"], bool) for figure in figures.values())
    text = as_text({"engine": figures, "measured_on": {"nodes": 1}})
    assert all(name in text for name in figures)
    assert 'measured_on: {"nodes": 1}' in text


def test_promises_are_kept_or_not() -> None:
    ours, peer = {"median_ms": 2.0}, {"median_ms": 9.0}
    assert within(ours, 2.0)["kept"] and not within(ours, 1.9)["kept"]
    assert versus(ours, peer, "p", at_least=4.5)["kept"] and not versus(ours, peer, "p", at_least=4.6)["kept"]
    assert versus(ours, peer, "p", at_most=0.3)["kept"] and not versus(ours, peer, "p", at_most=0.2)["kept"]
    assert not versus(ours, peer, "p", 1.0, at_least=1.0)["kept"], "both have to be"
    assert versus(ours, peer, "p")["peer_takes_times_as_long"] == 4.5


def test_actions_are_run_in_turn() -> None:
    ran: list[str] = []
    taken = in_turn({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, runs=3)
    assert ran == list("ab" * 4)
    assert taken["a"]["runs"] == 3


def test_growth_is_the_exponent() -> None:
    rows = [
        {
            "nodes": n, "reach_entries": 5 * n, "field_15_min_ms": n**0.5, "coverage_ms": 3.0 * n,
            "reach_table_60_min_ms": float(n), "arrays_mib": 7.0 * n,
        }
        for n in (100, 300, 900)
    ]  # fmt: skip
    said = scaling.growth(rows)
    assert said["exponents"]["field_15_min_ms"] == 0.5 and said["exponents"]["coverage_ms"] == 1.0
    assert said["kept"]
    for row in rows:
        row["arrays_mib"] = float(row["nodes"]) ** 1.5
    assert not scaling.growth(rows)["kept"]
