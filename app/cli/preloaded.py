"""Imported once by the process that workers are forked from: what is here in memory, they share."""

from __future__ import annotations

import gc

import uvicorn.lifespan.on
import uvicorn.loops.uvloop
import uvicorn.protocols.http.httptools_impl

import app.main

__all__ = ["app", "uvicorn"]

gc.collect()
gc.freeze()  # the collector of a worker leaves what is there now alone: its pages stay shared
