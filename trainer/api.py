"""A trained model in Python: let it write, score a text, look inside; all on NumPy arrays.

::

    from trainer.api import load

    model = load("runs/shakespeare")
    print(model.generate("ROMEO:", length=300, temperature=0.8))
    losses = model.score("To be, or not to be")          # (n - 1,) nats
    inside = model.read("To be, or not to be")
    inside.forget.shape                                  # (L, n, H)
"""

from __future__ import annotations

from trainer.model import Model, Reading, load

__all__ = ["Model", "Reading", "load"]
