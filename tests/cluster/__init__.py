"""Tests with a real Spark cluster on this machine."""
