from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from trainer.generation.sampling import choose, probability_of

DRAWS = 4_000


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

    def test_what_may_not_be_drawn_never_is(self):
        p = [0.1, 0.4, 0.0, 0.3]
        with np.errstate(divide="ignore"):
            assert shares([0.0, 0.2, 0.0, 0.1], temperature=0)[1] == 1
            expect(shares(p), p)
            expect(shares(p, top_k=3, top_p=0.999), p)
            expect(shares(p, temperature=0.5), [x**2 for x in p])


def test_the_probability_is_the_softmax_however_large_the_scores():
    scores = np.log([0.1, 0.2, 0.7])
    for shift in (0, 1e4, -1e4):
        found = [probability_of(scores + shift, k) for k in range(3)]
        assert found == pytest.approx([0.1, 0.2, 0.7])
