"""Where stations could go: crossings of streets with the most uncovered people around, or the places that are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.errors import ErrorItem, InvalidInput, NotWalkable
from app.geo.arrays import FloatArray, Int32Array, IntArray
from app.geo.catchment import people_in_catchments
from app.geo.coverage import shares
from app.geo.network import NO_NAME
from app.geo.siting_demand import Demand
from app.geo.siting_places import best_of_each_square, crossings, people_by_square, places_at_nodes, spaced
from app.geo.snapping import Places, snap
from app.geo.whatif import PieceIndex
from app.services.coverage import CoverageQuery, field_within, on_edge
from app.services.siting_question import GivenCandidate, SitingQuestion
from app.services.snapshot import Snapshot

GENERATED = "node-"  # ids of generated candidates: the crossing's id in the street data follows
SQUARE_M = 300.0
TOLD = 20  # faults of candidates that are listed


@dataclass(frozen=True)
class Candidates:
    """Candidate places: ids, names, WGS84 positions, where they are attached, and the leaf area (-1 outside all)."""

    ids: list[str]
    names: list[str | None]
    lng: FloatArray
    lat: FloatArray
    places: Places
    leaf: IntArray

    def __len__(self) -> int:
        return len(self.ids)

    def numbers_of(self, ids: Sequence[str], field: str) -> IntArray:
        """Which candidates these are. Raises InvalidInput, naming ``field``, for ids that none has."""
        at = {one: k for k, one in enumerate(self.ids)}
        unknown = [one for one in ids if one not in at]
        if unknown:
            items = [
                ErrorItem(
                    field, "没有这个候选地点", "no candidate has this id", value=one,
                    remedy_zh="用 candidates 中的 id,或上一次回答中候选地点的 id(条件须相同)",
                    remedy_en="use an id of candidates, or one of an earlier answer to the same conditions",
                )
                for one in unknown[:TOLD]
            ]  # fmt: skip
            raise InvalidInput(f"{field} 中有未知的候选地点。", f"{field} names unknown candidates.", errors=items)
        return np.array(sorted({at[one] for one in ids}), dtype=np.int64)


def candidates_of(
    snapshot: Snapshot, question: SitingQuestion, demand: Demand, district_of_leaf: Int32Array
) -> Candidates:
    """The candidates that are given, or generated. Raises NotWalkable, NotFound, InvalidInput."""
    if question.candidates is not None:
        return _given(snapshot, question.candidates, question.coverage)
    return _generated(snapshot, question, demand, district_of_leaf)


def _given(snapshot: Snapshot, given: Sequence[GivenCandidate], query: CoverageQuery) -> Candidates:
    lng, lat = (np.array([getattr(c.position, name) for c in given]) for name in ("lng", "lat"))
    usable = snapshot.network.adjacency(step_free=query.profile.step_free).usable
    places = snap(snapshot.network, snapshot.city.grid, usable, lng, lat, snapshot.method.snap_limit_m)
    astray = np.flatnonzero(places.edge < 0)
    if len(astray):
        limit = snapshot.method.snap_limit_m
        items = [
            ErrorItem(
                f"candidates[{k}]", "附近没有可步行的道路(水面、路网之外,或坐标系写错)",
                "no walkable street nearby: water, beyond the streets, or another crs",
                value=f"{given[k].id} ({given[k].position.given_lng:g}, {given[k].position.given_lat:g})",
                remedy_zh=f"移到离道路 {limit:g} 米以内,核对 crs,或去掉此候选地点",
                remedy_en=f"move it to within {limit:g} m of a street, check crs, or leave it out",
            )
            for k in astray[:TOLD].tolist()
        ]  # fmt: skip
        raise NotWalkable(
            f"{len(astray)} 个候选地点附近 {limit:g} 米内没有可步行的道路。",
            f"No walkable street lies within {limit:g} m of {len(astray)} of the candidates.",
            errors=items,
        )
    leaf = snapshot.areas.leaf_of_points(lng, lat)
    return Candidates([c.id for c in given], [c.name for c in given], lng, lat, places, leaf)


def _generated(
    snapshot: Snapshot, question: SitingQuestion, demand: Demand, district_of_leaf: Int32Array
) -> Candidates:
    """Of the crossings in each square of SQUARE_M the one with most uncovered people around; of those the ones with
    most uncovered people within the walk, in every district some, none within ``candidate_spacing_m`` of a better one.
    """
    network, query = snapshot.network, question.coverage
    step_free = query.profile.step_free
    column, row, around = people_by_square(network, demand, SQUARE_M)
    nodes = crossings(network, step_free=step_free)
    nodes = best_of_each_square(nodes[around[nodes] > 0], column, row, around)
    leaf = snapshot.areas.leaf_of_points(network.node_lng[nodes], network.node_lat[nodes])
    allowed = leaf >= 0
    if question.within is not None:
        allowed = np.isin(leaf, snapshot.areas.leaves_of(question.within, "within"))
    nodes, leaf = nodes[allowed], leaf[allowed]
    places = places_at_nodes(network, nodes, step_free=step_free)
    people = _uncovered_around(snapshot, question, places)
    chosen = spaced(
        places.lng, places.lat, people, district_of_leaf[leaf].astype(np.int64), question.candidate_spacing_m,
        question.most_candidates,
    )  # fmt: skip
    taken = places.take(chosen)
    ids = [f"{GENERATED}{node}" for node in network.node_id[nodes[chosen]].tolist()]
    return Candidates(ids, _street_names(snapshot, taken), taken.lng, taken.lat, taken, leaf[chosen])


def _uncovered_around(snapshot: Snapshot, question: SitingQuestion, places: Places) -> FloatArray:
    """People within the walk of each place whom no open station covers; each place is looked at alone."""
    network, frontage, query = snapshot.network, snapshot.frontage, question.coverage
    searcher, _, _ = snapshot.variant(step_free=query.profile.step_free)
    index = snapshot.cached(
        "piece index", lambda: PieceIndex.of(frontage, network.edge_count, len(snapshot.areas.leaf_codes))
    )
    share = shares(
        frontage, network.edge_u, network.edge_v, network.edge_mm,
        field_within(snapshot, query, query.limit_mm).length_mm, on_edge(snapshot, query), query.limit_mm,
    )  # fmt: skip
    return people_in_catchments(
        searcher, frontage, index.edge_ptr, frontage.people * (1.0 - share), places, query.limit_mm
    )


def _street_names(snapshot: Snapshot, places: Places) -> list[str | None]:
    network = snapshot.network
    return [None if name == NO_NAME else network.names[name] for name in network.edge_name[places.edge].tolist()]
