"""HTTP side of the one process: sessions, the guard, and the routes."""
