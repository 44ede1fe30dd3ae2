"""What a question may become while it is typed, and what is near in spelling where nothing was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from app.services.search import Asked, Found, search_directly, search_forgivingly
from app.services.search_forms import WordHits
from app.services.search_index import SearchIndex
from app.services.search_reading import checked_words
from app.services.search_text import squeezed
from app.services.snapshot import Snapshot

NEAR_MOST, NEAR_LEAST = 3, 40.0  # suggestions, and how alike they have to be of 100


@dataclass(frozen=True)
class Suggestion:
    """A text to search for. ``kind`` is station, course, skill or address; ``code`` that of the station."""

    text: str
    kind: str
    code: str | None = None


def suggestions(snapshot: Snapshot, index: SearchIndex, text: str, limit: int, now_s: int) -> list[Suggestion]:
    """The texts that hold what is typed, the best first, skills before stations, courses and addresses among equals;
    where no single text does, the things that hold all the words. Raises InvalidInput (see ``checked_words``).
    """
    words = checked_words(text)
    hits = index.texts.direct("".join(words))
    if hits.any:
        return _distinct(sorted(_ranked(snapshot, index, hits), key=lambda pair: pair[0]), limit)
    asked = Asked(now_s, limit)
    found = search_directly(snapshot, index, words, asked) or search_forgivingly(snapshot, index, words, asked)
    return _of_things(snapshot, found)[:limit]


def near_in_spelling(index: SearchIndex, words: list[str]) -> list[str]:
    """Names and skills that are most like the words, at most NEAR_MOST; takes milliseconds."""
    from rapidfuzz import fuzz, process

    numbers = [number for number in _named(index) if number]
    texts = [index.texts.plain[number] for number in numbers]
    found = process.extract("".join(words), texts, scorer=fuzz.ratio, limit=NEAR_MOST, score_cutoff=NEAR_LEAST)
    return [index.texts.texts[numbers[at]] for _, _, at in found]


def _named(index: SearchIndex) -> list[int]:
    """The numbers of the texts that are names of things: of skills, stations, courses, areas."""
    stations, courses = index.stations, index.courses
    columns = [
        index.skills.text[:, 0],
        *(stations.text[:, stations.names.index(name)] for name in ("name", "town", "district")),
        courses.text[:, courses.names.index("title")],
    ]
    numbers: list[int] = np.unique(np.concatenate(columns)).tolist()
    return numbers


def _ranked(
    snapshot: Snapshot, index: SearchIndex, hits: WordHits
) -> Iterator[tuple[tuple[int, int, int, str], Suggestion]]:
    """Suggestions of every kind, each with what it is sorted by."""
    stations = snapshot.stations.table.stations
    for kind, order, fields, name in (
        ("skill", 0, index.skills, "skill"), ("station", 1, index.stations, "name"),
        ("course", 2, index.courses, "title"), ("address", 3, index.stations, "address"),
    ):  # fmt: skip
        numbers = fields.text[:, fields.names.index(name)]
        for thing in np.flatnonzero(hits.grade[numbers]).tolist():
            number = int(numbers[thing])
            text, is_of_station = index.texts.texts[number], fields is index.stations
            if is_of_station and index.is_closed[thing]:
                continue
            code = stations[thing].code if is_of_station else None
            yield (-int(hits.grade[number]), order, len(text), text), Suggestion(text, kind, code)


def _distinct(ranked: list[tuple[tuple[int, int, int, str], Suggestion]], limit: int) -> list[Suggestion]:
    """The first so many, each text once."""
    found: dict[str, Suggestion] = {}
    for _, one in ranked:
        found.setdefault(squeezed(one.text), one)
        if len(found) == limit:
            break
    return list(found.values())


def _of_things(snapshot: Snapshot, found: Found) -> list[Suggestion]:
    stations = snapshot.stations.table.stations
    named = [Suggestion(one.skill, "skill") for one in found.skills]
    named += [Suggestion(stations[s.number].name, "station", stations[s.number].code) for s in found.stations]
    named += [Suggestion(snapshot.offer.courses[one.course].title, "course") for one in found.courses]
    return list({one.text: one for one in named}.values())
