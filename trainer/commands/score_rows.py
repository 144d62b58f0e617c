"""The scores of a text as rows: tab-separated values, or lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from math import exp, isfinite
from typing import Any

from trainer.scoring import Characters, lines
from trainer.scoring.evaluation import Score

Row = dict[str, Any]

# A row must stay a row for every program that reads it: some end a line at each of these, and
# take a quotation mark for the start of something else.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


def line_rows(pieces: Iterable[Characters]) -> Iterator[Row]:
    """Yield a row for each line of a text."""
    for line in lines(pieces):
        score = Score(line.nats / line.characters, line.characters) if line.characters else None
        yield {
            "line": line.number,
            "characters": line.characters,
            "nats_per_character": score and score.nats,
            "bits_per_character": score and score.bits,
            "text": line.text,
        }


def character_rows(pieces: Iterable[Characters]) -> Iterator[Row]:
    """Yield a row for each character of a text."""
    for piece in pieces:
        line, column = piece.line, piece.column
        nats, predicted = piece.nats.tolist(), piece.predicted.tolist()
        for i, character in enumerate(piece.text):
            yield {
                "position": piece.position + i,
                "line": line,
                "column": column,
                "character": character,
                "nats": nats[i] if predicted[i] else None,
                "probability": exp(-nats[i]) if predicted[i] else None,
            }
            line, column = (line + 1, 1) if character == "\n" else (line, column + 1)


def to_json(value: Any) -> str:
    """Write JSON on one line, in ASCII; a number that JSON does not have becomes null."""
    return json.dumps(_finite(value))


def to_tsv(rows: Iterator[Row]) -> Iterator[str]:
    """Write a line of names and one for each row; texts as JSON strings, nothing for None."""
    first = next(rows)
    yield "\t".join(first)
    yield tsv_row(first)
    yield from map(tsv_row, rows)


def tsv_row(row: Row) -> str:
    """Write one row, without the names."""
    return "\t".join(map(_field, row.values()))


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        inner = json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', "\\u0022")
        return f'"{inner.translate(_ESCAPED)}"'
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value
