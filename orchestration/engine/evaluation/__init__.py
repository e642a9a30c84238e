"""How good is a strategy? The real engine over recorded answers, scored by labels that no strategy sees."""
