"""What orchestration stores."""

from orchestration.models.profiles import ModelProfile, Observation
from orchestration.models.registry import LanguageModel, Price, Provider, ProviderKind
from orchestration.models.runs import (
    Call,
    CallStatus,
    Command,
    CommandKind,
    Event,
    HumanQuestion,
    Rating,
    Run,
    RunStatus,
    Step,
    Timer,
)

__all__ = [
    "Call",
    "CallStatus",
    "Command",
    "CommandKind",
    "Event",
    "HumanQuestion",
    "LanguageModel",
    "ModelProfile",
    "Observation",
    "Price",
    "Provider",
    "ProviderKind",
    "Rating",
    "Run",
    "RunStatus",
    "Step",
    "Timer",
]
