"""List the named texts."""

from __future__ import annotations

from argparse import Namespace

from trainer.text import entry, names


def run(arguments: Namespace) -> int:
    """Print a line for each text of the catalogue."""
    width = max(map(len, names()))
    for name in names():
        text = entry(name)
        print(f"{name:{width}}  {text.title}; {text.licence}")
    return 0
