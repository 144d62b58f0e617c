from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.builder import load_model
from trainer.checkpoint import read_checkpoint
from trainer.errors import UserError
from trainer.generation import choose, generate
from trainer.nn import CharacterLSTM
from trainer.text import Vocabulary

DRAWS = 4_000


@pytest.fixture(scope="module")
def trained_model(trained):
    return load_model(read_checkpoint(trained.checkpoint("tiny")))


def shares(p, **options):
    """Draw many times from scores that stand for these probabilities; how often each came."""
    scores, generator = np.log(np.array(p)), np.random.default_rng(1)
    draws = [choose(scores, generator, **options) for _ in range(DRAWS)]
    return np.bincount(draws, minlength=len(p)) / DRAWS


def expect(found, p):
    """Compare shares with probabilities: zeros exactly, the others within 4 standard deviations."""
    p = np.array(p) / sum(p)
    assert np.array_equal(found[p == 0], p[p == 0])
    assert np.all(np.abs(found - p) <= 4 * np.sqrt(p * (1 - p) / DRAWS))


class TestChoose:
    p = (0.1, 0.4, 0.2, 0.3)

    def test_draws_by_probability(self):
        expect(shares(self.p), self.p)

    def test_only_differences_of_scores_count(self):
        generator, other = np.random.default_rng(1), np.random.default_rng(1)
        scores = np.log(np.array(self.p))
        for _ in range(100):
            assert choose(scores, generator) == choose(scores + 1e4, other)

    @pytest.mark.parametrize("temperature", [0.5, 2.0])
    def test_temperature_divides_the_scores(self, temperature):
        found = shares(self.p, temperature=temperature)
        expect(found, [p ** (1 / temperature) for p in self.p])

    @pytest.mark.parametrize("temperature", [0, 1e-3, 1e-300])
    def test_no_temperature_takes_the_best(self, temperature):
        assert shares(self.p, temperature=temperature)[1] == 1

    def test_of_equal_scores_the_first_is_the_best(self):
        assert choose(np.zeros(5), np.random.default_rng(1), temperature=0) == 0
        assert shares([0.25] * 4, top_k=1)[0] == 1

    @pytest.mark.parametrize(
        ("k", "kept"),
        [(1, (0, 1, 0, 0)), (2, (0, 4, 0, 3)), (3, (0, 4, 2, 3)), (4, (1, 4, 2, 3)), (9, p)],
    )
    def test_top_k_keeps_the_k_best(self, k, kept):
        expect(shares(self.p, top_k=k), kept)

    def test_top_k_never_keeps_more(self):
        expect(shares([0.25] * 4, top_k=2), (1, 1, 0, 0))

    @pytest.mark.parametrize(
        ("top_p", "kept"),
        [
            (1e-9, (0, 1, 0, 0)),
            (0.39, (0, 1, 0, 0)),
            (0.41, (0, 4, 0, 3)),
            (0.69, (0, 4, 0, 3)),
            (0.71, (0, 4, 2, 3)),
            (0.91, p),
            (1.0, p),
        ],
    )
    def test_top_p_keeps_the_fewest_that_reach_it(self, top_p, kept):
        expect(shares(self.p, top_p=top_p), kept)

    def test_top_p_looks_at_what_top_k_and_the_temperature_left(self):
        # Of the two best, 4/7 and 3/7, the first alone reaches 0.55.
        expect(shares(self.p, top_k=2, top_p=0.55), (0, 1, 0, 0))
        expect(shares(self.p, top_k=2, top_p=0.6), (0, 4, 0, 3))
        # Squared, 0.16 / 0.3 is more than a half.
        expect(shares(self.p, temperature=0.5, top_p=0.5), (0, 1, 0, 0))

    def test_what_has_no_probability_is_never_drawn(self):
        class Extreme:
            """A generator at the two ends of what it may give."""

            numbers = itertools.cycle([0.0, math.nextafter(1, 0)])

            def random(self):
                return next(self.numbers)

        scores = np.array([-1e9, 0.0, -1e9, 0.0, -1e9])
        drawn = {choose(scores, Extreme()) for _ in range(2)}
        assert drawn == {1, 3}

    def test_the_scores_are_left_as_they_are(self):
        scores = np.log(np.array(self.p))
        choose(scores, np.random.default_rng(1), 0.5, 2, 0.5)
        assert np.array_equal(scores, np.log(np.array(self.p)))


class TestGenerate:
    def test_greedy_is_the_best_at_each_step(self):
        model, vocabulary = CharacterLSTM(create_backend(), 7, 5, 2), Vocabulary("abcdefg")
        model.initialise(np.random.default_rng(2))
        model.parameters.values[...] *= 2  # it writes cccdccdccdcdcdcccd: what it does matters
        written = "bad"
        for _ in range(40):  # all is read again for each character: slow and plain
            ids = vocabulary.encode(written).astype(np.int32)[:, None]
            logits, _ = model.forward(ids, model.zero_state(1))
            written += vocabulary.characters[int(logits[-1, 0].argmax())]
        greedy = "".join(generate(model, vocabulary, "bad", 40, temperature=0))
        assert "bad" + greedy == written

    @pytest.mark.parametrize("prompt", [None, ""])
    def test_without_a_prompt_a_line_begins(self, trained_model, prompt):
        assert list(generate(*trained_model, prompt, 50)) == list(
            generate(*trained_model, "\n", 50)
        )

    def test_without_lines_it_begins_with_the_first_character(self, trained_model):
        model, vocabulary = trained_model
        letters = Vocabulary(vocabulary.characters.replace("\n", "z"))
        assert list(generate(model, letters, None, 50)) == list(generate(model, letters, " ", 50))

    def test_the_seed_makes_the_text(self, trained_model):
        one, same, other = (list(generate(*trained_model, "a", 100, seed=s)) for s in (1, 1, 2))
        assert one == same != other

    def test_as_many_as_asked_for_one_at_a_time(self, trained_model):
        text = list(generate(*trained_model, "a", 33))
        assert len(text) == 33
        assert all(len(character) == 1 for character in text)

    def test_characters_come_before_the_last_is_made(self, trained_model):
        endless = generate(*trained_model, "a", 10**12)
        assert len(list(itertools.islice(endless, 20))) == 20

    def test_an_unknown_character_is_refused_at_once(self, trained_model):
        with pytest.raises(UserError, match=r"^the prompt: unknown character 'é'"):
            generate(*trained_model, "thé", 10)
