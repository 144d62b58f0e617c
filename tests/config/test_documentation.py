from __future__ import annotations

from pathlib import Path

from trainer.config.documentation import markdown
from trainer.config.schema import SECTIONS

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_committed_tables_are_the_exported_ones():
    text = PAGE.read_text(encoding="utf-8")
    _, _, made = text.partition("<!-- what follows: python -m trainer schema --markdown -->\n\n")
    made, mark, _ = made.partition("\n<!-- what follows is written by hand -->\n")
    assert mark
    assert made == markdown(), "write what is between the marks anew"


def test_every_key_has_a_line_with_default_value_and_meaning():
    for name, section in SECTIONS.items():
        _, _, part = markdown().partition(f"\n### {name}\n")
        part, _, _ = part.partition("\n### ")
        rows = [line for line in part.splitlines() if line.startswith("| `")]
        assert len(rows) == len(section.model_fields)
        for row, (key, field) in zip(rows, section.model_fields.items(), strict=True):
            assert row.startswith(f"| `{key}` | `")
            assert row.endswith(f" | {field.description} |")
            assert row.count("|") == 5


def test_rules_and_defaults_are_said_in_words():
    page = markdown()
    assert "| `hidden_size` | `128` | a whole number of at least 1 | Units of" in page
    assert "| `clip_norm` | `1.0` | a number greater than 0, or null | Largest" in page
    assert "Default: 1 for sgd, 0.01 for rmsprop" in page
    assert "\n- `training`: `epochs`, `steps`, `minutes`\n" in page
    assert "\n- everything in `schedule`, `evaluation`, `generation`, " in page
