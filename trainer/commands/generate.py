"""Write new text to standard output, as it is made."""

from __future__ import annotations

import secrets
from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from trainer.backend import ONE_THREAD
from trainer.commands.display import Display, open_display
from trainer.commands.interactive import converse
from trainer.config import GenerationConfig
from trainer.errors import UserError
from trainer.generation.writer import Written
from trainer.model import Model, load
from trainer.terminal import note
from trainer.text import read_text

RANDOM = "random"
"""In place of a seed: another one each time."""


@ONE_THREAD.limit_threads()
def run(arguments: Namespace) -> int:
    """Generate; return the exit status."""
    if arguments.samples < 1:
        raise UserError(f"--samples: found {arguments.samples}, expected at least 1")
    if arguments.interactive and arguments.samples > 1:
        raise UserError("--interactive: it writes a single text; leave out --samples")
    model = load(arguments.model, arguments.overrides)
    if arguments.prompt_file is not None:
        arguments.prompt = read_text(arguments.prompt_file, model.config.corpus.encoding)
    options = asked_options(model, arguments, "generate")
    writing = options.model_dump(exclude={"prompt", "seed"})

    writer = model.writer([options.seed])
    if arguments.interactive:
        return converse(writer, open_display(arguments.show_probabilities), writing)
    prompt = options.prompt or ""
    try:
        writer.read(prompt)
    except UserError as error:
        raise UserError(f"the prompt: {error}") from error
    display = open_display(arguments.show_probabilities)
    _show(prompt, writer.write(**writing), display)
    if arguments.samples > 1:
        # Side by side they take little longer than one. The first is not among them: it is to be
        # what it is alone, and a batch rounds differently.
        seeds = range(options.seed + 1, options.seed + arguments.samples)
        writer = model.writer(seeds)
        writer.read(prompt)
        samples: list[list[Written]] = [[] for _ in seeds]
        for written in writer.write(**writing):
            samples[written.sample].append(written)
        for sample in samples:
            display.separate()
            _show(prompt, sample, display)
    return 0


def asked_options(model: Model, arguments: Namespace, source: str) -> GenerationConfig:
    """Return the ways to write: the run's own, each replaced by the argument of its name.

    Raises:
        UserError: An argument is impossible.
    """
    given: dict[str, Any] = {
        name: value
        for name in GenerationConfig.model_fields
        if (value := getattr(arguments, name, None)) is not None
    }
    if given.get("seed") == RANDOM:
        given["seed"] = secrets.randbits(32)
        note(f"--seed {given['seed']} writes this text again")
    options = model.generation_options(given, source)
    try:
        (options.prompt or "").encode()
    except UnicodeEncodeError as error:
        raise UserError("--prompt: what was typed is not UTF-8") from error
    return options


def _show(prompt: str, text: Iterable[Written], display: Display) -> None:
    display.given(prompt)
    try:
        for _, character, probability in text:
            display.written(character, probability)
    finally:  # also after Ctrl-C: colours must not stay on the terminal
        display.end()
