"""Distinct texts, found by what is typed: as it is written, by pinyin, by initials, and with typing errors.

Every form of all texts is one long string that is scanned at the speed of ``str.find``; where a hit lies tells the text
(bisection). Half a megabyte is scanned in less than a tenth of a millisecond, and unlike with n-grams one character is
as good a question as ten. Typing errors are looked for only by what was not found otherwise (rapidfuzz).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.geo.arrays import IntArray
from app.services.bounded import BoundedCache
from app.services.search_text import blurred, is_chinese, is_latin, readings, squeezed

Uint8Array = npt.NDArray[np.uint8]
END, BEFORE, BETWEEN = "\n", "'", "="  # after texts, before syllables, before their characters; none is a letter
WORDS_KEPT = 1_024
ROUNDING = 0.01
MIXING = 2_654_435_761  # spreads letters over classes (Knuth)
FEWEST_LATIN, FEWEST_CHINESE = 4, 3  # letters; with fewer, one error leaves too little to go by
LATIN_TWO_ERRORS, CHINESE_TWO_ERRORS = 12, 8  # in words as long as this; one error in shorter ones


class How(IntEnum):
    """How a text was found, the better the higher."""

    NONE = 0
    FUZZY = 1
    INITIALS = 2
    PINYIN = 3
    EXACT = 4


class Place(IntEnum):
    """Where in the text."""

    INSIDE = 1
    BEGINNING = 2
    WHOLE = 3


GRADES = 4 * (max(How) + 1)


class WordHits(NamedTuple):
    """``grade`` of every text: 4 · How + Place, 0 where it was not found."""

    grade: Uint8Array
    how: How

    @property
    def any(self) -> bool:
        return self.how is not How.NONE


class Spots(NamedTuple):
    """Hits: the texts' numbers, and the places in them."""

    numbers: IntArray
    places: Uint8Array


class Form:
    """Pieces, each with the number of the text that it is a form of, as one string."""

    def __init__(self, pieces: Iterable[tuple[int, str]]) -> None:
        kept = list(pieces)
        self._numbers = np.array([number for number, _ in kept], dtype=np.int64)
        self.joined = END.join([piece for _, piece in kept]) + END
        self._ends = np.cumsum([len(piece) + 1 for _, piece in kept], dtype=np.int64)  # the beginning of the next one
        self._begins = np.concatenate([[0], self._ends[:-1]]).astype(np.int64)

    def find(self, sought: str) -> Spots:
        """Where a string lies."""
        at = self._find(sought)
        return self._located(at, at + len(sought))

    def match(self, pattern: re.Pattern[str]) -> Spots:
        """Where a pattern lies that matches no END."""
        spans = [found.span() for found in pattern.finditer(self.joined)]
        return self._located(*np.array(spans, dtype=np.int64).reshape(-1, 2).T)

    def _find(self, sought: str) -> IntArray:
        """Every place of a string that does not overlap the one before."""
        between = self.joined.split(sought)  # nothing finds all of them faster
        lengths = np.fromiter(map(len, between), np.int64, len(between))[:-1]
        return np.cumsum(lengths + len(sought)) - len(sought)

    def _located(self, at: IntArray, end: IntArray) -> Spots:
        if len(at) == 0:
            return NOWHERE
        piece = np.searchsorted(self._ends, at, side="right")
        places = np.full(len(at), Place.INSIDE, dtype=np.uint8)
        is_beginning = at == self._begins[piece]
        places[is_beginning] = Place.BEGINNING
        places[is_beginning & (end + 1 == self._ends[piece])] = Place.WHOLE
        return Spots(self._numbers[piece], places)


NOWHERE = Spots(np.zeros(0, np.int64), np.zeros(0, np.uint8))


