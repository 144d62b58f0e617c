from __future__ import annotations

import json
import re

import pytest

from trainer.config import changed, config_from_mapping, override
from trainer.errors import UserError

BASE = "corpus:\n  path: a.txt\ntraining:\n  steps: 5\n"  # the least a configuration needs: 4 lines


def test_the_name_is_the_files_unless_given(load, refusal):
    assert load(BASE, file="my.run-2.yaml").name == "my.run-2"
    assert load(BASE + "name: other\n").name == "other"
    assert load(BASE + "name: other\n", "name=third").name == "third"
    rule = "expected up to 200 letters, digits, '.', '_' and '-', not starting with '.' or '-'"
    rule += "; did you mean"
    assert refusal(BASE + "name: a/b\n") == f"x.yaml:5: name: found 'a/b', {rule} a-b?"
    assert refusal(BASE, "name=-x") == f"command line: name=-x: found '-x', {rule} x?"
    assert refusal(BASE, 'name="a\\n"') == f"command line: name=\"a\\n\": found 'a\\n', {rule} a?"
    assert f"{rule} {'a' * 200}?" in refusal(BASE, "name=" + "a" * 201)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my test", "my-test"),
        ("übung 1", "ubung-1"),
        ("a  (b)", "a-b"),
        ("-x-", "x"),
        (".hidden", "hidden"),
        ("()", "run"),
        ("\uff21", "A"),
        ("a'b\n", "a-b"),
    ],
)
def test_a_file_whose_name_cannot_be_a_folders_gives_a_safe_one(load, capsys, file, name):
    assert load(BASE, file=f"{file}.yaml").name == name
    assert capsys.readouterr().err == (
        f"note: the run is called {name}, as no folder should be called {file!r}\n"
    )
    assert load(BASE, "name=other", file=f"{file}.yaml").name == "other"
    assert capsys.readouterr().err == ""


def test_names_of_which_nothing_is_left_stay_apart(load, capsys):
    names = [load(BASE, file=f"{stem}.yaml").name for stem in ("红楼梦", "水浒传", "红 1", "水 1")]
    assert len(set(names)) == 4
    assert all(re.fullmatch("(run|1)-[0-9a-f]{8}", name) for name in names)


def test_a_tilde_is_the_home_folder_wherever_a_path_is(load, refusal, monkeypatch):
    monkeypatch.setenv("HOME", "/people/me")
    text = (
        "runs: ~/runs\ncorpus:\n  path: [~/a.txt, b.txt]\n  validation: ~/v.txt\n  test: '~'\n"
        "  cache: ~/cache\ntraining:\n  steps: 5\n  init_from: ~/run\n"
    )
    config = load(text)
    assert config.runs == "/people/me/runs"
    assert config.corpus.path == ("/people/me/a.txt", "b.txt")
    assert (config.corpus.validation, config.corpus.test) == ("/people/me/v.txt", "/people/me")
    assert config.corpus.cache == "/people/me/cache"
    assert config.training.init_from == "/people/me/run"
    assert load(BASE, "corpus.path=~/a~b.txt").corpus.path == "/people/me/a~b.txt"
    assert load(BASE, "generation.prompt=~/a").generation.prompt == "~/a"

    wrong = "found '~nobodyhere/x', but ~nobodyhere is nobody's home folder; if something is "
    for key in ("corpus.path", "corpus.cache", "training.init_from", "runs"):
        assert refusal(BASE, f"{key}=~nobodyhere/x") == (
            f"command line: {key}=~nobodyhere/x: {wrong}called so, write './~nobodyhere/x'"
        )
    assert wrong in refusal(BASE, "corpus.path=[a.txt, ~nobodyhere/x]")
    assert wrong in refusal(BASE + "base: ~nobodyhere/x\n")
    for key in ("corpus.path", "runs"):
        assert "no path can hold NUL" in refusal(BASE, f'{key}="a\\0"')
    assert "no path can hold NUL" in refusal(BASE + 'base: "a\\0"\n')
    assert load(BASE, "corpus.path=./~nobodyhere/x").corpus.path == "./~nobodyhere/x"


def test_a_base_at_home(load, monkeypatch, folder):
    monkeypatch.setenv("HOME", str(folder))
    (folder / "b.yaml").write_text(BASE)
    assert load("base: ~/b.yaml\n").training.steps == 5


