"""Streamlit helpers: sign-in, the page gate, the filter bar, charts, tables and words."""
