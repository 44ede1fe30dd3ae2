"""Liveness and readiness in answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    message: str = Field(examples=["服务在运行。"])


class Readiness(BaseModel):
    """Whether questions can be answered. ``data``: loaded, or none while something has not been imported yet."""

    status: Literal["ready"] = "ready"
    data: Literal["loaded", "none"] = Field(examples=["loaded"])
    missing: list[str] = Field(description="尚未导入的数据种类 · Kinds of data not imported yet", examples=[[]])
    message: str = Field(examples=["服务就绪。"])
