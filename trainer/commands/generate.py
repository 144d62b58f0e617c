"""Write new text to standard output, as it is made."""

from __future__ import annotations

import sys
from argparse import Namespace

from trainer.builder import load_model
from trainer.config import config_from_mapping
from trainer.generation import generate
from trainer.run_folder import find_checkpoint

_OPTIONS = ("prompt", "length", "temperature", "top_k", "top_p", "seed")


def run(arguments: Namespace) -> int:
    """Generate; return the exit status."""
    checkpoint = find_checkpoint(arguments.model)
    given = {name: getattr(arguments, name) for name in _OPTIONS}
    given = {name: value for name, value in given.items() if value is not None}
    saved = checkpoint.facts["config"]
    # The schema that checks the file checks the options too.
    options = config_from_mapping(
        {**saved, "generation": {**saved["generation"], **given}}, "generate"
    ).generation
    model, vocabulary = load_model(checkpoint)
    characters = generate(model, vocabulary, **options.model_dump())
    if options.prompt:
        _write(options.prompt)
    for character in characters:
        _write(character)
    _write("\n")
    return 0


def _write(text: str) -> None:
    """Write at once, in UTF-8 whatever the locale, line ends as the model made them."""
    sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass"))
    sys.stdout.buffer.flush()
