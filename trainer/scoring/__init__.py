"""The score of every character and line of a text, and what the model expected instead."""

from trainer.scoring.characters import Characters, characters
from trainer.scoring.summaries import Line, Surprise, Totals, least_expected, lines
from trainer.scoring.text import Text

__all__ = [
    "Characters",
    "Line",
    "Surprise",
    "Text",
    "Totals",
    "characters",
    "least_expected",
    "lines",
]
