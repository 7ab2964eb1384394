"""Seals: signed, chained digests of each closed day, and their verification."""
