"""A trained model: by several threads, with the run's own settings, with a text that has moved."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from trainer.api import load
from trainer.errors import UserError

TEXTS = ["the sea and old moon\n", "a quiet hill sings\n" * 20, "wind over the river\n" * 40]


@pytest.fixture(scope="module")
def model(trained):
    return load(trained.path / "runs" / "tiny")


def test_several_threads_use_one_model(model):
    """What one thread alone finds, all find at once."""
    prompts = ["the", "old moon", "a", "sings to its"]
    alone = [model.generate(prompt, 150, seed=3) for prompt in prompts]
    scores, cells = [model.score(t) for t in TEXTS], [model.read(t).cell for t in TEXTS]
    begin = threading.Barrier(8)

    def work(thread):
        begin.wait()
        for k in range(6):
            n = (thread + k) % len(prompts)
            assert model.generate(prompts[n], 150, seed=3) == alone[n]
            text = TEXTS[n % len(TEXTS)]
            np.testing.assert_array_equal(model.score(text), scores[n % len(TEXTS)])
            np.testing.assert_array_equal(model.read(text).cell, cells[n % len(TEXTS)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_streams_are_interleaved_within_and_across_threads(model):
    alone = [model.generate("the", 60, seed=seed) for seed in range(4)]
    streams = [model.stream("the", 60, seed=seed) for seed in range(4)]
    written = [""] * 4
    with ThreadPoolExecutor(4) as pool:
        for _ in range(60):  # each character by whichever thread is free
            for k, character in enumerate(pool.map(next, streams)):
                written[k] += character
    assert written == alone


def test_what_is_not_given_is_as_the_run_says(project):
    given = ("generation.temperature=0.5", "generation.seed=9", "generation.length=25")
    assert project.train("tiny.yaml", *given, "generation.prompt=the").status == 0
    model = load(project.path / "runs" / "tiny")
    by_command = project.trainer("generate", "runs/tiny").stdout
    assert f"the{model.generate()}\n" == by_command
    assert len(model.generate(length=7)) == 7
    assert model.generate(seed=10) != model.generate()


def test_loading_and_using_leaves_the_threads_of_the_process_alone(trained):
    def threads():
        return [library["num_threads"] for library in threadpool_info()]

    before = threads()
    model = load(trained.path / "runs" / "tiny")
    model.score(TEXTS[0])
    assert threads() == before


def test_a_text_of_its_own_follows_a_line_end(project):
    """Where files are texts of their own, each was learnt after the line end of the one before."""
    (project.path / "more.txt").write_text("the wind\n" * 40)
    given = ("corpus.path=[text.txt, more.txt]", "corpus.document=file", "training.steps=20")
    assert project.train("tiny.yaml", *given).status == 0
    model = load(project.path / "runs" / "tiny")
    whole = load(project.path / "runs" / "tiny", ["generation.seed=1"])
    whole.config = model.config.model_copy(
        update={"corpus": model.config.corpus.model_copy(update={"document": "whole"})}
    )
    assert model.generate("the", 40, seed=2) == whole.generate("\nthe", 40, seed=2)
    np.testing.assert_allclose(model.score("the sea"), whole.score("\nthe sea")[1:], atol=1e-6)
    cells = whole.read("\nthe sea").cell[:, 1:]
    np.testing.assert_allclose(model.read("the sea").cell, cells, atol=1e-6)
    by_command = project.trainer("generate", "runs/tiny", "--prompt", "the", "--length", 40)
    assert by_command.stdout == f"the{whole.generate(chr(10) + 'the', 40)}\n"


@pytest.mark.parametrize(
    "override",
    ["model.hidden_size=9", "corpus.unit=byte", "training.seed=2", "corpus.document=line"],
)
def test_what_was_trained_cannot_be_changed(trained, refused, override):
    key, _, value = override.partition("=")
    refused(trained.trainer("generate", "runs/tiny", override), key, f"found {value}")
    with pytest.raises(UserError, match="cannot change any more"):
        load(trained.path / "runs" / "tiny", [override])


@pytest.mark.parametrize("command", ["evaluate", "novelty"])
def test_the_text_of_a_run_has_moved(project, refused, command):
    assert project.train("tiny.yaml", "training.steps=10").status == 0
    before = project.trainer(command, "runs/tiny", "--json").stdout
    (project.path / "elsewhere").mkdir()
    project.text.rename(project.path / "elsewhere" / "moved.txt")
    refused(project.trainer(command, "runs/tiny"), "text.txt", "corpus.path=NEW")
    after = project.trainer(command, "runs/tiny", "corpus.path=elsewhere/moved.txt", "--json")
    assert after.stdout.replace("elsewhere/moved.txt", "text.txt") == before


def test_another_sample_each_time(trained):
    first, second = (
        trained.trainer("generate", "runs/tiny", "--seed", "random", "--length", 50)
        for _ in range(2)
    )
    assert first.stdout != second.stdout
    seed = first.stderr.split("--seed ")[1].split()[0]
    again = trained.trainer("generate", "runs/tiny", "--seed", seed, "--length", 50)
    assert again == (0, first.stdout, "")
