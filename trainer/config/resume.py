"""Which keys may change when a run is resumed; any other would make it another run."""

from __future__ import annotations

from trainer.config.schema import SECTIONS

_SECTIONS = {"schedule", "evaluation", "generation", "monitor", "checkpoint"}
_KEYS = {
    # Where the text is; the text itself is compared by its SHA-256.
    "corpus": {"path", "name", "glob", "exclude", "validation", "test", "cache"},
    "training": {"epochs", "steps", "minutes"},
    "optimizer": {"learning_rate", "clip_norm", "clip_value"},
    "backend": {"device", "allow_tf32", "cuda_graph"},
}


def may_change(section: str, key: str) -> bool:
    """Whether a resume may give this key of a section another value."""
    return section in _SECTIONS or key in _KEYS.get(section, ())


FIXED = tuple(
    (name, key)
    for name, section in SECTIONS.items()
    for key in section.model_fields
    if not may_change(name, key)
)
"""Section and key of all that a resume may not change."""
