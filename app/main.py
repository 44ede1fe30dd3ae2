"""The HTTP application: wiring only."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread

from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from app import __version__
from app.api import documentation, logs
from app.api.deps import Holder, Resources
from app.api.frame import COMPRESS_LEVEL, COMPRESS_SIZE, Compression, Preflight, RequestFrame
from app.api.one_tap import OneTapApp
from app.api.problems import add_handlers
from app.api.routes import routers
from app.api.routes.ledger_workbooks import IMPORTS_PATH
from app.db.engine import make_service_engine
from app.errors import DatabaseUnavailable, ErrorItem, NotReady
from app.geo.crs import Crs, point_from_wgs84
from app.ingest.workbook_guard import LARGEST_BYTES
from app.services.positions import read_position
from app.services.snapshot_holder import SnapshotHolder
from app.services.warming import warm
from app.settings import database_settings, home_settings, service_settings

MAX_BODY_BYTES = 2_000_000
COLLECT_AFTER = (20_000, 20, 20)
WARMING_SECONDS = 10.0  # how long the end waits for it


def create_app(*, engine: Engine | None = None, holder: Holder | None = None) -> FastAPI:
    """The application of one worker. ``engine`` and ``holder`` are made from the settings unless given.

    What is made here is closed at the end of the lifespan; what was given stays open.
    """
    logs.configure(service_settings().log_level)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        used = engine if engine is not None else make_service_engine(_database_url())
        held = holder if holder is not None else _snapshot_holder(used)
        app.state.resources = Resources.of(used, held)
        await run_in_threadpool(held.start)
        warming = Thread(target=_warm, args=(held,), name="warming", daemon=True)
        warming.start()
        try:
            yield
        finally:
            await run_in_threadpool(held.stop)
            await run_in_threadpool(warming.join, WARMING_SECONDS)
            if engine is None:
                used.dispose()

    app = OneTapApp(
        title=documentation.TITLE,
        summary=documentation.SUMMARY,
        description=documentation.DESCRIPTION,
        version=__version__,
        openapi_tags=documentation.TAGS,
        docs_url=None,  # FastAPI's own pages load their scripts from other hosts; ours is in app/api/routes/pages.py
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # spans would hold addresses, so positions
        middleware=[  # outermost first
            Middleware(
                Preflight,
                allow_origins=["*"],
                allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
                allow_headers=["*"],
                max_age=86_400,
            ),
            Middleware(RequestFrame, max_body_bytes=MAX_BODY_BYTES, larger={IMPORTS_PATH: LARGEST_BYTES}),
            Middleware(Compression, minimum_size=COMPRESS_SIZE, compresslevel=COMPRESS_LEVEL),
        ],
    )
    add_handlers(app, MAX_BODY_BYTES)
    for router in routers():
        app.include_router(router)
    documentation.describe(app)
    return app


def _database_url() -> str:
    url = database_settings().database_url
    if url is None:
        raise DatabaseUnavailable(
            "没有设置 DATABASE_URL。",
            "DATABASE_URL is not set.",
            errors=[
                ErrorItem(
                    "DATABASE_URL", "缺少", "is missing",
                    remedy_zh="用 ./skillsmap up 或 ./skillsmap serve 启动,它们会备好数据库",
                    remedy_en="start with ./skillsmap up or ./skillsmap serve, which see to the database",
                )
            ],
        )  # fmt: skip
    return url


def _warm(holder: Holder) -> None:
    """Ask the kinds of question that there are, so that the first request does not wait for kernels to be loaded."""
    try:
        snapshot = holder.current()
    except NotReady:
        return
    warm(snapshot)
    read_position(*point_from_wgs84(113.264, 23.129, Crs.GCJ02), Crs.GCJ02.value)  # compiles that, too
    # what is there now stays: a full collection would walk over all of it, tens of milliseconds, again and again
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)  # an answer makes no cycles: looking for them so often finds nothing


def _snapshot_holder(engine: Engine) -> Holder:
    made: Holder = SnapshotHolder(engine, home_settings())
    return made
