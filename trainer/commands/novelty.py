"""Tell how much of a generated text stands verbatim in the training text."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from trainer import terminal
from trainer.backend import ONE_THREAD
from trainer.commands.generate import asked_options
from trainer.errors import UserError
from trainer.model import Model, load
from trainer.scoring.novelty import Comparison, Ids, compare
from trainer.text import read_text, title_of

LENGTHS = (4, 8, 16, 32, 64, 128)
PASSAGE = 32  # an n-gram so long is a passage: it is hardly shared by chance
CHARACTERS = 10_000  # generated where nothing else is asked for
EXCERPT = 160
SAMPLING = ("length", "prompt", "temperature", "top_k", "top_p", "seed")


@ONE_THREAD.limit_threads()
def run(arguments: Namespace) -> int:
    """Compare; return the exit status."""
    model = load(arguments.model, arguments.overrides)
    corpus = model.corpus("put it back: only the text of the training can tell what was copied")
    ids = _generate(arguments, model) if arguments.text is None else _read(arguments, model)
    split = corpus.split(model.config.corpus.split)
    part = "validation" if len(split.validation.ids) else "test"
    held_out = getattr(split, part).ids[: len(ids)]
    found, yardstick = _compare([ids, held_out], split.train.ids)

    unit, longest = corpus.vocabulary.unit, found.longest
    passage = ids[longest.start : longest.start + longest.length]
    report = {
        "checkpoint": str(model.checkpoint and model.checkpoint.path),
        "text": "generated" if arguments.text is None else title_of(arguments.text),
        "training_text": f"{corpus.source} (train)",
        "held_out_text": f"{corpus.source} ({part})" if len(held_out) else None,
        "unit": unit,
        "length": len(ids),
        "training_length": len(split.train.ids),
        "held_out_length": len(held_out),
        "longest": {**longest._asdict(), "passage": corpus.vocabulary.decode(passage)},
        "held_out_longest": yardstick.longest.length,
        "n_grams": _n_grams(found, yardstick),
        "finding": _finding(found, yardstick if len(held_out) else None, unit)
        if len(ids) >= PASSAGE
        else f"too short to tell: passages of {PASSAGE} {unit}s or more would speak of copying.",
    }
    if arguments.json:
        terminal.write_json(report)
    else:
        terminal.write_lines(_lines(report))
    return 0


def _read(arguments: Namespace, model: Model) -> Ids:
    """Return the text of a file or of standard input."""
    for name in SAMPLING:
        if getattr(arguments, name) is not None:
            option = name.replace("_", "-")
            raise UserError(f"--{option}: nothing is generated with --text; leave out one of them")
    try:
        return model.vocabulary.encode(read_text(arguments.text, model.config.corpus.encoding))
    except UserError as error:
        raise UserError(f"{title_of(arguments.text)}: {error}") from error


def _generate(arguments: Namespace, model: Model) -> Ids:
    """Return a text that the model writes."""
    arguments.length = CHARACTERS if arguments.length is None else arguments.length
    options = asked_options(model, arguments, "novelty").model_dump()
    written = list[str]()
    with terminal.progress_bar(
        total=options["length"], unit=" characters", label="Generating"
    ) as bar:
        for character in model.stream(**{**options, "until": None}):
            written.append(character)
            bar.update()
    return model.vocabulary.encode("".join(written))


def _compare(texts: Sequence[Ids], training: Ids) -> list[Comparison]:
    total = len(texts) * len(training)
    with terminal.progress_bar(total=total, unit="", label="Comparing") as bar:
        return [compare(ids, training, LENGTHS, progress=bar.update) for ids in texts]


def _n_grams(found: Comparison, yardstick: Comparison) -> list[dict[str, Any]]:
    columns = zip(
        LENGTHS, found.shares, yardstick.shares, found.covered, yardstick.covered, strict=True
    )
    names = ("n", "share", "held_out_share", "covered", "held_out_covered")
    return [dict(zip(names, row, strict=True)) for row in columns]


def _finding(found: Comparison, yardstick: Comparison | None, unit: str) -> str:
    """Say what the numbers mean, and no more than that."""
    copied = found.covered[LENGTHS.index(PASSAGE)]
    fact = (
        f"{_percent(copied)} of the text's {unit}s stand in verbatim passages of {PASSAGE} or more"
    )
    if yardstick is None:
        return f"{fact}; there is no held-out text to compare that with."
    usual = yardstick.covered[LENGTHS.index(PASSAGE)]
    longest, usual_longest = found.longest.length, yardstick.longest.length
    # Clearly more: by a hundredth at least, and by half of what speaks for or against it.
    if copied > usual + max(0.01, min(usual, 1 - usual) / 2):
        return (
            f"{fact}, clearly more than the {_percent(usual)} of held-out text: parts of it are "
            "probably copied from the training text."
        )
    more = "no more" if copied <= usual else "not clearly more"
    fact += f", {more} than the {_percent(usual)} of held-out text"
    if longest > 2 * max(PASSAGE, usual_longest):
        return f"{fact}; but its longest passage, of {longest:,}, is probably copied."
    return (
        f"{fact}: no sign of copying word for word. (A copy with small changes would not be found.)"
    )


def _lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield the report for people."""
    units = f"{report['unit']}s"
    longest, held_out = report["longest"], report["held_out_text"]
    yield f"text:          {report['text']}, {report['length']:,} {units}"
    yield f"training text: {report['training_text']}, {report['training_length']:,} {units}"
    if held_out:
        yield f"held-out text: {held_out}, {report['held_out_length']:,} {units}"
    yield ""
    yield f"longest passage that stands in the training text: {longest['length']:,} {units}"
    if longest["length"]:
        passage = longest["passage"]
        yield (
            f"  at {longest['start']:,} of the text and {longest['training_start']:,} of the "
            "training text, counted from 0"
        )
        yield f"  {passage[:EXCERPT]!r}{' ...' if len(passage) > EXCERPT else ''}"
    if held_out:
        yield f"longest of the held-out text: {report['held_out_longest']:,} {units}"
    yield ""
    yield f"n-grams (n {units} in a row) that stand in the training text; {units} in such n-grams"
    columns = ["share", "held_out_share", "covered", "held_out_covered"]
    heads = ["n-grams", "held-out", units, "held-out"]
    shown = range(0, 4, 1 if held_out else 2)
    rows = [("    n", *(heads[i] for i in shown))]
    for row in report["n_grams"]:
        rows.append((str(row["n"]), *(_percent(row[columns[i]]) for i in shown)))
    yield from terminal.table(rows, ">" * len(rows[0]))
    yield ""
    yield report["finding"]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"
