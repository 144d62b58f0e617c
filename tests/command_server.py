"""Runs commands in forks of one process that has imported all they need: in a tenth of the time.

Reads orders from standard input, a line of JSON each, and answers each with the exit status.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback

from trainer.commands.cli import main, train_main

COMMANDS = (
    "check_gradients",
    "corpora",
    "evaluate",
    "find_rate",
    "generate",
    "gpu_check",
    "novelty",
    "schema",
    "train",
)
USED_LATER = ("tensorboard.compat.proto", "tensorboard.summary.writer.record_writer", "tqdm")
PROGRAMS = {"train.py": train_main, "trainer": main}
WRITE = os.O_WRONLY | os.O_CREAT


def become(
    program: str,
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    first: str,
    stdout: str,
    stderr: str,
) -> int:
    """Run the command in its folder, with its files; `first` is Python to run before."""
    os.chdir(folder)
    os.environ.update(environment)
    for number, path, mode in (
        (0, os.devnull, os.O_RDONLY),
        (1, stdout, WRITE),
        (2, stderr, WRITE),
    ):
        os.dup2(os.open(path, mode), number)
    # As hints are to name the command: this process was begun otherwise.
    sys.argv = [program if program == "train.py" else "trainer/__main__.py", *arguments]
    exec(first, {})
    return PROGRAMS[program](arguments)


def fork(order: dict[str, object]) -> int:
    """Carry out an order in a child; return its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        status = become(**order)
    except SystemExit as error:
        status = error.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # clearing up what was imported would take longer than most commands


if __name__ == "__main__":
    for module in (*(f"trainer.commands.{name}" for name in COMMANDS), *USED_LATER):
        importlib.import_module(module)
    for line in sys.stdin:
        print(fork(json.loads(line)), flush=True)
