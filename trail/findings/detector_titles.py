"""The titles of detectors and rules, for people; their names are for programs."""

from trail.core import registry


def of(detector: str) -> str:
    """Return the title of what a reason calls its *detector*: "Activity after removal".

    One that no longer exists is named by its own words.
    """
    name = detector.removeprefix("rule:")
    known = registry.discover("detectors", "DETECTOR").values()
    found = next((one.title for one in known if one.name == name), "")
    return found or name.replace("-", " ").capitalize()
