"""Score a text."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from trainer import terminal
from trainer.backend import ONE_THREAD
from trainer.commands.score_report import (
    count,
    describe_scored,
    report_lines,
    surprise_facts,
    total_facts,
)
from trainer.commands.score_rows import character_rows, line_rows, to_tsv
from trainer.errors import UserError
from trainer.model import Model, load
from trainer.scoring import Text, Totals, characters, least_expected
from trainer.text import read_text, title_of

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


@ONE_THREAD.limit_threads()
def run(arguments: Namespace) -> int:
    """Evaluate; return the exit status."""
    shown = arguments.least_expected
    if shown is None:
        shown = SHOWN if arguments.text is not None and not arguments.json else 0
    elif shown < 0:
        raise UserError(f"--least-expected: found {shown}, expected 0 or more")
    model = load(arguments.model, arguments.overrides)
    if arguments.text is not None:
        subject = _own_text(arguments.text, model)
    else:
        subject = _split(arguments.split, model)
    name, text, unknown = subject
    n, unit = len(text.span.ids), model.vocabulary.unit
    if n < 2:
        raise UserError(f"{name}: {count(n, unit)}; at least 2 are needed, one to predict")

    totals, surprises = Totals(text.is_bytes), []
    shows_rows = arguments.per and terminal.is_terminal()  # a bar would cross them
    with terminal.progress_bar(total=n - 1, unit=f" {unit}s", hidden=shows_rows) as bar:
        pieces = totals.watch(characters(model.network, text, bar.update))
        if arguments.per:
            rows = ROWS[arguments.per](pieces)
            if arguments.json:
                for row in rows:
                    terminal.write_json(row)
            else:
                terminal.write_lines(to_tsv(rows))
        else:
            surprises = least_expected(pieces, shown)

    assert model.checkpoint is not None
    report = {"checkpoint": str(model.checkpoint.path), "text": name, **total_facts(totals, text)}
    if unknown is not None:
        report["unknown_characters"] = unknown
        report["unknown"] = model.config.corpus.unknown
    if arguments.least_expected is not None or surprises:
        report["least_expected"] = [surprise_facts(surprise, text) for surprise in surprises]
    if arguments.per:
        mean = f"{report['nats_per_character']:.4f} nats, {report['bits_per_character']:.4f} bits"
        terminal.tell(f"{describe_scored(report)}; {mean} per character")
    elif arguments.json:
        terminal.write_json(report)
    else:
        terminal.write_lines(report_lines(report))
    return 0


def _own_text(place: Path, model: Model) -> Subject:
    """Read a text that is not the run's."""
    vocabulary, corpus = model.vocabulary, model.config.corpus
    name, written = title_of(place), read_text(place, corpus.encoding)
    found = Counter(written)
    unknown = [character for character in found if character not in vocabulary]
    if corpus.unknown == "skip" and unknown:
        written = written.translate(dict.fromkeys(map(ord, unknown)))
    try:
        span = model.span(written)
    except UserError as error:
        at = min(map(written.index, unknown))
        line, column = written.count("\n", 0, at) + 1, at - written.rfind("\n", 0, at)
        raise UserError(f"{name}, line {line}, column {column}: {error}") from error
    number = None if corpus.unknown == "refuse" else sum(found[c] for c in unknown)
    return Subject(name, Text(span, vocabulary, written), number)


def _split(name: str | None, model: Model) -> Subject:
    """Find a part of the run's own text."""
    corpus = model.corpus("score it as another text with --text")
    split = corpus.split(model.config.corpus.split)
    if name is None:
        name = "test" if len(split.test.ids) else "validation"
    reserved = None if model.config.corpus.unknown == "refuse" else 0  # it has the whole text
    text = Text(getattr(split, name), model.vocabulary)
    return Subject(f"{corpus.source} ({name})", text, reserved)
