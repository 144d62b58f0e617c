"""A configuration that knows where each of its values comes from."""

from __future__ import annotations

from typing import NamedTuple

from trainer.config.schema import SECTIONS, Config
from trainer.yaml_text import Key, dump

_WIDEST = 48  # longer lines do not move the comments of all the others


class Resolved(NamedTuple):
    """A configuration and the origins of its values."""

    config: Config
    origins: dict[Key, str]
    """Where the value of every key comes from: `file:line`, `command line` or `default`."""

    def to_yaml(self) -> str:
        """Return the configuration as YAML, each value with its origin in a comment.

        Reading it gives an equal configuration.
        """
        entries: list[tuple[str, str]] = []
        for name, value in self.config.model_dump(mode="json").items():
            if name not in SECTIONS:
                entries.append((dump({name: value}), self.origins[name,]))
                continue
            entries.append((f"{name}:\n", ""))
            for key, item in value.items():
                _, _, entry = dump({name: {key: item}}).partition("\n")
                entries.append((entry, self.origins[name, key]))
        widths = [len(entry.rstrip()) for entry, _ in entries]
        column = max(width for width in widths if width <= _WIDEST)
        return "".join(_commented(entry, origin, column) for entry, origin in entries)


def _commented(entry: str, origin: str, column: int) -> str:
    """Append a comment to an entry; a text of several lines takes it behind the last."""
    if not origin:
        return entry
    # The name of a file can hold what YAML may not, even in a comment.
    shown = "".join(letter if letter.isprintable() else "?" for letter in origin)
    value = entry.removesuffix("\n")
    return f"{value:{column}}  # {shown}\n"