class SpokenForm(Form):
    """Pieces of syllables, of which only whole ones are found, or such as are typed so far."""

    def __init__(self, pieces: Iterable[tuple[int, Sequence[str]]]) -> None:
        kept = list(pieces)
        super().__init__((number, "".join(aloud)) for number, aloud in kept)
        ends = np.cumsum([len(one) for _, aloud in kept for one in (*aloud, END)], dtype=np.int64)
        self._is_border = np.zeros(len(self.joined) + 1, dtype=np.bool_)  # a syllable begins, or a piece ends
        self._is_border[0] = True
        self._is_border[ends] = True

    def typed(self, letters: str) -> Spots:
        """Where letters lie that begin with a syllable. One that they end in the midst of is only begun, which counts
        for less.
        """
        at = self._overlapping(letters) if _overlaps_itself(letters) else self._find(letters)
        at = at[self._is_border[at]]
        spots = self._located(at, at + len(letters))
        spots.places[~self._is_border[at + len(letters)]] = Place.INSIDE
        return spots

    def spoken(self, aloud: Sequence[str]) -> Spots:
        """Where these syllables lie."""
        letters = "".join(aloud)
        at = self._overlapping(letters) if _overlaps_itself(letters) else self._find(letters)
        for border in np.cumsum([0, *map(len, aloud)]).tolist():
            at = at[self._is_border[at + border]]
        return self._located(at, at + len(letters))

    def _overlapping(self, letters: str) -> IntArray:
        found, at = [], self.joined.find(letters)
        while at >= 0:
            found.append(at)
            at = self.joined.find(letters, at + 1)
        return np.array(found, dtype=np.int64)


def _overlaps_itself(letters: str) -> bool:
    """Does it end as it begins, so that two of them may share letters?"""
    return any(letters.startswith(letters[at:]) for at in range(1, len(letters)))


@dataclass(frozen=True, eq=False)
class Spellings:
    """Pieces to compare a word with, the number of the text of each, its length, and which letters and which pairs of
    neighbouring letters it has, in 64 classes.
    """

    pieces: list[str]
    numbers: IntArray
    lengths: IntArray
    letters: npt.NDArray[np.uint64]
    pairs: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, kept: list[tuple[int, str]]) -> Spellings:
        pieces = [piece for _, piece in kept]
        return cls(
            pieces, np.array([number for number, _ in kept], dtype=np.int64),
            np.array(list(map(len, pieces)), dtype=np.int64), np.array(list(map(_letters, pieces)), dtype=np.uint64),
            np.array(list(map(_pairs, pieces)), dtype=np.uint64),
        )  # fmt: skip

    def nearest(self, word: str, errors: int) -> IntArray:
        """The texts that hold a word with the fewest errors, of at most so many."""
        from rapidfuzz import fuzz

        # an error takes a letter away, which breaks two pairs, and puts one in, which breaks a third
        lost = np.bitwise_count(~self.letters & np.uint64(_letters(word)))
        broken = np.bitwise_count(~self.pairs & np.uint64(_pairs(word)))
        # a text that lies inside of the word is no error of typing, unless it is all but all of it
        is_likely = (lost <= errors) & (broken <= 3 * errors) & (self.lengths >= len(word) - errors)
        likely = np.flatnonzero(is_likely)
        best, least, found = 0.0, 100 * (1 - errors / len(word)) - ROUNDING, []
        for k in likely.tolist():
            piece = self.pieces[k]
            scorer = fuzz.partial_ratio if len(piece) >= len(word) else fuzz.ratio
            likeness = scorer(word, piece, score_cutoff=max(least, best - ROUNDING))
            if likeness > best + ROUNDING:
                best, found = likeness, [k]
            elif likeness > 0:
                found.append(k)
        return self.numbers[found]


def _letters(text: str) -> int:
    bits = 0
    for letter in text:
        bits |= 1 << (ord(letter) * MIXING >> 7) % 64
    return bits


def _pairs(text: str) -> int:
    bits = 0
    for letter, following in pairwise(text):
        bits |= 1 << ((ord(letter) * 31 + ord(following)) * MIXING >> 7) % 64
    return bits


