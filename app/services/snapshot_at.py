"""The snapshot of another moment: what was so on a day, as was known then.

Streets, people and boundaries are those of now: they are not kept in time (see ADR 7), and ``imported_since`` says
which of them came later. Stations are read from their history. Where their facts are those of now, the snapshot of now
is the answer, with its run ids; else rows of reach tables are carried over for all stations at the same place, and only
those that stood elsewhere are searched for.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import replace
from datetime import date, datetime
from threading import Lock

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.geo.network import limit_mm
from app.models.vocabularies import DatasetKind
from app.repositories import datasets as dataset_repo
from app.repositories.stations import Moment, StationFilter, list_serving, list_stations
from app.services.hours_at import HoursTable
from app.services.profiles import PROFILES
from app.services.reach_part import ReachQuestion, reach_of_places
from app.services.snapshot import CITY_LAYERS, Snapshot, assemble
from app.services.station_part import DatasetInfo, dataset_info, inputs_of, placed
from app.services.station_table import StationInfo, StationTable, stations_of, today

KEPT = 4  # snapshots of other moments, each with reach tables of its own

_made: OrderedDict[tuple[str, str], Snapshot] = OrderedDict()
_lock = Lock()


def snapshot_at(engine: Engine, held: Snapshot, day: date, known_at: datetime | None) -> Snapshot:
    """``held`` where it tells what was so on ``day`` as was known at ``known_at``; else one that does.

    ``known_at`` was checked and waited for (see ``app.services.moments``).
    """
    if known_at is None and held.stations.holds_on(min(day, today())):
        return held
    with Session(engine) as session:
        moment = Moment(min(day, today()), known_at)
        rows, serving = list_stations(session, StationFilter(), at=moment), list_serving(session, moment)
        datasets = dataset_repo.list_datasets(session, current_only=False)
    stations = stations_of(rows, {d.id: d.synthetic for d in datasets}, serving)
    told = [station.to_json() for station in stations]
    if told == [station.to_json() for station in held.stations.table.stations]:
        return held
    used = {row.dataset_id for row in rows}  # stations of then may be generated where those of now are not
    sources = [d for d in held.stations.datasets if d.kind != DatasetKind.STATIONS]
    sources += [dataset_info(d) for d in datasets if d.id in used]
    # the datasets too: they stand in answers, and answers are tagged by the version that comes of this name
    name = hashlib.sha256(json.dumps([told, [vars(d) for d in sources]]).encode()).hexdigest()[:20]
    with _lock:
        found = _made.get((held.version, name))
        if found is not None:
            _made.move_to_end((held.version, name))
            return found
    made = _snapshot_of(held, stations, tuple(sources), name)
    with _lock:
        _made[held.version, name] = made
        while len(_made) > KEPT:
            _made.popitem(last=False)
    return made


def imported_since(snapshot: Snapshot, known_at: datetime | None) -> list[str]:
    """The layers besides stations (boundaries, network, population) that were imported after a moment."""
    if known_at is None:
        return []
    datasets = [d for d in snapshot.stations.datasets if d.kind in CITY_LAYERS]
    return sorted({d.kind for d in datasets if datetime.fromisoformat(d.imported_at) > known_at})


def _snapshot_of(
    held: Snapshot, stations: list[StationInfo], datasets: tuple[DatasetInfo, ...], name: str
) -> Snapshot:  # fmt: skip
    city, searchers = held.city, (held.searcher, held.searcher_step_free)
    places = placed(city, held.method, stations)
    limit = limit_mm(held.method.reach_limit_minutes, max(p.speed_kmh for p in PROFILES.values()))
    question = ReachQuestion(city.inputs["network"], limit, searchers, places)
    part = replace(
        held.stations,
        key=f"at-{name}",
        table=StationTable(stations, city.areas),
        places=places[0],
        places_step_free=places[1],
        reach_part=reach_of_places(question, held.stations.reach_part),
        datasets=datasets,
        inputs=inputs_of(stations),
    )
    served = held.offer.bound_to(part.table, part.key), HoursTable(stations, held.hours.calendar)
    return assemble(city, part, held.method, searchers, held.keys, served=served)
