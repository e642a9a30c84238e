"""The member that benchmarks use the site as."""

from benchmarks.member import Member

__all__ = ["Member"]
