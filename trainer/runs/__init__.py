"""Runs on the disk: the folder of a run, its checkpoints, and how far it has come."""
