"""What a run shows of itself: metrics.jsonl, TensorBoard and the progress display."""
