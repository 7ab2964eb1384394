"""The sealed trail that the tests of `verify` and `seal` share with the integrity tests."""

from tests.trail.integrity.conftest import sealed, trail

__all__ = ["sealed", "trail"]
