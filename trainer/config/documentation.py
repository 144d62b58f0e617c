"""Describe every option in words: docs/configuration.md, made from the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.config.messages import describe_schema
from trainer.config.resume import may_change
from trainer.config.schema import SECTIONS, Config, Section
from trainer.yaml_text import dump

_PAGE = """\
<!-- Made by: python -m trainer schema --markdown > docs/configuration.md -->

# Configuration

A run is described by a YAML file. This is the least that one needs; all other keys have defaults:

```yaml
corpus:
  path: my_text.txt
training:
  minutes: 10
```

```sh
python train.py mine.yaml                                           # run it
python train.py mine.yaml name=large model.hidden_size=256          # with other values
python train.py mine.yaml model.hidden_size=256 --print-config      # see all values, and stop
```

An unknown key or an impossible value is refused before anything happens: with file and line, what
was expected, and the nearest valid key.

**How it works:** [where a value comes from](#where-a-value-comes-from),
[base](#base-what-several-files-share), [command line](#the-command-line),
[numbers and text](#numbers-and-text), [paths](#paths), [resume](#what-may-change-on-resume)

**All options:** {sections}

## Where a value comes from

From the last of these that gives it:

1. the default, in the tables below;
2. the file's `base`, if it names one;
3. the file;
4. the command line.

`--print-config` prints every value with its origin:

```yaml
model:
  hidden_size: 256          # command line
  num_layers: 3             # configs/mine.yaml:5
  embedding_size: 64        # configs/base.yaml:9
  bias: true                # default
```

What it prints is a configuration itself. It reads no text and makes no folder; with `--resume RUN`
it shows what the resumed run would have. A run keeps all its values in `runs/NAME/config.yaml`.

## base: what several files share

```yaml
base: shakespeare.yaml
model:
  hidden_size: 256
```

- The base is looked for beside the file, then in the working directory.
- Keys of the file replace the base's one by one; what the file does not give is the base's.
- Of alternatives, the file's counts: `training.steps` in it removes the base's `training.minutes`.
- Null takes a value of the base back: `split: null` makes room for `validation`.
- `name` is not inherited: each file has a run folder of its own.
- A base cannot have a base.

## The command line

`section.key=value` replaces a value of the file; `name=other` names the run's folder. Values are
written as in the file, in quotes where the shell needs them:

| | |
|---|---|
| `training.minutes=20` | a number; of alternatives, the command line's counts |
| `optimizer.clip_norm=` or `optimizer.clip_norm=null` | null |
| `'corpus.split=[0.8, 0.1, 0.1]'` | a list |
| `'corpus.path="1984"'` | text, though it looks like a number |

Of two equal keys the last counts. `base` belongs into the file.

## Numbers and text

These are the rules of YAML 1.2, in files and on the command line alike:

- `1e-3`, `0.001` and `.001` are the same number.
- `true` and `false` are the only truth values; `null`, `~` and nothing are the same.
- `yes`, `on`, `010`, `1_000` and `2024-01-01` are text.
- Nothing is converted: `"128"` is no number. Only a whole number may stand for any number.
- A key that is given twice is refused.

## Paths

Relative paths are relative to the working directory, wherever the file lies. Only `base` is looked
for beside its file first.

## What may change on resume

`python train.py --resume RUN section.key=value` continues a run with other values. All others are
those of the run's own `config.yaml`. These may change:

- `name` and `runs` (the folder stays where it is)
{changeable}

Anything else would make it another run, and is refused. The text may move but not change: it is
compared by its SHA-256.

## Options

Editors that know YAML schemas complete the keys and show these descriptions if the file begins with
`# yaml-language-server: $schema=schema.json` (the path from the file to `configs/schema.json`).

{options}"""

_TABLE = """\
| key | default | value | meaning |
|---|---|---|---|
"""


def markdown() -> str:
    """Return the whole page."""
    top = Config.model_json_schema()["properties"]
    sections = (
        f"### {name}\n\n{section.__doc__}\n\n{_TABLE}{_rows(section)}"
        for name, section in SECTIONS.items()
    )
    return _PAGE.format(
        sections=", ".join(f"[{name}](#{name})" for name in SECTIONS),
        changeable=_changeable(),
        options="\n".join(
            [
                _TABLE + _row("name", "", top["name"]) + _row("runs", "`runs`", top["runs"]),
                *sections,
            ]
        ),
    )


def _rows(section: type[Section]) -> str:
    properties = section.model_json_schema()["properties"]
    return "".join(_row(key, _yaml(rules["default"]), rules) for key, rules in properties.items())


def _row(key: str, default: str, rules: Mapping[str, Any]) -> str:
    nullable = any(one.get("type") == "null" for one in rules.get("anyOf", ()))
    value = describe_schema(rules) + (", or null" if nullable else "")
    return f"| `{key}` | {default} | {value} | {rules['description']} |\n"


def _yaml(value: object) -> str:
    return f"`{dump({'': value}).partition(': ')[2].strip()}`"


def _changeable() -> str:
    """Return a list of what a resume may change."""
    lines, whole = [], []
    for name, section in SECTIONS.items():
        keys = [f"`{key}`" for key in section.model_fields if may_change(name, key)]
        if len(keys) == len(section.model_fields):
            whole.append(f"`{name}`")
        elif keys:
            lines.append(f"- `{name}`: {', '.join(keys)}")
    return "\n".join([*lines, f"- everything in {', '.join(whole)}"])
