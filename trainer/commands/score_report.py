"""What is told of a text that was scored: as facts for JSON, and in lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trainer.scoring import Surprise, Text, Totals
from trainer.terminal import table

Facts = dict[str, Any]

BEFORE, AFTER = 24, 12  # characters shown around a place
HEADS = ("line:column", "character", "probability", "expected", "probability", "in the text")


def total_facts(totals: Totals, text: Text) -> Facts:
    """Return the score in characters, whatever the model reads, and in bytes."""
    score, bytes_score = totals.per_character(), totals.per_byte()
    facts = {
        "characters": score.characters,
        "nats_per_character": score.nats,
        "bits_per_character": score.bits,
        "perplexity": score.perplexity,
        "bits_per_byte": bytes_score.bits,
    }
    if text.is_bytes:
        facts |= {"bytes": totals.bytes, "nats_per_byte": bytes_score.nats}
    return facts


def surprise_facts(surprise: Surprise, text: Text) -> Facts:
    """Return what is to be known of a character that was not expected."""
    place, end = surprise.place, surprise.place + surprise.symbols
    # Four symbols are enough for a character; "ignore" leaves out one that is cut.
    before = text.decode(max(0, place - 4 * BEFORE), place, "ignore")[-BEFORE:]
    after = text.decode(end, end + 4 * AFTER, "ignore")[:AFTER]
    return {
        "position": surprise.position,
        "line": surprise.line,
        "column": surprise.column,
        "character": surprise.character,
        "nats": surprise.nats,
        "probability": surprise.character_probability,
        "expected": text.vocabulary.name(surprise.expected),
        "expected_probability": surprise.probability,
        "before": before,
        "after": after,
    }


def report_lines(report: Facts) -> Iterator[str]:
    """Yield the report for people."""
    yield describe_scored(report)
    yield f"{report['nats_per_character']:.4f} nats per character"
    yield f"{report['bits_per_character']:.4f} bits per character"
    yield f"{report['perplexity']:.4f} perplexity"
    if "bytes" in report:
        yield f"{report['nats_per_byte']:.4f} nats per byte"
        yield f"{report['bits_per_byte']:.4f} bits per byte"
    if report.get("least_expected"):
        yield ""
        yield "least expected:"
        yield from _table(report["least_expected"])


def describe_scored(report: Facts) -> str:
    """Say what was scored."""
    more = f", {count(report['bytes'], 'byte')}" if "bytes" in report else ""
    if report.get("unknown_characters"):
        unknown = count(report["unknown_characters"], "unknown character")
        skipped = report["unknown"] == "skip"
        more += f"; {unknown} {'left out' if skipped else 'read as the reserved symbol'}"
    return f"{report['text']}: {count(report['characters'], 'character')} scored{more}"


def count(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _table(surprises: Sequence[Facts]) -> Iterator[str]:
    rows = [HEADS]
    for facts in surprises:
        rows.append(
            (
                f"{facts['line']}:{facts['column']}",
                repr(facts["character"]),
                f"{facts['probability']:.2g}",
                repr(facts["expected"]),
                f"{facts['expected_probability']:.2g}",
                "{before}»{character}«{after}".format(**facts),
            )
        )
    return (f"  {line}" for line in table(rows, "<<<<<<"))
