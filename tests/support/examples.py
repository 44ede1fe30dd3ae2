"""Examples in the documentation: a ``curl`` in a bash block, and what of the answer the next json block shows."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One call; ``shown`` is None where the page shows no answer."""

    target: str
    method: str
    body: str | None
    headers: dict[str, str]
    shown: Any


def examples(page: Path) -> list[Example]:
    """All calls of a page, in order."""
    found: list[Example] = []
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    for k, (language, text) in enumerate(blocks):
        if language != "bash" or not text.strip().startswith("curl"):
            continue
        following = blocks[k + 1] if k + 1 < len(blocks) else ("", "")
        shown = json.loads(following[1]) if following[0] == "json" else None
        found.append(_example(text, shown))
    return found


def _example(text: str, shown: Any) -> Example:
    words = shlex.split(text.replace("\\\n", " "))
    method, body, headers, target = "GET", None, {}, ""
    waiting = iter(words[1:])
    for word in waiting:
        if word in ("-H", "--header"):
            name, _, value = next(waiting).partition(":")
            headers[name.strip()] = value.strip()
        elif word in ("-d", "--data", "--json"):
            body, method = next(waiting), "POST"
            if word == "--json":
                headers["Content-Type"] = "application/json"
        elif word in ("-X", "--request"):
            method = next(waiting)
        elif "://" in word:
            parts = urlsplit(word)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
    return Example(target, method, body, headers, shown)


def missing(shown: Any, answer: Any, path: str = "$", *, values: bool) -> list[str]:
    """What of the shown part is not in the answer: objects by key, lists from their beginning, ``values`` if asked."""
    if isinstance(shown, dict):
        if not isinstance(answer, dict):
            return [f"{path} is not an object"]
        return [
            fault
            for key, value in shown.items()
            for fault in (
                missing(value, answer[key], f"{path}.{key}", values=values)
                if key in answer
                else [f"{path}.{key} is missing"]
            )
        ]
    if isinstance(shown, list):
        if not isinstance(answer, list) or (values and len(answer) < len(shown)):
            return [f"{path} is too short"]
        return [
            f
            for k, pair in enumerate(zip(shown, answer, strict=False))
            for f in missing(*pair, f"{path}[{k}]", values=values)
        ]
    return [f"{path}: {answer!r} instead of {shown!r}"] if values and shown != answer else []
