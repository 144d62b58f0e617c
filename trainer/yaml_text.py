"""YAML in and out by the rules of YAML 1.2, with the line of every key.

PyYAML alone follows YAML 1.1: it reads 1e-3 as text, `on` as true and 010 as 8, and of two equal
keys it silently takes the last.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from trainer.errors import UserError

Key = tuple[str, ...]
"""The way to a value through nested mappings, such as ("model", "hidden_size")."""

_TAG = "tag:yaml.org,2002:"

# What unquoted text must look like to be more than text. Readers of YAML disagree about 010 and
# 1_000: they stay text. With 18 digits at most, a whole number always fits into 64 bits.
_PATTERNS = {
    "null": r"(~|null|Null|NULL)?\Z",
    "bool": r"(true|True|TRUE|false|False|FALSE)\Z",
    "int": r"[-+]?(0|[1-9][0-9]{0,17})\Z",
    "float": r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?\Z",
}

_CONVERSIONS: dict[str, Callable[[str], object]] = {
    f"{_TAG}null": lambda text: None,
    f"{_TAG}bool": lambda text: {"true": True, "false": False}[text.lower()],
    f"{_TAG}int": int,
    f"{_TAG}float": float,
    f"{_TAG}str": lambda text: text.encode().decode(),  # refuses "\ud800", which no file can hold
}


class YamlError(ValueError):
    """Text that is not the YAML expected.

    Attributes:
        reason: what is wrong; in a file, the message has more to say how to mend it.
        place: the line, or line:column, from 1.
    """

    def __init__(self, reason: str, place: str, hint: str = "") -> None:
        super().__init__(reason + hint)
        self.reason, self.place = reason, place


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's name: none of its rules, ours below

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:  # a few of them can describe a whole world
            mark = event.start_mark
            reason = "anchors (&) and what refers to them (*) are not known here"
            raise YamlError(reason, _line(mark), _in_quotes(mark))
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


class _Dumper(yaml.SafeDumper):
    """Keeps PyYAML's own rules beside ours, so that text is quoted wherever any reader needs it."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # Several lines read better as "a\nb" than spread out between single quotes, and PyYAML would
    # read some of YAML's line ends back as others.
    several = any(line_end in text for line_end in "\n\x85\u2028\u2029")
    return dumper.represent_scalar(f"{_TAG}str", text, style='"' if several else None)


def _represent_list(dumper: _Dumper, items: list[object]) -> yaml.SequenceNode:
    return dumper.represent_sequence(f"{_TAG}seq", items, flow_style=True)  # on one line


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)
for _name, _pattern in _PATTERNS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_TAG + _name, re.compile(_pattern), None)


def parse(text: str) -> tuple[object, dict[Key, int]]:
    """Return the value that YAML text describes and the line of every key in it.

    Raises YamlError for broken syntax, a key given twice, anchors, and all but the basic tags.
    """
    value, lines, _ = _read(text)
    return value, lines


