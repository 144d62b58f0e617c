"""Training: one step, the loop around it, and what it takes of the machine."""
