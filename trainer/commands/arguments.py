"""What each command is called and takes.

In the examples {trainer}, {train} and {config} stand for what `trainer.hints` calls them here.

Nothing of the trainer is imported here, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_TRAIN = """examples:
  {train} {config}
  {train} {config} name=mine corpus.path=my.txt training.minutes=10
  {train} --resume runs/mine
  {train} --resume runs/mine training.minutes=20
  {train} {config} model.hidden_size=256 --print-config
  {train} {config} model.hidden_size=512 --dry-run
  {train} {config} name=fine training.init_from=runs/mine corpus.path=my.txt
"""
_GENERATE = """examples:
  {trainer} generate runs/shakespeare --prompt "ROMEO" --length 300
  {trainer} generate runs/shakespeare --temperature 0.7 --top-p 0.95 --seed 7
  {trainer} generate runs/shakespeare --prompt-file scene.txt --until $'\\n\\n'
  {trainer} generate runs/shakespeare --samples 5 --length 80
  {trainer} generate runs/shakespeare --show-probabilities
  {trainer} generate runs/shakespeare --interactive --temperature 0.7
  {trainer} generate runs/shakespeare/checkpoints/step-00002000.safetensors
"""
_EVALUATE = """examples:
  {trainer} evaluate runs/shakespeare
  {trainer} evaluate runs/shakespeare --split validation --json
  {trainer} evaluate runs/shakespeare corpus.path=moved.txt
  {trainer} evaluate runs/shakespeare --text letter.txt --least-expected 20
  {trainer} evaluate runs/shakespeare --text letter.txt --per line > lines.tsv
  echo "To be, or not to be" | {trainer} evaluate runs/shakespeare --text - --per character
"""
_NOVELTY = """examples:
  {trainer} novelty runs/shakespeare
  {trainer} novelty runs/shakespeare --length 100000 --temperature 0.5
  {trainer} novelty runs/shakespeare --text generated.txt --json
"""
_CHECK = """examples:
  {trainer} check-gradients {config}
  {trainer} check-gradients {config} model.num_layers=3 model.dropout=0.3
"""
_FIND_RATE = """examples:
  {trainer} find-rate {config}
  {trainer} find-rate {config} optimizer.name=adam --from 1e-4 --to 1
"""
_CORPORA = """examples:
  {trainer} corpora
  {trainer} corpora show shakespeare
  {trainer} corpora show my.txt
  {train} {config} corpus.name=shakespeare
"""
_GPU_CHECK = """examples:
  {trainer} gpu-check
  {trainer} gpu-check --device gpu:1 --json gpu.json
  {trainer} gpu-check --budget 120

The exit status is 0 if no check failed, 1 if one did, 2 if there is no GPU that can be used.
"""
_SCHEMA = """examples:
  {trainer} schema > schema.json
  {trainer} schema --markdown
