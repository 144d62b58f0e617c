"""From a text file to windows of numbers: vocabulary, corpus, batches, and texts known by name."""

from trainer.text.batches import Batches, Window
from trainer.text.catalogue import entry, faults, fetch, file_of, names
from trainer.text.corpus import (
    Corpus,
    Document,
    Span,
    Split,
    load_corpus,
    own_span,
    symbol_before,
)
from trainer.text.documents import Borders, find_resets
from trainer.text.entries import Entry
from trainer.text.reading import STANDARD_INPUT, read_text, title_of
from trainer.text.sources import Sources, find_files
from trainer.text.utf8 import Spelling, spelling
from trainer.text.vocabulary import Vocabulary

__all__ = [
    "STANDARD_INPUT",
    "Batches",
    "Borders",
    "Corpus",
    "Document",
    "Entry",
    "Sources",
    "Span",
    "Spelling",
    "Split",
    "Vocabulary",
    "Window",
    "entry",
    "faults",
    "fetch",
    "file_of",
    "find_files",
    "find_resets",
    "load_corpus",
    "names",
    "own_span",
    "read_text",
    "spelling",
    "symbol_before",
    "title_of",
]
