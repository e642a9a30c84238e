"""How good is an answer? Checks and judges give evidence; a stated formula makes one probability of it."""

from orchestration.engine.quality.controller import assess
from orchestration.engine.quality.evidence import Dimension

__all__ = ["Dimension", "assess"]
