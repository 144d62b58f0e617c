from __future__ import annotations

from trainer.monitor.plain_text import without_control_characters


def test_escapes_are_dropped_and_lines_and_letters_kept() -> None:
    text = "a\tb\n\x1b[31mä\x7f\x85 \u4e16\r\n\0"
    assert without_control_characters(text) == "a\tb\n[31mä \u4e16\n"
