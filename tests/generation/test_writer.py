from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from trainer.errors import UserError
from trainer.generation.writer import WINDOW, Writer, generate
from trainer.model import load
from trainer.nn import CharacterLSTM
from trainer.scoring.evaluation import score
from trainer.text import Span, Vocabulary

MIXED = "naïve café, ¿qué? 日本語 🙂🙃\n"


@pytest.fixture(scope="module")
def trained_model(trained):
    model = load(trained.checkpoint("tiny"))
    return model.network, model.vocabulary


@pytest.fixture
def random_model(backend):
    """Make a model that has learnt nothing, in float64, so that no rounding makes another text."""

    def random_model(vocabulary):
        model = CharacterLSTM(backend, len(vocabulary), 5, 2, dtype="float64")
        model.initialise(np.random.default_rng(2))
        model.parameters.values[...] *= 2  # what it reads matters
        return model

    return random_model


def letters_of(text, **options):
    """The vocabulary of the characters of a text."""
    return Vocabulary("".join(set(text)), **options)


def bytes_of(text, **options):
    """The vocabulary of the bytes of a text."""
    return Vocabulary("".join(map(chr, sorted(set(text.encode())))), unit="byte", **options)


def scores_after(model, vocabulary, text):
    """The scores of all symbols after a text that the model reads from nothing."""
    ids = model.backend.asarray(vocabulary.encode(text)[:, None], "int32")
    logits, _ = model.forward(ids, model.zero_state(1))
    return model.backend.to_host(logits)[-1, 0]


def probabilities(model, vocabulary, text):
    """What the model, from nothing, expects after a text."""
    p = np.exp(scores_after(model, vocabulary, text))
    return dict(zip(vocabulary.characters, p / p.sum(), strict=True))


def write(writer, length, **options):
    return "".join(character for _, character, _ in writer.write(length, **options))


class TestGenerate:
    def test_greedy_is_the_best_at_each_step(self, random_model):
        vocabulary = Vocabulary("abcdefg")
        model = random_model(vocabulary)
        written = "bad"
        for _ in range(40):  # all is read again for each character: slow and plain
            best = scores_after(model, vocabulary, written).argmax()
            written += vocabulary.characters[best]
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

    def test_it_stops_after_the_text_that_is_asked_for(self, trained_model):
        whole = "".join(generate(*trained_model, "a", 300))
        for until in ("e", "\n", whole[100:107]):
            end = whole.index(until) + len(until)
            assert "".join(generate(*trained_model, "a", 300, until=until)) == whole[:end]
        assert "".join(generate(*trained_model, "a", 300, until="zzz")) == whole

    def test_what_was_given_does_not_count_as_written(self, trained_model):
        text = "".join(generate(*trained_model, "the s", 50, until="sea"))
        assert text != "ea"


class TestBytes:
    vocabulary = bytes_of(MIXED)

    @pytest.mark.parametrize(
        "options",
        [{}, {"temperature": 0}, {"temperature": 5.0}, {"top_k": 1}, {"top_k": 3}, {"top_p": 0.1}],
    )
    def test_only_whole_characters_are_written(self, random_model, options):
        model = random_model(self.vocabulary)
        for seed in range(5):
            characters = list(generate(model, self.vocabulary, "日", 60, seed=seed, **options))
            assert len(characters) == 60
            assert all(len(character) == 1 for character in characters)
            text = "".join(characters)
            assert "\ufffd" not in text
            assert set(text.encode()) <= set(MIXED.encode())  # and it can be encoded

    def test_a_lead_byte_that_nothing_may_follow_is_not_begun(self, random_model):
        # F0 85 begins nothing, E3 85 85 is a letter.
        vocabulary = Vocabulary("ab\xf0\x85\xe3", unit="byte")
        text = set(generate(random_model(vocabulary), vocabulary, "a", 200))
        assert text == {"a", "b", "\u3145"}

    def test_ascii_is_written_as_by_a_model_of_characters(self, random_model):
        model = random_model(Vocabulary("abcdefg\n"))
        texts = [
            list(generate(model, Vocabulary("abcdefg\n", unit=unit), "bad", 200, top_p=0.8))
            for unit in ("character", "byte")
        ]
        assert texts[0] == texts[1]

    def test_it_stops_after_a_text_of_many_bytes(self, random_model):
        model = random_model(self.vocabulary)
        whole = "".join(generate(model, self.vocabulary, None, 500, temperature=5.0))
        until = next(c for c in whole[5:] if len(c.encode()) > 2)
        found = generate(model, self.vocabulary, None, 500, temperature=5.0, until=until)
        assert "".join(found) == whole[: whole.index(until) + 1]


