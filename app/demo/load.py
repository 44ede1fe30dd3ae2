"""Loading the demonstration city: one transaction through app.services.loading, and only into an empty database."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.engine import session_scope
from app.demo.city import DemoCity, Tell, fingerprints, generate
from app.demo.quality import load_quality
from app.demo.records import organisations_of
from app.demo.reports import load_reports
from app.demo.scenarios import load_scenarios
from app.demo.spec import CitySpec
from app.demo.targets import load_targets
from app.demo.training import load_training
from app.models.vocabularies import DatasetKind
from app.repositories.datasets import list_datasets
from app.repositories.organisations import pair_with_contractors
from app.repositories.station_records import ensure_organisations
from app.services.acting import act_as
from app.services.actors import of_system
from app.services.loading import (
    DatasetFacts,
    LoadResult,
    load_boundaries,
    load_network,
    load_population,
    load_stations,
)

SOURCE = "skillsmap demonstration city (app/demo); facts: data/SOURCES.md"
STEPS = 10  # of generate (4) and of loading (5), and the commit

NOTES = {
    DatasetKind.BOUNDARIES: (
        "区名、镇街名称与代码为真实数据;区界取自地图服务商的简化轮廓,镇街界线是按镇街中心点划分的近似界线,均非法定勘界。\n"
        "Names and codes of districts and towns are real. District outlines are a map provider's simplified lines; "
        "town outlines are an approximation around town centres. None is a surveyed boundary."
    ),
    DatasetKind.NETWORK: (
        "路网由程序生成,不是广州的真实道路;珠江等主要水道与桥位按大致位置手绘,街道名称均为示范名称。\n"
        "Generated streets, not the streets of Guangzhou. The main rivers and the places of bridges are drawn by hand "
        "where they roughly are; street names are invented."
    ),
    DatasetKind.POPULATION: (
        "各区常住人口总数(2023 年末)与 29 个镇街的比例(2020 年普查)为公布数据;其余镇街人口为估算,区内分布由程序生成。\n"
        "District totals (residents, year-end 2023) and the shares of 29 towns (2020 census) are published figures; "
        "the other towns are estimated and the distribution inside towns is generated."
    ),
    DatasetKind.STATIONS: (
        "全部站点均为虚构的示范站点,名称、地址、日期与位置都不是真实的羊城技能加油站。\n"
        "All stations are invented: no name, address, date or place is that of a real station."
    ),
}
NAMES = {
    DatasetKind.BOUNDARIES: "演示城市:行政区划(近似)Demonstration city: areas (approximate)",
    DatasetKind.NETWORK: "演示城市:步行路网(合成)Demonstration city: walking network (synthetic)",
    DatasetKind.POPULATION: "演示城市:人口(合成)Demonstration city: population (synthetic)",
    DatasetKind.STATIONS: "演示城市:站点(合成)Demonstration city: stations (synthetic)",
}
VINTAGES = {
    DatasetKind.BOUNDARIES: "2023-06-30 (names and codes)",
    DatasetKind.NETWORK: "generated",
    DatasetKind.POPULATION: "2023-12-31 (district totals)",
    DatasetKind.STATIONS: "generated",
}


def dataset_facts(city: DemoCity, kind: DatasetKind, sha256: str) -> DatasetFacts:
    """The dataset row of one layer. Areas are approximate (their boundary_kind says so); all else is synthetic."""
    return DatasetFacts(
        kind=kind,
        level=None,
        name=NAMES[kind],
        source=SOURCE,
        licence="MIT; facts as listed in data/SOURCES.md",
        vintage=VINTAGES[kind],
        sha256=sha256,
        synthetic=kind is not DatasetKind.BOUNDARIES,
        notes=NOTES[kind],
        parameters=dict(city.spec.parameters()),
    )


def load_city(session: Session, city: DemoCity, tell: Tell = lambda text: None) -> dict[str, LoadResult]:
    """Write all four layers inside the caller's transaction; the same city again changes nothing."""
    act_as(session, of_system("demo"), reason="演示城市 demonstration city")
    digest = fingerprints(city)

    def of(kind: DatasetKind) -> DatasetFacts:
        return dataset_facts(city, kind, digest[kind])

    reports: dict[str, dict[str, Any]] = {
        "boundaries": {"areas": len(city.areas)},
        "network": {
            "nodes": len(city.rows.node_id),
            "edges": len(city.rows.edge_id),
            "named_bridges_left_out": list(city.bridges_left_out),
        },
        "population": {
            "cells": len(city.cells),
            "people": float(city.people.sum()),
            "towns_from_published_figures": int(city.town_people_known.sum()),
        },
        "stations": {"stations": len(city.stations)},
    }
    results = {}
    tell("写入区划 loading areas")
    results["boundaries"] = load_boundaries(session, of(DatasetKind.BOUNDARIES), city.areas, reports["boundaries"])
    tell("写入路网 loading streets")
    results["network"] = load_network(session, of(DatasetKind.NETWORK), city.rows, reports["network"])
    tell("写入人口 loading population")
    results["population"] = load_population(
        session, of(DatasetKind.POPULATION), city.cells, city.people, reports["population"]
    )
    tell("写入站点 loading stations")
    results["stations"] = load_stations(session, of(DatasetKind.STATIONS), city.stations, reports["stations"])
    ensure_organisations(session, {name for station in city.stations for name in organisations_of(station)})
    load_targets(session)
    if results["stations"].changed:
        tell("写入台账 loading the ledger")
        pair_with_contractors(session, "示范结对协议")
        load_training(session, city.spec, city.stations)
        load_reports(session, city.spec)
        load_quality(session, city.spec, city.stations)
        load_scenarios(session, city)
    return results


def load_demo(engine: Engine, spec: CitySpec, tell: Tell = lambda text: None) -> dict[str, LoadResult]:
    """Generate and write, in one transaction: interrupted at any point, nothing is kept."""
    city = generate(spec, tell)
    with session_scope(engine) as session:
        results = load_city(session, city, tell)
        tell("提交 committing")
    return results


def anything_loaded(engine: Engine) -> bool:
    """Is there any current dataset, of whatever kind and origin?"""
    with session_scope(engine) as session:
        return len(list_datasets(session)) > 0


def load_demo_if_missing(engine: Engine, console: Console | None, spec: CitySpec) -> bool:
    """Load the demonstration city into an empty database; True if it was loaded now.

    A database that holds any dataset is left alone: a user's own city is never overwritten or mixed with this one.
    Progress goes to ``console`` (stderr by default).
    """
    if anything_loaded(engine):
        return False
    console = console or Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("演示城市 demonstration city", total=STEPS)
        started = False

        def tell(text: str) -> None:
            nonlocal started
            progress.update(task, description=text, advance=1 if started else 0)
            if not console.is_terminal:  # a bar would not be seen there
                console.print(f"演示城市 demonstration city: {text}")
            started = True

        load_demo(engine, spec, tell)
        progress.update(task, completed=STEPS)
    return True
