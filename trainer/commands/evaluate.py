"""Score a text."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from trainer.builder import build_same_corpus, load_model
from trainer.commands.score_report import count, report_lines, surprise_facts, told, total_facts
from trainer.commands.score_rows import character_rows, line_rows, to_json, to_tsv
from trainer.config import Config
from trainer.errors import UserError
from trainer.runs.checkpoint import Checkpoint
from trainer.runs.folder import find_checkpoint
from trainer.scoring import Text, Totals, characters, least_expected
from trainer.text import (
    STANDARD_INPUT,
    Span,
    Vocabulary,
    line_borders,
    read_standard_input,
    read_text,
)

SHOWN = 5  # least expected characters of a text of one's own, where no number is given
ROWS = {"line": line_rows, "character": character_rows}


class Subject(NamedTuple):
    """What is scored.

    Attributes:
        name: what to call it.
        unknown: how many of its characters the model does not know; None where it refuses them.
    """

    name: str
    text: Text
    unknown: int | None


def run(arguments: Namespace) -> int:
    """Evaluate; return the exit status."""
    shown = arguments.least_expected
    if shown is None:
        shown = SHOWN if arguments.text is not None and not arguments.json else 0
    elif shown < 0:
        raise UserError(f"--least-expected: found {shown}, expected 0 or more")
    checkpoint = find_checkpoint(arguments.model)
    model, vocabulary = load_model(checkpoint)
    config = checkpoint.config
    if arguments.text is not None:
        subject = _own_text(str(arguments.text), vocabulary, config)
    else:
        subject = _split(arguments.split, vocabulary, config, checkpoint)
    name, text, unknown = subject
    n = len(text.part.ids)
    if n < 2:
        raise UserError(
            f"{name}: {count(n, vocabulary.unit)}; at least 2 are needed, one to predict"
        )

    from tqdm import tqdm  # a tenth of a second that an error need not wait for

    totals, surprises = Totals(text.is_bytes), []
    hidden = True if arguments.per and sys.stdout.isatty() else None  # a bar would cross the rows
    with tqdm(total=n - 1, unit=f" {vocabulary.unit}s", leave=False, disable=hidden) as bar:
        pieces = totals.watch(characters(model, text, bar.update))
        if arguments.per:
            rows = ROWS[arguments.per](pieces)
            for row in map(to_json, rows) if arguments.json else to_tsv(rows):
                _write(row)
        else:
            surprises = least_expected(pieces, shown)

    report = {"checkpoint": str(checkpoint.path), "text": name, **total_facts(totals, text)}
    if unknown is not None:
        report["unknown_characters"] = unknown
    if arguments.least_expected is not None or surprises:
        report["least_expected"] = [surprise_facts(surprise, text) for surprise in surprises]
    if arguments.per:
        sys.stdout.flush()  # the rows come first
        mean = f"{report['nats_per_character']:.4f} nats, {report['bits_per_character']:.4f} bits"
        print(f"{told(report)}; {mean} per character", file=sys.stderr)
    elif arguments.json:
        _write(to_json(report))
    else:
        _write("\n".join(report_lines(report)))
    return 0


def _own_text(name: str, vocabulary: Vocabulary, config: Config) -> Subject:
    """Read a text that is not the run's."""
    if name == STANDARD_INPUT:
        name = "standard input"
        if sys.stdin is not None and sys.stdin.isatty():
            print("type a text, then Ctrl-D on a line of its own", file=sys.stderr)
        written = read_standard_input()
    else:
        written = read_text(Path(name))
    found = Counter(written)
    unknown = [character for character in found if character not in vocabulary]
    try:
        ids = vocabulary.encode(written)
    except UserError as error:
        place = min(map(written.index, unknown))
        line, column = written.count("\n", 0, place) + 1, place - written.rfind("\n", 0, place)
        raise UserError(f"{name}, line {line}, column {column}: {error}") from error
    borders = line_borders(vocabulary) if config.corpus.document == "line" else None
    reserved = None if vocabulary.unknown is None else sum(found[c] for c in unknown)
    return Subject(name, Text(Span(ids, borders), vocabulary, written), reserved)


def _split(
    name: str | None, vocabulary: Vocabulary, config: Config, checkpoint: Checkpoint
) -> Subject:
    """Find a part of the run's own text."""
    corpus = build_same_corpus(config.corpus, checkpoint, "score it as another text with --text")
    split = corpus.split(config.corpus.split)
    if name is None:
        name = "test" if len(split.test.ids) else "validation"
    reserved = None if vocabulary.unknown is None else 0  # the vocabulary has the whole text
    text = Text(getattr(split, name), vocabulary)
    return Subject(f"{corpus.source} ({name})", text, reserved)


def _write(line: str) -> None:
    """Write a line in UTF-8, whatever the locale."""
    sys.stdout.buffer.write(f"{line}\n".encode())
