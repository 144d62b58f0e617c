"""Train, inspect and use character-level LSTMs, with a hand-written backward pass."""

__version__ = "0.1.0"
