"""What a workspace shows, and readers of the figures in it."""