@pytest.mark.parametrize(
    "vocabulary", [Vocabulary("abc\n", unknown="symbol"), bytes_of("añ\n", unknown="symbol")]
)
def test_the_reserved_symbol_is_read_but_never_written(random_model, vocabulary):
    model = random_model(vocabulary)
    model.parameters["output.b"].value[vocabulary.unknown] = 100
    for options in ({}, {"temperature": 0}, {"top_k": 1}):
        text = "".join(generate(model, vocabulary, "a日", 50, **options))
        assert set(text) <= set("abcñ\n")
        assert len(text) == 50


class TestWriter:
    def test_reading_and_writing_in_turn_is_one_text(self, trained_model):
        writer = Writer(*trained_model)
        text = ""
        for read in ("the sea", "", " moon", "a" * (2 * WINDOW)):
            writer.read(read)
            text += read
            written = write(writer, 20, temperature=0)
            assert written == "".join(generate(*trained_model, text, 20, temperature=0))
            text += written

    def test_what_is_refused_is_not_read(self, trained_model):
        writer, other = Writer(*trained_model), Writer(*trained_model)
        with pytest.raises(UserError):
            writer.read("the é")
        assert write(writer, 50) == write(other, 50)

    @pytest.mark.parametrize("vocabulary", [letters_of(MIXED), bytes_of(MIXED)])
    def test_nothing_is_lost_by_stopping_early(self, random_model, vocabulary):
        model = random_model(vocabulary)
        whole = write(Writer(model, vocabulary), 60)
        writer = Writer(model, vocabulary)
        text = ""
        for stop in (1, 17, 42):
            text += "".join(c for _, c, _ in itertools.islice(writer.write(100), stop))
        assert text == whole

    def test_a_long_prompt_is_read_in_windows(self, random_model, backend):
        vocabulary = Vocabulary("abcdefg")
        model = random_model(vocabulary)
        prompt = "".join(np.random.default_rng(1).choice(list("abcdefg"), 3 * WINDOW + 7))
        writer = Writer(model, vocabulary)
        writer.read(prompt)
        (first,) = writer.write(1)
        p = probabilities(random_model(vocabulary), vocabulary, prompt)
        assert first.probability == pytest.approx(p[first.character])
        # What the model keeps for a window has not grown beyond one.
        logits, _ = model.forward(backend.asarray([[0]], "int32"), model.zero_state(1))
        assert len(logits.base) == WINDOW

    @pytest.mark.parametrize("until", [None, "b"])
    def test_texts_side_by_side_are_those_of_their_seeds(self, random_model, until):
        vocabulary = bytes_of("abcdé\n")  # of one byte and two: they do not keep step
        model = random_model(vocabulary)
        writer = Writer(model, vocabulary, [7, 8, 9])
        writer.read("ab" * WINDOW + "é")
        texts = ["", "", ""]
        for text, character, _ in writer.write(40, until=until):
            texts[text] += character
        prompt = "ab" * WINDOW + "é"
        assert texts == [
            "".join(generate(model, vocabulary, prompt, 40, until=until, seed=seed))
            for seed in (7, 8, 9)
        ]

    @pytest.mark.parametrize("vocabulary", [letters_of(MIXED), bytes_of(MIXED, unknown="symbol")])
    def test_the_probability_is_that_of_scoring(self, random_model, vocabulary):
        model = random_model(vocabulary)
        written = list(Writer(model, vocabulary).write(40, temperature=0.7, top_k=5))
        ids = vocabulary.encode("\n" + "".join(character for _, character, _ in written))
        scored = score(model, Span(ids))
        nats = -sum(math.log(probability) for _, _, probability in written)
        assert nats == pytest.approx(scored.nats * scored.characters)

    def test_lines_of_their_own_begin_from_nothing(self, random_model):
        vocabulary = Vocabulary("abc\n")
        model = random_model(vocabulary)
        text = "ab\nc"
        writer = Writer(model, vocabulary, document="line")
        writer.read(text)
        for _, character, probability in writer.write(60, temperature=3.0):
            line = text[text.rindex("\n") :]
            assert probability == pytest.approx(probabilities(model, vocabulary, line)[character])
            text += character
        assert text.count("\n") > 3


def test_a_prompt_of_a_model_of_lines_follows_a_line_end(trained_model):
    model, vocabulary = trained_model
    (after,) = _first(model, vocabulary, "the", document="line")
    (plain,) = _first(model, vocabulary, "\nthe", document="whole")
    assert after.probability == pytest.approx(plain.probability, abs=1e-9)


def _first(model, vocabulary, prompt, *, document):
    writer = Writer(model, vocabulary, document=document)
    writer.read(prompt)
    return list(writer.write(1, temperature=0))
