"""``skillsmap bench``: how fast, beside whom. The measuring itself is in ``benchmarks/``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.runtime import database_engine, home_folder, say, stderr_console

if TYPE_CHECKING:
    from app.services.snapshot import Snapshot

bench_app = typer.Typer(help="性能测试 · Benchmarks, each figure beside a peer's.", invoke_without_command=True)
GROUPS = ("starting", "engine", "answers", "siting", "http")


@bench_app.callback()
def bench(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · Print JSON.")] = False,
    up: Annotated[bool, typer.Option(help="包括在新目录中启动两次 · With `up` in a new home, and again.")] = False,
    engine: Annotated[
        bool, typer.Option(help="包括生成的大路网 · With the seeded network and how figures grow with it.")
    ] = True,
    real: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="只与他人的结果对照:含 helsinki/ 与 porto-alegre/ 的文件夹 · "
            "Only hold two real cities against others: the folder of helsinki/ and porto-alegre/.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """测量并打印;本目录无数据时先载入演示城市 · Measure and print; an empty home gets the demonstration city first."""
    if context.invoked_subcommand is not None:
        return
    if real is not None:
        from benchmarks import real as cities
        from benchmarks.real.tables import as_text as as_tables

        compared = cities.figures(real)
        typer.echo(json.dumps(compared, indent=1) if as_json else as_tables(compared))
        return
    figures: dict[str, Any] = {}
    if engine:
        figures |= _engine()
    if up:
        from benchmarks import starting

        say("正在新目录中启动两次…", "starting twice in a new home …")
        figures["starting"] = starting.up_twice()
    _service(figures)
    typer.echo(json.dumps(figures, ensure_ascii=False, indent=1) if as_json else as_text(figures))


@bench_app.command("serve")
def bench_serve(as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · Print JSON.")] = False) -> None:
    """只测 HTTP 服务,并列只答常数的 FastAPI · The service over HTTP alone, beside one that answers a constant."""
    figures = {"http": _with_service(serving_figures)}
    typer.echo(json.dumps(figures, ensure_ascii=False, indent=1) if as_json else as_text(figures))


def serving_figures(port: int, snapshot: Snapshot) -> dict[str, Any]:
    """What is promised under load."""
    from benchmarks import serving

    return serving.under_load("127.0.0.1", port, snapshot)


def _with_service(measure: Callable[[int, Snapshot], dict[str, Any]]) -> dict[str, Any]:
    """What is measured of a running service on its port."""
    from app.cli.addresses import choose_port
    from app.cli.service import Service
    from app.db.engine import render
    from app.demo import load_demo_if_missing
    from app.services.snapshot import ensure_snapshot
    from app.services.warming import warm, warm_planning
    from app.settings import home_settings
    from benchmarks import searching

    with database_engine() as engine:
        load_demo_if_missing(engine, stderr_console())
        snapshot = ensure_snapshot(engine, home_settings())
        warm(snapshot)  # compiles what the service then loads
        warm_planning(snapshot)
        say("正在测量 HTTP 服务…", "measuring the service over HTTP …")
        port = choose_port("127.0.0.1", 0)
        with Service("127.0.0.1", port, 1, render(engine.url), home_folder() / "logs" / "bench.log") as service:
            service.wait_until_ready(lambda: None)
            figures = measure(port, snapshot)
        say("正在测量检索…", "measuring search …")
        return {**figures, **searching.run(render(engine.url), snapshot)}


def _engine() -> dict[str, Any]:
    from benchmarks import scaling, seeded
    from benchmarks.engine import Bench

    say("正在生成路网…", "generating the seeded network …")
    made = Bench(seeded.city())
    say("正在测量步行引擎(含 pandana 建网,约一分钟)…", "measuring the engine (pandana takes a minute to build) …")
    figures = {"engine_measured_on": made.describe(), "engine": made.run()}
    del made
    say("正在测量随路网规模的增长(四个规模)…", "measuring how figures grow with the network, four sizes …")
    rows = scaling.table()
    return {**figures, "growth": {"rows": rows, **scaling.growth(rows)}}


def _service(figures: dict[str, Any]) -> None:
    """The demonstration city, or whatever this home or DATABASE_URL holds."""
    from app.cli.addresses import choose_port
    from app.cli.service import Service
    from app.db.engine import render
    from app.demo import load_demo_if_missing
    from app.services.snapshot import ensure_snapshot
    from app.services.warming import warm, warm_planning
    from app.settings import home_settings
    from benchmarks import serving, shapes, siting, starting, walking

    log = home_folder() / "logs" / "bench.log"
    with database_engine() as engine:
        load_demo_if_missing(engine, stderr_console())
        snapshot = ensure_snapshot(engine, home_settings())
        warm(snapshot)
        warm_planning(snapshot)
        figures["measured_on"] = walking.describe(snapshot)
        say("正在测量计算核心…", "measuring answers in this process …")
        figures["answers"] = walking.run(snapshot)
        say("正在测量选址(含整个模型直接求解,一分钟)…", "measuring siting (the whole model by the solver: a minute) …")
        figures["siting"] = siting.run(snapshot)
        say("正在测量等时圈的形状…", "measuring the shape of isochrones …")
        figures["isochrone_shapes"] = shapes.run(snapshot)
        url = render(engine.url)
        say("正在测量工作进程的启动和内存…", "measuring start and memory of workers …")
        figures.setdefault("starting", {})["worker_ready"] = starting.worker_ready(url)
        figures["memory"] = starting.memory(url, log, walking.targets(snapshot))
        say("正在测量 HTTP 服务…", "measuring the service over HTTP …")
        port = choose_port("127.0.0.1", 0)
        with Service("127.0.0.1", port, 1, url, log) as service:
            service.wait_until_ready(lambda: None)
            figures["http"] = serving.run("127.0.0.1", port, snapshot)


def as_text(figures: dict[str, Any]) -> str:
    """One line a figure: what, median, promise, peer; then whatever is no time."""
    lines = []
    for group in GROUPS:
        for name, figure in figures.get(group, {}).items():
            if isinstance(figure, dict) and "median_ms" in figure:
                lines.append(_line(group, name, figure))
    for name, value in figures.items():
        if name not in GROUPS:
            lines.append(f"{name}: {json.dumps(value, ensure_ascii=False)}")
    for name, value in figures.get("http", {}).items():
        if not isinstance(value, dict) or "median_ms" not in value:
            lines.append(f"http {name}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def _line(group: str, name: str, figure: dict[str, Any]) -> str:
    kept = {True: "✓", False: "✗"}.get(figure.get("kept", ""), " ")
    line = f"{kept} {group:8s} {name:55s} {figure['median_ms']:10.3f} ms"
    if "promised_ms" in figure:
        line += f"  (≤ {figure['promised_ms']:g} promised)"
    if "peer_median_ms" in figure:
        line += f"  {figure['peer']}: {figure['peer_median_ms']:.3f} ms, × {figure['peer_takes_times_as_long']}"
        if "promised_ratio" in figure:
            line += f" (≥ {figure['promised_ratio']:g} promised)"
        if "promised_share_of_peer" in figure:
            line += f" (at most {figure['promised_share_of_peer']:g} × its time promised)"
    elif "peer" in figure:
        line += f"  {figure['peer']}"
    return line
