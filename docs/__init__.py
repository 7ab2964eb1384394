"""Generators of documentation pages and screenshots."""
