"""Far tables are filed once and shared: whoever comes later does not search."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.geo.search import Searcher
from app.services.far_tables import KIND, FarTables
from app.services.pack_store import PackStore
from tests.support.streets import places_on, random_network


def test_a_second_worker_takes_what_the_first_has_filed(tmp_path: Path) -> None:
    network = random_network(4, 200, 340)
    searcher = Searcher.of(network, step_free=False)
    usable = np.flatnonzero(network.adjacency(step_free=False).usable)
    places = places_on(network, usable[[2, 7, 11]], [0, 500, 0], [0, 10, 20])
    store = PackStore(tmp_path)
    store.folder.mkdir(exist_ok=True)
    first, second = FarTables(store, "streets"), FarTables(store, "streets")
    first.build(network, searcher, places, step_free=False)
    made = first.of(places, step_free=False)
    searcher.field_of = None  # type: ignore[method-assign, assignment]
    second.build(network, searcher, places, step_free=False)
    found = second.of(places, step_free=False)
    assert made is not None and found is not None and np.array_equal(made.mm, found.mm)
    assert len(list(tmp_path.glob(f"{KIND}-*"))) == 1


def test_what_is_broken_is_made_anew(tmp_path: Path) -> None:
    network = random_network(4, 200, 340)
    searcher = Searcher.of(network, step_free=False)
    usable = np.flatnonzero(network.adjacency(step_free=False).usable)
    places = places_on(network, usable[[2, 7]], [0, 500], [0, 10])
    tables = FarTables(PackStore(tmp_path), "streets")
    tables.build(network, searcher, places, step_free=False)
    made = tables.of(places, step_free=False)
    assert made is not None
    lengths = made.mm.copy()
    (folder,) = tmp_path.glob(f"{KIND}-*")
    (folder / "far.mm.npy").write_bytes(b"nonsense")
    again = FarTables(PackStore(tmp_path), "streets")
    again.build(network, searcher, places, step_free=False)
    found = again.of(places, step_free=False)
    assert found is not None and np.array_equal(found.mm, lengths)