"""


class Command(NamedTuple):
    """A command.

    Attributes:
        add: adds its arguments to a parser.
        summary: what it does, in a line.
        examples: of its use.
    """

    name: str
    add: Callable[[argparse.ArgumentParser], None]
    summary: str
    examples: str


def _train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", metavar="CONFIG", help="YAML file of a new run")
    _add_overrides(parser, "file, e.g. training.minutes=10 or name=second")
    parser.add_argument("--resume", type=_path, metavar="RUN", help="run folder to continue")
    parser.add_argument(
        "--force", action="store_true", help="replace a finished or broken run of the same name"
    )
    parser.add_argument(
        "--print-config",
        action="store_true",
        help="print all values of the configuration and where each comes from, and stop",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print size, memory, speed and time of the training, and stop; writes no run",
    )
    _finish(parser, "train")


def _generate(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    prompt = parser.add_mutually_exclusive_group()
    prompt.add_argument("--prompt", metavar="TEXT", help="text to continue; printed first")
    prompt.add_argument(
        "--prompt-file",
        type=_path,
        metavar="FILE",
        help="text to continue, all of it, its last line end too; - is standard input",
    )
    prompt.add_argument(
        "--interactive",
        action="store_true",
        help="type the text to continue, line by line; it grows; a line that ends in \\ goes on "
        "in the next, with a line end between them; Ctrl-D ends it",
    )
    parser.add_argument("--length", type=int, metavar="N", help="characters to write after it")
    parser.add_argument(
        "--until",
        metavar="TEXT",
        help="stop after this was written (--interactive: default is the end of a line)",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=1,
        metavar="N",
        help="texts to write, with the seeds from S on; a line ----- comes between them",
    )
    _add_sampling(parser)
    parser.add_argument(
        "--show-probabilities",
        action="store_true",
        help="show what the model gave each character that it wrote, before temperature, top-k "
        "and top-p: in colours, or as a table where the output is no terminal or NO_COLOR is set",
    )
    _finish(parser, "generate")


def _evaluate(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--split",
        choices=("train", "validation", "test"),
        help="part of the run's own text (default: test, or validation where there is no test)",
    )
    chosen.add_argument(
        "--text",
        type=_path,
        metavar="FILE",
        help="a text of your own, in the encoding of the run's; - is standard input",
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument(
        "--per",
        choices=("line", "character"),
        help="print a row for each, tab-separated, or JSON lines with --json",
    )
    shown.add_argument(
        "--least-expected",
        type=int,
        metavar="N",
        help="show the N least expected characters, and what was expected instead "
        "(default: 5 of a --text, none with --json or of a split)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    _finish(parser, "evaluate")


def _novelty(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument(
        "--text",
        type=_path,
        metavar="FILE",
        help="look at this text and generate none; - is standard input",
    )
    parser.add_argument(
        "--length", type=int, metavar="N", help="characters to generate (default: 10000)"
    )
    parser.add_argument("--prompt", metavar="TEXT", help="text to continue; not looked at")
    _add_sampling(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    _finish(parser, "novelty")


def _check_gradients(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=_path, metavar="CONFIG", help="YAML file with the model")
    _add_overrides(parser)
    _finish(parser, "check_gradients")


def _find_rate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=_path, metavar="CONFIG", help="YAML file of a run")
    _add_overrides(parser)
    parser.add_argument(
        "--from",
        dest="low",
        type=float,
        default=1e-5,
        metavar="X",
        help="lowest learning rate (default: 1e-5)",
    )
    parser.add_argument(
        "--to",
        dest="high",
        type=float,
        default=100.0,
        metavar="X",
        help="highest learning rate (default: 100)",
    )
    parser.add_argument(
        "--steps", type=int, default=200, metavar="N", help="steps to take (default: 200)"
    )
    parser.add_argument(
        "--png", type=_path, metavar="FILE", help="picture to write (default: find-rate-NAME.png)"
    )
    _finish(parser, "find_rate")


def _corpora(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(text=None)
    parser.usage = f"{parser.prog} [-h] [--debug] [show NAME_OR_FILE]"
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog=parser.prog)
    show = commands.add_parser(
        "show",
        help="count what is in one text",
        description="Count what is in a text; a named one is fetched if need be.",
        epilog=_CORPORA,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    show.add_argument("text", metavar="NAME_OR_FILE", help="a named text, or a file of your own")
    _finish(show, "corpora")
    _finish(parser, "corpora")


def _gpu_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", default="gpu", metavar="gpu:N", help="the GPU, by its number (default: gpu:0)"
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=480.0,
        metavar="SECONDS",
        help="skip what may no longer fit into this time (default: 480)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: do the checks themselves work?"
    )
    parser.add_argument(
        "--json", type=_path, metavar="FILE", help="write all figures, too; - prints them instead"
    )
    _finish(parser, "gpu_check")


def _schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown", action="store_true", help="all options in words")
    _finish(parser, "schema")


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        type=_path,
        metavar="RUN_OR_CHECKPOINT",
        help="run folder (its best checkpoint, else the latest) or a .safetensors file",
    )
    _add_overrides(parser, "run's configuration, e.g. corpus.path=moved.txt")


def _add_overrides(parser: argparse.ArgumentParser, of: str = "file") -> None:
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="section.key=value",
        help=f"replaces a value of the {of}",
    )


def _path(text: str) -> Path:
    """Return a path; ~ is the home folder, where the shell leaves it (--text=~/my.txt) too."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # no such person
        return Path(text)


def _seed(text: str) -> int | str:
    if text == "random":
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, expected a whole number or random"
        ) from None


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--temperature", type=float, metavar="X", help="below 1 careful, above 1 daring, 0 greedy"
    )
    parser.add_argument("--top-k", type=int, metavar="K", help="only the K likeliest characters")
    parser.add_argument(
        "--top-p", type=float, metavar="P", help="only the likeliest characters of this total"
    )
    parser.add_argument(
        "--seed", type=_seed, metavar="S", help="same seed, same text; random draws another"
    )


def _finish(parser: argparse.ArgumentParser, module: str) -> None:
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(module=module, parser=parser)


TRAIN = Command("train", _train, "start a run, or resume one", _TRAIN)
COMMANDS = (
    TRAIN,
    Command("generate", _generate, "write new text with a trained model", _GENERATE),
    Command("evaluate", _evaluate, "score a text with a trained model", _EVALUATE),
    Command("novelty", _novelty, "tell how much a model copies from its training text", _NOVELTY),
    Command("check-gradients", _check_gradients, "compare gradients with numeric ones", _CHECK),
    Command("find-rate", _find_rate, "suggest a learning rate for a configuration", _FIND_RATE),
    Command("gpu-check", _gpu_check, "check that a GPU computes rightly, and how fast", _GPU_CHECK),
    Command("corpora", _corpora, "list the named texts, or show what is in a text", _CORPORA),
    Command("schema", _schema, "describe configuration files, as JSON Schema or in words", _SCHEMA),
)
