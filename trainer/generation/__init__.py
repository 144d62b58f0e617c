"""New text from a model: drawing a symbol, writing one character after the other."""
