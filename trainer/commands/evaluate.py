"""Score a text."""

from __future__ import annotations

import json
from argparse import Namespace
from math import isfinite

from trainer.builder import build_same_corpus, load_model
from trainer.checkpoint import Checkpoint
from trainer.config import config_from_mapping
from trainer.errors import UserError
from trainer.evaluation import score
from trainer.run_folder import find_checkpoint
from trainer.text import Part, Vocabulary, read_text


def run(arguments: Namespace) -> int:
    """Evaluate; return the exit status."""
    checkpoint = find_checkpoint(arguments.model)
    model, vocabulary = load_model(checkpoint)
    if arguments.text is not None:
        what, text = str(arguments.text), read_text(arguments.text)
        try:
            part = Part(vocabulary.encode(text))
        except UserError as error:
            raise UserError(f"{what}: {error}") from error
    else:
        what, part = _split(checkpoint, vocabulary, arguments.split)
    if len(part.ids) < 2:
        raise UserError(
            f"{what}: {len(part.ids)} characters; at least 2 are needed, one to predict"
        )

    from tqdm import tqdm  # a tenth of a second that an error need not wait for

    with tqdm(total=len(part.ids) - 1, unit=" characters", leave=False, disable=None) as bar:
        result = score(model, part, progress=bar.update)
    if arguments.json:
        print(
            json.dumps(
                {
                    "checkpoint": str(checkpoint.path),
                    "text": what,
                    "characters": result.characters,
                    "nats_per_character": result.nats,
                    "bits_per_character": result.bits,
                    "perplexity": result.perplexity if isfinite(result.perplexity) else None,
                }
            )
        )
    else:
        print(f"{what}: {result.characters:,} characters scored")
        print(f"{result.nats:.4f} nats per character")
        print(f"{result.bits:.4f} bits per character")
        print(f"{result.perplexity:.4f} perplexity")
    return 0


def _split(checkpoint: Checkpoint, vocabulary: Vocabulary, name: str | None) -> tuple[str, Part]:
    """Find a part of the run's own text."""
    config = config_from_mapping(checkpoint.facts["config"], str(checkpoint.path))
    corpus = build_same_corpus(config.corpus, checkpoint, "score it as another text with --text")
    split = corpus.split(config.corpus.split)
    if name is None:
        name = "test" if len(split.test.ids) else "validation"
    return f"{corpus.source} ({name})", getattr(split, name)
