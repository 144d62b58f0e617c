"""Checks of a real GPU: that it computes what the CPU does, without waiting, and how fast."""

from trainer.gpu_check.check import Check, Finding, Outcome, run_checks
from trainer.gpu_check.gpu import Gpu
from trainer.gpu_check.report import as_json, table, verdict
from trainer.gpu_check.suite import CORRECTNESS, speeds

__all__ = [
    "CORRECTNESS",
    "Check",
    "Finding",
    "Gpu",
    "Outcome",
    "as_json",
    "run_checks",
    "speeds",
    "table",
    "verdict",
]
