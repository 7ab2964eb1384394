"""What people do about what needs attention: assign it, comment on it, mute it."""
