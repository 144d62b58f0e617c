"""Text made safe to show: a model can write anything that its corpus holds, escapes included."""

from __future__ import annotations

# C0, DEL and C1: a terminal obeys them and TensorBoard's page fails on them.
_DROPPED = dict.fromkeys(
    code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"
)


def without_control_characters(text: str) -> str:
    """Return `text` without control characters, line ends and tabs excepted."""
    return text.translate(_DROPPED)
