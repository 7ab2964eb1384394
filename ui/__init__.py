"""Streamlit helpers: sign-in, access check, filter bar, charts, tables and text."""
