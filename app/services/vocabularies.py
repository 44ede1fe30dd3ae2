"""All vocabularies there are: a new one is listed by itself."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import re
from functools import cache

from app.errors import NotFound
from app.models import vocabularies as package
from app.models.vocabularies import Vocabulary
from app.services.suggestions import unknown_code


@cache
def vocabularies() -> dict[str, type[Vocabulary]]:
    """Every Vocabulary of the package by its name in snake case (``station_type``), sorted."""
    found: dict[str, type[Vocabulary]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        held = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        for kind in held.values():
            if isinstance(kind, type) and issubclass(kind, Vocabulary) and kind is not Vocabulary:
                found[name_of(kind)] = kind
    return dict(sorted(found.items()))


def name_of(kind: type[Vocabulary]) -> str:
    """``StationType`` is ``station_type``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).lower()


def vocabulary(name: str) -> type[Vocabulary]:
    """One of them. Raises NotFound with the names that look like it."""
    found = vocabularies().get(name)
    if found is not None:
        return found
    item = unknown_code(
        "name", name, list(vocabularies()), "词表", "vocabulary", "全部词表见 /v1/vocabularies",
        "all of them are at /v1/vocabularies",
    )  # fmt: skip
    raise NotFound(f"没有名为 {name} 的词表。", f"There is no vocabulary {name}.", errors=[item])


@cache
def version() -> str:
    """Names the state of all of them."""
    told = repr([(n, [(m.value, m.title_zh, m.title_en) for m in kind]) for n, kind in vocabularies().items()])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
