"""Parts of the People page: the list, one actor, and one target."""
