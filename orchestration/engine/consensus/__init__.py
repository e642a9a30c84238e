"""What several answers have in common: so far, the final answer that each one states."""
