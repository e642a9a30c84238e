"""Evaluating strategies on recorded answers."""
