"""What ``skillsmap bench --real`` finds on two real cities, and that docs/method.md says the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.settings import PROJECT_ROOT
from benchmarks.real import pandana_peer
from benchmarks.real.tables import as_text

NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "app.cli", "bench", "--real", *arguments]
    return subprocess.run(line, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def found(shared_data: Path) -> dict[str, Any]:
    done = command(str(shared_data), "--json")
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.fixture
def pandana(found: dict[str, Any]) -> dict[str, Any]:
    if not pandana_peer.installed():
        pytest.skip(pandana_peer.MISSING)
    agreement: dict[str, Any] = found["pandana"]
    return agreement


@pytest.mark.parametrize("city", ["helsinki", "porto_alegre"])
def test_every_length_is_scipys(found: dict[str, Any], city: str) -> None:
    scipy = found["scipy"][city]
    assert scipy["largest_difference_mm"] == 0
    # each origin alone and all together, with steps and without
    assert scipy["lengths_compared"] >= 2 * scipy["origins"] * scipy["nodes"] > 100_000


def test_rounding_stays_within_half_a_millimetre_an_edge(found: dict[str, Any]) -> None:
    rounding = found["rounding"]
    assert rounding["edges_below_half_a_mm"] == 0 and rounding["most_edges"] > 50 and rounding["ways"] > 10_000
    assert 0 < rounding["of_shortest_mm"] <= rounding["bound_mm"] == rounding["most_edges"] / 2
    assert 0 < rounding["along_ways_mm"] <= rounding["bound_mm"]
    # nothing drifts: a bias of a tenth of a millimetre an edge would show
    assert rounding["along_ways_mm"] < 0.2 * rounding["most_edges"]


@pytest.mark.parametrize("results", ["not_snapped", "snapped"])
def test_times_agree_with_r5(found: dict[str, Any], results: str) -> None:
    agreement = found["helsinki_r5"][results]
    assert agreement["pairs"] > 300
    assert agreement["correlation"] > 0.99
    assert agreement["mean_absolute_error"] < 1.0


def test_walks_agree_with_the_plain_graph(found: dict[str, Any]) -> None:
    """The same street corners; other rules and another reading of the file, so some few ways differ."""
    lengths = found["plain_lengths"]
    assert lengths["walks"] > 50_000
    assert lengths["median_m"] == 0.0 and lengths["within_1_m"] > 0.9 and lengths["p99_absolute_m"] < 100


def test_pandana_has_the_same_lengths_and_people(found: dict[str, Any], pandana: dict[str, Any]) -> None:
    assert pandana["lengths_compared"] > 200_000
    assert pandana["unequal_rounded"] == pandana["unequal_reach"] == pandana["unequal_homes"] == 0
    assert 0 <= pandana["cut_off_hour_mm"] <= found["rounding"]["most_edges"], "a millimetre an edge at most"
    for name, people in pandana["covered"].items():
        assert people == pytest.approx(found["coverage"][name]["at_nodes"], rel=1e-4), name
    assert pandana["people_around"] < 1e-6


def tables(text: str) -> dict[str, list[list[str]]]:
    """Tables of a Markdown page by their first line: the cells of the rows that follow."""
    found: dict[str, list[list[str]]] = {}
    head = ""
    for line in text.splitlines():
        if not line.startswith("|"):
            head = ""
        elif not head:
            head = line
            found[head] = []
        elif not line.startswith("|---"):
            found[head].append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def test_the_method_says_what_the_command_finds(found: dict[str, Any]) -> None:
    page = tables((PROJECT_ROOT / "docs" / "method.md").read_text(encoding="utf-8"))
    printed = tables(as_text(found))
    assert len(printed) >= 5
    for head, rows in printed.items():
        assert head in page, f"docs/method.md has no table {head}"
        assert len(page[head]) == len(rows)
        for said, true in zip(page[head], rows, strict=True):
            for a, b in zip(said, true, strict=True):
                if b == "-":  # pandana is not installed
                    continue
                assert NUMBER.sub("#", a) == NUMBER.sub("#", b)
                values = ([float(n.replace(",", "")) for n in NUMBER.findall(cell)] for cell in (a, b))
                # another release of PROJ or scipy may turn a last digit
                assert next(values) == pytest.approx(next(values), rel=2e-3, abs=0.011), (said, true)


def test_a_folder_without_the_bundles_is_refused(tmp_path: Path) -> None:
    done = command(str(tmp_path))
    assert done.returncode == 1 and done.stdout == ""
    assert "Helsinki.osm.pbf" in done.stderr and "Traceback" not in done.stderr
