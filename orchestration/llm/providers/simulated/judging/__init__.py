"""Judging, ranking and combining the answers of others, by solving the question oneself."""
