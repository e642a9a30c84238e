"""How good a strategy is: the real engine over recorded answers, scored by labels that no strategy sees."""
