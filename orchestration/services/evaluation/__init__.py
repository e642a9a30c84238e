"""Evaluating strategies on recorded answers."""

from orchestration.services.evaluation.evaluating import EvaluationRequest, Report, evaluate

__all__ = ["EvaluationRequest", "Report", "evaluate"]
