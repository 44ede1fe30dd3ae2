"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot know."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.api.problems import Problem
from app.api.schemas.areas import AreaFeatureAnswer, AreaFeatures
from app.api.schemas.cells import CellFeatures, GapFeatures
from app.api.schemas.coverage import CoverageFeatures
from app.api.schemas.isochrones import IsochroneHexes, Isochrones
from app.api.schemas.ogc import OgcFeatureAnswer, OgcFeatures, Queryables
from app.api.schemas.routes import RouteFeature
from app.api.schemas.stations import StationFeatures
from app.api.schemas.wx import WxIsochrones, WxRoute, WxStations

TITLE = "羊城技能地图 API · Yangcheng Skills Map API"
SUMMARY = "谁能步行到技能培训,谁还不能 · Who can walk to skills training, and who cannot"
ALSO_DESCRIBED: tuple[type[BaseModel], ...] = (
    Problem, StationFeatures, AreaFeatures, AreaFeatureAnswer, Isochrones, IsochroneHexes, CoverageFeatures,
    CellFeatures, GapFeatures, RouteFeature, WxIsochrones, WxRoute, WxStations,
    OgcFeatures, OgcFeatureAnswer, Queryables,
)  # fmt: skip

DESCRIPTION = """\
广州“15 分钟技能培训服务圈”的站点、步行可达与覆盖。本页写给小程序与网页的开发者。
Stations, walking reach and coverage of Guangzhou's 15-minute training circle, for developers of mini-programs and pages.

## 坐标 · Coordinates

- 凡传入坐标,必须写明 `crs`:`wgs84`(GPS)、`gcj02`(高德、腾讯、微信)、`bd09`(百度)、`cgcs2000`(天地图)。在广州,WGS84 与 GCJ-02 相差 590 至 640 米。
- 凡返回坐标,也写明 `crs`。`wx.openLocation` 与小程序 `<map>` 要 `gcj02`:请求时写 `crs=gcj02`。
- 顺序总是经度在前。GeoJSON 只有 WGS84;`bbox` 是 WGS84 的 `西,南,东,北`。
- Every coordinate that comes in names its `crs`; every one that goes out says its own. Longitude first, always. GeoJSON and `bbox` are WGS84.

## 错误 · Errors

- 一律为 RFC 9457 `application/problem+json`。程序只看 `code`,它不变也不翻译;`errors` 逐条给出字段、收到的值、原因与改正办法。
- 未知的、重复的查询参数都是错误(422),不会被悄悄忽略。`wx.request` 对任何状态码都调用 success:请检查 `statusCode`。
- 报告问题时请附 `request_id`(也在响应头 `X-Request-ID`;可由请求头 `X-Request-ID` 指定)。
- All errors are problem+json. Look at `code` alone: it never changes. Unknown and repeated parameters are refused, never ignored. Quote `request_id` when you report something.

## 语言 · Language

- 默认中文;`Accept-Language: en` 则为英文。代码(如 `community`)不随语言变。
- Chinese by default; English with `Accept-Language: en`. Identifiers such as `community` are the same in both.

## 分页 · Paging

- `limit` 与 `cursor`:把上一页的 `next_cursor` 原样作为 `cursor`,其他条件不变,直到它为 `null`。响应头 `Link: <…>; rel="next"` 是同一件事。
- Pass `next_cursor` as `cursor` with the same conditions until it is `null`; the `Link` header says the same.

## 缓存 · Caching

- 只随数据而变的回答带 `ETag`:下次用 `If-None-Match` 带上它,未变则为 304,没有响应体。
- 含有个人位置的回答为 `Cache-Control: no-store`;位置不保存,也不写入日志。
- Answers that change only with the data carry an `ETag`; send it back as `If-None-Match` and get 304 while nothing changed. Answers to a person's position are `no-store`; positions are neither kept nor logged.

## 数据说明 · Data notice

- `data_notice` 不为 `null` 时,回答含有合成数据或近似界线:请向读者显示其 `message`。
- When `data_notice` is not `null`, the answer rests on synthetic data or approximate outlines: show its `message`.
"""  # noqa: E501

TAGS = [
    {"name": "stations", "description": "站点:列表、检索、单个站点 · Stations: list, search, one of them"},
    {"name": "search", "description": "一键查询:站点、课程、技能 · Search: stations, courses, skills"},
    {"name": "sessions", "description": "课程、场次与报名 · Courses, sessions, signing up"},
    {"name": "isochrones", "description": "等时圈:步行多少分钟到哪里 · Isochrones: how far one can walk"},
    {"name": "coverage", "description": "覆盖:谁在步行范围内,谁不在 · Coverage: who is within the walk, who is not"},
    {"name": "scenarios", "description": "方案:改变站点前后的覆盖 · Scenarios: coverage before and after"},
    {"name": "siting", "description": "选址:下一批站点建在哪里 · Siting: where the next stations go"},
    {"name": "jobs", "description": "任务:耗时的计算(需登录)· Jobs: long work (signed in)"},
    {"name": "areas", "description": "区划:市、区、镇街的轮廓与数字 · Areas: outlines and figures"},
    {"name": "tiles", "description": "矢量瓦片 · Vector tiles"},
    {
        "name": "ogc",
        "description": "OGC API – Features:QGIS、GDAL 等直接打开 · Opened by QGIS, GDAL and others as they are",
    },
    {"name": "datasets", "description": "数据来源 · Where the data came from"},
    {"name": "auth", "description": "登录、令牌与账号 · Signing in, tokens, accounts"},
    {"name": "ledger", "description": "台账:站点、单位、结对、培训、报表(需登录)· The ledger (signed in)"},
    {"name": "targets", "description": "目标与进度 · Targets and progress"},
    {"name": "vocabularies", "description": "词表:代码与中英文标题 · Vocabularies: codes and titles"},
    {"name": "audit", "description": "审计(管理员)· The audit log, for administrators"},
    {"name": "quality", "description": "质量监管:检查、评价、投诉、评估 · Inspections, ratings, complaints"},
    {"name": "service", "description": "服务状态 · State of the service"},
]


def describe(app: FastAPI) -> None:
    """Give the application a document that FastAPI's own is completed to; made once, at the first call."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = completed(original())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Add models that only a ``$ref`` names and examples; mark what services require; drop FastAPI's error model."""
    _, extra = models_json_schema(
        [(model, "serialization") for model in ALSO_DESCRIBED], ref_template="#/components/schemas/{model}"
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in extra["$defs"].items():
        schemas.setdefault(name, schema)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["schema"].pop("x-required", False):
                    parameter["required"] = True
            for status in ("200", "201", "202"):
                for content in operation["responses"].get(status, {}).get("content", {}).values():
                    content.setdefault("example", example_of(content["schema"], schemas))
    return document


def example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example made of parts: the first of a schema's own, its default, or the examples of what it holds."""
    if "examples" in schema:
        return schema["examples"][0]
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    return {name: example_of(held, schemas) for name, held in schema.get("properties", {}).items()}
