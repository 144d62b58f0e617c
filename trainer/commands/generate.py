"""Write new text to standard output, as it is made."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from functools import partial

from trainer.builder import load_model
from trainer.commands.display import Display, open_display
from trainer.commands.interactive import converse
from trainer.commands.options import generation_options
from trainer.errors import UserError
from trainer.generation.writer import Writer, Written
from trainer.runs.folder import find_checkpoint
from trainer.text import STANDARD_INPUT, read_standard_input, read_text


def run(arguments: Namespace) -> int:
    """Generate; return the exit status."""
    if arguments.samples < 1:
        raise UserError(f"--samples: found {arguments.samples}, expected at least 1")
    if arguments.interactive and arguments.samples > 1:
        raise UserError("--interactive: it writes a single text; leave out --samples")
    checkpoint = find_checkpoint(arguments.model)
    if arguments.prompt_file is not None:
        piped = str(arguments.prompt_file) == STANDARD_INPUT
        arguments.prompt = read_standard_input() if piped else read_text(arguments.prompt_file)
    options = generation_options(checkpoint, arguments, "generate")
    writing = options.model_dump(exclude={"prompt", "seed"})
    config = checkpoint.config
    open_writer = partial(Writer, *load_model(checkpoint), lines=config.corpus.document == "line")

    writer = open_writer([options.seed])
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
        writer = open_writer(seeds)
        writer.read(prompt)
        samples: list[list[Written]] = [[] for _ in seeds]
        for written in writer.write(**writing):
            samples[written.text].append(written)
        for sample in samples:
            display.separate()
            _show(prompt, sample, display)
    return 0


def _show(prompt: str, text: Iterable[Written], display: Display) -> None:
    display.given(prompt)
    try:
        for _, character, probability in text:
            display.written(character, probability)
    finally:  # also after Ctrl-C: colours must not stay on the terminal
        display.end()
