"""Every ballot rule by its name."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.engine.consensus.ballots import RuleName
from orchestration.engine.consensus.rules.approval import Approval
from orchestration.engine.consensus.rules.borda import Borda
from orchestration.engine.consensus.rules.judge import Judge
from orchestration.engine.consensus.rules.majority import Majority
from orchestration.engine.consensus.rules.plurality import Plurality
from orchestration.engine.consensus.rules.rule import Rule
from orchestration.engine.consensus.rules.unanimous import Unanimous
from orchestration.engine.consensus.rules.weighted import Weighted

RULES: Mapping[RuleName, Rule] = {
    RuleName.PLURALITY: Plurality(),
    RuleName.MAJORITY: Majority(),
    RuleName.WEIGHTED: Weighted(),
    RuleName.BORDA: Borda(),
    RuleName.APPROVAL: Approval(),
    RuleName.UNANIMOUS: Unanimous(),
    RuleName.JUDGE: Judge(),
}
