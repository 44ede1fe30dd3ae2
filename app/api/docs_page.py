"""The reference at ``/docs``: one page made from the OpenAPI document, that loads nothing from elsewhere."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import orjson

from app.errors import DomainError

STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#0b6bcb}
body{font:16px/1.6 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;
margin:0 auto;max-width:60rem;padding:1rem}
h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}h3{margin-bottom:.2rem}
code,pre{font:13px/1.5 ui-monospace,Consolas,monospace;background:var(--soft);border-radius:4px}
code{padding:.1em .3em;overflow-wrap:anywhere}pre{padding:.7rem;overflow:auto;max-height:26rem}
table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}
td,th{border:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top}
nav a{margin-right:.8rem}a{color:var(--accent)}.method{font-weight:700}summary{cursor:pointer}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def render(document: dict[str, Any]) -> str:
    """The page as HTML."""
    info = document["info"]
    body = [f"<h1>{_e(info['title'])}</h1><p>{_e(info.get('summary', ''))} · {_e(info['version'])}</p>"]
    body.append('<p>机器可读的文档 · Machine-readable: <a href="/openapi.json">/openapi.json</a></p>')
    body.append(f"<nav>{''.join(_nav(document))}</nav>")
    body.append(prose(info.get("description", "")))
    for tag in document.get("tags", ()):
        body.append(f'<h2 id="{_e(tag["name"])}">{_e(tag["description"])}</h2>')
        for path, method, operation in operations(document):
            if tag["name"] in operation.get("tags", ()):
                body.append(_operation(path, method, operation))
    body.append(_problem_table())
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_e(info['title'])}</title><style>{STYLE}</style></head><body>{''.join(body)}</body></html>"
    )


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method (upper case) and operation of every call."""
    for path, held in document["paths"].items():
        for method, operation in held.items():
            yield path, method.upper(), operation


def prose(text: str) -> str:
    """The little of Markdown that descriptions use: headings, lists, paragraphs, code."""
    made: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.strip().splitlines()
        if all(line.startswith("- ") for line in lines):
            made.append("<ul>" + "".join(f"<li>{_inline(line[2:])}</li>" for line in lines) + "</ul>")
        elif block.startswith("## "):
            made.append(f"<h3>{_inline(block[3:])}</h3>")
        else:
            made.append("<p>" + "<br>".join(_inline(line) for line in lines) + "</p>")
    return "".join(made)


def _nav(document: dict[str, Any]) -> Iterator[str]:
    for _, _, operation in operations(document):
        name = _e(operation["operationId"])
        yield f'<a href="#{name}">{name}</a> '


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    name = _e(operation["operationId"])
    made = [f'<h3 id="{name}"><span class="method">{method}</span> <code>{_e(path)}</code></h3>']
    made.append(f"<p><strong>{_e(operation['summary'])}</strong> · <code>{name}</code></p>")
    made.append(prose(operation.get("description", "")))
    parameters = operation.get("parameters", ())
    if parameters:
        rows = "".join(_parameter(parameter) for parameter in parameters)
        made.append(f"<table><tr><th>参数</th><th>说明</th><th>取值</th><th>例</th></tr>{rows}</table>")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "example" in body:
        made.append(f"<p>请求体 · Body</p><pre>{_pretty(body['example'])}</pre>")
    if method == "GET":
        example = _example_path(path, parameters, operation.get("x-example", ""))
        made.append(f'<p>例 · Example: <a href="{_e(example)}"><code>{_e(example)}</code></a></p>')
    for status, response in operation["responses"].items():
        made.append(_response(status, response))
    return "".join(made)


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    required = "(必填 · required)" if parameter.get("required") else ""
    example = next(iter(schema.get("examples", ())), None)
    described = _inline(parameter.get("description", ""))
    return (
        f"<tr><td><code>{_e(parameter['name'])}</code> {required}</td><td>{described}</td>"
        f"<td>{_e(_values(schema))}</td><td><code>{_e(_plain(example))}</code></td></tr>"
    )


def _values(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return _values(next(one for one in schema["anyOf"] if one.get("type") != "null"))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        return f"{_values(schema['items'])} …"
    bounds = [f"{sign} {schema[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    return " ".join([schema.get("format") or schema.get("type", ""), *bounds])


def _example_path(path: str, parameters: Any, also: str) -> str:
    """The path with what it needs filled in. ``also`` is the query of a call that needs one of several parameters."""
    query = []
    for parameter in parameters:
        example = next(iter(parameter["schema"].get("examples", ())), "")
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", str(example))
        elif parameter.get("required"):
            query += [(parameter["name"], _plain(one)) for one in (example if isinstance(example, list) else [example])]
    asked = "&".join(part for part in (urlencode(query), also) if part)
    return path + (f"?{asked}" if asked else "")


def _response(status: str, response: dict[str, Any]) -> str:
    opened = " open" if status == "200" else ""
    made = [f"<details{opened}><summary><code>{status}</code> {_e(response['description'])}</summary>"]
    for media_type, content in response.get("content", {}).items():
        if "example" in content:
            made.append(f"<p><code>{_e(media_type)}</code></p><pre>{_pretty(content['example'])}</pre>")
    return "".join([*made, "</details>"])


def _problem_table() -> str:
    rows = "".join(
        f'<tr id="problem-{kind.code}"><td><code>{kind.code}</code></td><td>{kind.status}</td>'
        f"<td>{_e(kind.title_zh)} · {_e(kind.title_en)}</td></tr>"
        for kind in problem_kinds()
    )
    head = "<tr><th>code</th><th>HTTP</th><th></th></tr>"
    return f'<h2 id="problems">错误代码 · Problem codes</h2><table>{head}{rows}</table>'


def problem_kinds() -> list[type[DomainError]]:
    """Every kind of error that the service may answer with, by code; commands may know more."""
    found: dict[str, type[DomainError]] = {}
    waiting: list[type[DomainError]] = list(DomainError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        found[kind.code] = kind
        waiting += kind.__subclasses__()
    modules = ("app.errors", "app.api.faults")
    return [found[code] for code in sorted(found) if found[code].__module__ in modules]


def _inline(text: str) -> str:
    escaped = _e(text)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def _plain(example: Any) -> str:
    """A value as it is written in a query."""
    if isinstance(example, list):
        return ",".join(_plain(one) for one in example)
    if isinstance(example, bool):
        return str(example).lower()
    return "" if example is None else str(example)


def _pretty(example: Any) -> str:
    return _e(orjson.dumps(example, option=orjson.OPT_INDENT_2).decode())


def _e(text: Any) -> str:
    return html.escape(str(text))
