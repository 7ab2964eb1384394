"""The parts of the page of people: everybody, one actor, one target."""