class Texts:
    """Distinct texts by number; the first is empty, and is never found."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = ["", *texts]
        self.plain = [squeezed(text) for text in self.texts]
        self.lengths = np.array([len(text) for text in self.texts], dtype=np.int64)
        numbered = list(enumerate(self.plain))[1:]
        read = [(number, aloud) for number, text in numbered if text for aloud in readings(text)]
        self.written = Form(numbered)
        self.pinyin = SpokenForm(read)
        self.initials = Form((number, "".join(one[0] for one in aloud)) for number, aloud in read)
        self._read = read
        self._direct = BoundedCache(WORDS_KEPT)
        self._forgiving = BoundedCache(WORDS_KEPT)

    def __len__(self) -> int:
        return len(self.texts)

    def direct(self, word: str) -> WordHits:
        """Texts with a squeezed word as it is; with Latin letters also by pinyin and initials. Below a millisecond."""
        return self._direct.get(word, lambda: self._directly(word))

    def forgiving(self, word: str) -> WordHits:
        """What the word may have been meant for, by the first way that leads anywhere: characters that sound alike,
        pinyin cut short or mixed with characters, sounds that are confused, letters wrong, missing, or too many.
        """
        return self._forgiving.get(word, lambda: self._forgivingly(word))

    def _directly(self, word: str) -> WordHits:
        grade = self._none()
        _take(grade, How.EXACT, self.written.find(word))
        if is_latin(word):
            if len(word) > 1:
                _take(grade, How.PINYIN, self.pinyin.typed(word))
            spots = self.initials.find(word)
            if len(word) == 1:
                spots.places[spots.places == Place.INSIDE] = 0  # every second text has it somewhere
            _take(grade, How.INITIALS, spots)
        return _hits(grade)

    def _forgivingly(self, word: str) -> WordHits:
        for how, found in (
            (How.PINYIN, self._alike), (How.INITIALS, self._shortened), (How.FUZZY, self._confused),
        ):  # fmt: skip
            grade = self._none()
            for spots in found(word):
                _take(grade, how, spots)
            if grade.any():
                return _hits(grade)
        return _hits(self._erring(word))

    def _none(self) -> Uint8Array:
        return np.zeros(len(self.texts), dtype=np.uint8)

    def _alike(self, word: str) -> Iterator[Spots]:
        """Characters that are read as those of the word."""
        if any(map(is_chinese, word)):
            for aloud in readings(word):
                yield self.pinyin.spoken(aloud)

    def _shortened(self, word: str) -> Iterator[Spots]:
        """Syllables cut short, or characters among them: ``dhan`` and ``dian焊`` for 电焊."""
        if len(word) > 1 and any("a" <= letter <= "z" for letter in word):
            yield self._rich.match(_cut_short(word))

    def _confused(self, word: str) -> Iterator[Spots]:
        """The sounds of the south; and two characters in each other's place."""
        if len(word) == 2:
            yield self.written.find(word[::-1])
        if len(word) > 1 and is_latin(word):
            yield self._blurred.typed(blurred(word))
        elif len(word) > 1 and any(map(is_chinese, word)):
            for aloud in readings(word):
                yield self._blurred.spoken([blurred(one) for one in aloud])

    def _erring(self, word: str) -> Uint8Array:
        """The texts with the fewest errors, where those are few enough."""
        grade, latin = self._none(), is_latin(word)
        if len(word) >= (FEWEST_LATIN if latin else FEWEST_CHINESE):
            errors = 2 if len(word) >= (LATIN_TWO_ERRORS if latin else CHINESE_TWO_ERRORS) else 1
            found = (self._letters if latin else self._characters).nearest(word, errors)
            grade[found] = 4 * How.FUZZY + Place.INSIDE
        return grade

    @cached_property
    def _rich(self) -> Form:
        """Every syllable with its character behind it."""
        return Form(
            (number, "".join(f"{BEFORE}{one}{BETWEEN}{c}" for one, c in zip(aloud, self.plain[number], strict=True)))
            for number, aloud in self._read
        )

    @cached_property
    def _blurred(self) -> SpokenForm:
        return SpokenForm((number, [blurred(one) for one in aloud]) for number, aloud in self._read)

    @cached_property
    def _letters(self) -> Spellings:
        return Spellings.of([(number, "".join(aloud)) for number, aloud in self._read])

    @cached_property
    def _characters(self) -> Spellings:
        return Spellings.of([(number, text) for number, text in enumerate(self.plain) if text])


def _take(grade: Uint8Array, how: How, spots: Spots) -> None:
    np.maximum.at(grade, spots.numbers, (4 * how + spots.places) * (spots.places > 0))


def _hits(grade: Uint8Array) -> WordHits:
    return WordHits(grade, How(int(grade.max(initial=0)) // 4))


def _cut_short(word: str) -> re.Pattern[str]:
    """Letters and characters over the rich form, where every syllable may be cut short, or stand as its character."""
    parts, is_open = [], False  # is a syllable begun that has not come to its character?
    for letter in word:
        sought, rest = re.escape(letter), f"[a-z]*+{BETWEEN}."
        if is_latin(letter):
            following = f"{rest}{BEFORE}{sought}"
            parts.append(f"(?:{sought}|{following})" if is_open else f"{BEFORE}{sought}")
        else:
            parts.append(f"{rest if is_open else ''}{BEFORE}[^{BETWEEN}{END}]*+{BETWEEN}{sought}")
        is_open = is_latin(letter)
    return re.compile("".join(parts))