def parse_file(path: Path) -> tuple[object, dict[Key, int]]:
    """Return the value of a YAML file and the line of every key in it.

    Raises:
        UserError: it cannot be read, is not UTF-8, or holds what `parse` refuses.
    """
    try:
        return parse(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None
    except YamlError as error:
        raise UserError(f"{path}:{error.place}: {error}") from None


def parse_value(text: str) -> object:
    """Return the value of YAML text from the command line.

    What YAML has other uses for is text here: a dash alone, which stands for standard input, and
    what begins with a star, such as the glob `*.md`. Raises YamlError as `parse` does, and where
    YAML would silently leave out a part, such as what follows a '#'.
    """
    if text == "-" or text.startswith("*"):
        return text
    try:
        value, _, (start, end) = _read(text)
    except YamlError as error:
        raise YamlError(error.reason, error.place) from None
    left = (text[:start] + text[end:]).strip()
    if left:
        use = "'#' begins a comment" if left[0] == "#" else f"{left!r} has another meaning in YAML"
        raise YamlError(f"{use} here", "1")
    return value


def dump(data: Mapping[str, object]) -> str:
    """Return the mapping as YAML that `parse` reads back exactly."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**16)


def _read(text: str) -> tuple[object, dict[Key, int], tuple[int, int]]:
    """Return the value, the line of every key, and where in the text the value begins and ends."""
    lines: dict[Key, int] = {}
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:  # nothing but comments
            return None, lines, (0, 0)
        return _build(node, (), lines), lines, (node.start_mark.index, node.end_mark.index)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"not valid YAML: {error.reason}", str(line)) from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error) from None
    except RecursionError:
        raise YamlError("nested too deeply", "1") from None
    except YamlError:
        raise
    except (ValueError, OverflowError):  # PyYAML's own, of an escape
        escapes = re.finditer(r"\\U([0-9A-Fa-f]{8})", text)
        wrong = next((e for e in escapes if int(e[1], 16) > sys.maxunicode), None)
        line = text.count("\n", 0, wrong.start()) + 1 if wrong else 1
        shown = wrong[0] if wrong else "an escape in it"
        raise YamlError(f"not valid YAML: {shown} is no character", str(line)) from None


def _syntax_error(error: yaml.MarkedYAMLError) -> YamlError:
    start, end = error.context_mark, error.problem_mark
    if end is None:
        return YamlError(f"not valid YAML: {error}", "1")
    place = f"{end.line + 1}:{end.column + 1}"
    before, after = _line_around(end)
    if after.startswith("\t") or re.match(" *\t", before):
        return YamlError("a tab stands here, where YAML takes blanks only", place)
    context, problem = error.context or "", error.problem or ""
    if "cannot start any token" in problem:
        context, problem = "", f"no value can begin with {after[0]!r}"
    elif "found '<scalar>'" in problem:
        context, problem = "", f"{after!r} cannot follow what a bracket or quote has closed"
    elif start and start.line != end.line:
        context += f" from line {start.line + 1}"
    reason = "not valid YAML: " + ", ".join(filter(None, (context, problem)))
    unclosed = "flow" in context or "end of stream" in problem
    hint = "" if unclosed else _in_quotes(end)
    if not hint and problem.startswith("mapping values"):
        hint = "; is this line indented too far, or a blank missing after the colon above?"
    return YamlError(reason, place, hint)


def _line_around(mark: yaml.Mark) -> tuple[str, str]:
    """Return the line of a mark, parted there."""
    text = mark.buffer or ""
    ends = "[\r\n\0]"  # the last is PyYAML's own
    return re.split(ends, text[: mark.index])[-1], re.split(ends, text[mark.index :])[0]


def _in_quotes(mark: yaml.Mark) -> str:
    """Return how to make text of the value in a line, if YAML has another use for what it is."""
    found = re.match(r"\s*((?:- *)?[\w.]+: +|- +)([^\s].*)", "".join(_line_around(mark)))
    if not found or not (re.match(r"[][{}&*!%@`|>,\"']", found[2]) or ": " in found[2]):
        return ""
    value = found[2].partition(" #")[0].rstrip()  # without a comment
    return f"; in quotes it is text: {found[1]}{json.dumps(value, ensure_ascii=False)}"


def _build(node: yaml.Node, key: Key, lines: dict[Key, int]) -> object:
    """Return the value of a node; write the lines of all keys below `key` into `lines`."""
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
        return _build_mapping(node, key, lines)
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
        return [_build(item, key, lines) for item in node.value]
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _CONVERSIONS:
        reason = f"the tag {node.tag} is not known here"
        raise YamlError(reason, _line(node.start_mark), _in_quotes(node.start_mark))
    try:
        return _CONVERSIONS[node.tag](node.value)
    except (KeyError, ValueError):
        kind = node.tag.removeprefix(_TAG)
        raise YamlError(f"cannot read {node.value!r} as {kind}", _line(node.start_mark)) from None


def _build_mapping(node: yaml.MappingNode, key: Key, lines: dict[Key, int]) -> dict[str, object]:
    mapping: dict[str, object] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlError(
                "found a list or mapping as a key, expected a word", _line(key_node.start_mark)
            )
        name = key_node.value
        path = (*key, name)
        if name in mapping:
            message = f"{'.'.join(path)}: given twice, first on line {lines[path]}"
            raise YamlError(message, _line(key_node.start_mark))
        lines[path] = key_node.start_mark.line + 1
        mapping[name] = _build(value_node, path, lines)
    return mapping


def _line(mark: yaml.Mark) -> str:
    return str(mark.line + 1)
