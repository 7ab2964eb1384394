"""Saved views of Explore, short links to a page's state, and scheduled exports of a view."""
