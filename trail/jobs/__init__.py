"""What the running server does by itself: `bringing` events in, `keeping` what is there."""
