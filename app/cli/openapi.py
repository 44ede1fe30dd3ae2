"""``skillsmap openapi``: the OpenAPI document, for generators of clients. It needs no database."""

from __future__ import annotations

import json

import typer


def openapi() -> None:
    """打印 OpenAPI 文档,供生成客户端 · Print the OpenAPI document, for generators of clients."""
    typer.echo(document())


def document() -> str:
    """The document as JSON, its keys sorted."""
    from app.main import create_app

    return json.dumps(create_app().openapi(), ensure_ascii=False, indent=1, sort_keys=True)
