"""Ballot rules, one small file each."""
