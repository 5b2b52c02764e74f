"""Drives a running system from outside, as people and other systems do: over HTTP and AMQP, through a whole wave."""

import sys
from pathlib import Path

# The scenario's own module, which its generator uses too.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Resources" / "scenarios"))