def test_malformed_overrides(refusal):
    example = "expected section.key=value, such as training.steps=1000"
    assert refusal(BASE, "training.steps") == f"command line: training.steps: {example}"
    assert refusal(BASE, "model=3") == (
        "command line: model=3: model is a section, set one of its keys, such as model.hidden_size"
    )
    assert refusal(BASE, "training.steps=ten") == (
        "command line: training.steps=ten: "
        "found 'ten' (text), expected a whole number of at least 1"
    )
    assert refusal(BASE, "corpus.path=a #1.txt") == (
        "command line: corpus.path=a #1.txt: '#' begins a comment here; "
        "in quotes it is text: 'corpus.path=\"a #1.txt\"'"
    )
    assert "command line: training.steps=[1: not valid YAML: " in refusal(BASE, "training.steps=[1")
    assert refusal(BASE, "generation.prompt=a:\nb").startswith("command line: ")


def test_an_override_that_is_no_text(refusal):
    assert refusal(BASE, "corpus.path=a\udcffé😀") == (
        "command line: corpus.path=a\udcffé😀: what was typed is not UTF-8"
    )


def test_overrides_follow_the_rules_of_yaml(load):
    config = load(
        BASE,
        "optimizer.learning_rate=1e-3",
        "optimizer.clip_norm=",
        'generation.prompt="a = b\\n"',
        "model.bias=false",
        "training.steps=6",
        "training.steps=7",  # the last holds
    )
    assert config.optimizer.learning_rate == 0.001
    assert config.optimizer.clip_norm is None
    assert config.generation.prompt == "a = b\n"
    assert not config.model.bias
    assert config.training.steps == 7


def test_an_override_does_not_hide_a_broken_section(refusal):
    assert refusal(BASE + "model: 3\n", "model.bias=true") == (
        "x.yaml:5: model: found 3, expected a section with keys such as hidden_size"
    )


def test_a_stored_configuration_is_checked_without_lines(load):
    config = load(BASE)
    stored = json.loads(json.dumps(config.model_dump(mode="json")))
    assert config_from_mapping(stored, "run.safetensors") == config
    del stored["name"]
    stored["model"]["bias"] = 1
    with pytest.raises(UserError) as caught:
        config_from_mapping(stored, "run.safetensors")
    assert str(caught.value).startswith(
        "run.safetensors: name: found nothing, expected up to 200 letters"
    )
    assert str(caught.value).endswith("(and 1 more)")
    assert "name" not in stored  # the caller's mapping is left alone


def test_what_yaml_has_other_uses_for_is_text_on_the_command_line(load):
    assert load(BASE, "corpus.glob=**/*.md").corpus.glob == "**/*.md"
    assert load(BASE, "corpus.path=-").corpus.path == "-"


def test_a_configuration_is_changed_by_section(load):
    config = load(BASE)
    new = changed(config, {"generation": {"length": 7, "top_k": 3}, "model": {}}, "generate")
    assert (new.generation.length, new.generation.top_k) == (7, 3)
    assert new == load(BASE, "generation.length=7", "generation.top_k=3")
    assert changed(config, {"training": {"minutes": 2}}, "test").training.steps is None
    for nothing in ({}, {"generation": {}}, {"generation": {"length": config.generation.length}}):
        assert changed(config, nothing, "generate") is config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generation": {"length": 0}}, "generate: generation.length: found 0, expected a whole"),
        ({"generation": {"lenght": 3}}, "generate: generation.lenght: unknown key; did you mean"),
        ({"modle": {"bias": True}}, "generate: modle: unknown key; did you mean model?"),
        ({"generation": 3}, "generate: generation: found 3, expected a section"),
    ],
)
def test_an_impossible_change_is_refused(load, changes, message):
    with pytest.raises(UserError) as caught:
        changed(load(BASE), changes, "generate")
    assert str(caught.value).startswith(message)


def test_a_configuration_is_overridden(load):
    config = load(BASE)
    assert override(config, []) is config
    assert override(config, ["model.bias=true"]) is config
    assert override(config, ["corpus.path=a.txt"]) == config
    corpus = override(config, ["corpus.name=shakespeare"]).corpus
    assert (corpus.path, corpus.name) == (None, "shakespeare")
    assert override(config, ["model.bias=false", "corpus.path=b.txt"]) == load(
        BASE, "model.bias=false", "corpus.path=b.txt"
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["corpus.pth=b"], "corpus.pth=b: unknown key; did you mean corpus.path?"),
        (["steps"], "steps: expected section.key=value, such as training.steps=1000"),
        (["model.bias=3"], "model.bias=3: found 3, expected true or false"),
        (["corpus.path=b", "corpus.name=c"], "corpus.name=c: found path and name, expected exac"),
    ],
)
def test_an_impossible_override_of_a_configuration(load, overrides, message):
    with pytest.raises(UserError) as caught:
        override(load(BASE), overrides)
    assert str(caught.value).startswith(f"command line: {message}")
