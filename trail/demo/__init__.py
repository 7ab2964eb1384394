"""A believable Segment workspace to look at before one's own is connected.

Separate from the core: it only writes a file in the two shapes in which Segment hands out audit
events, and the ordinary loaders read that file. Nothing of the core depends on it.
"""

from trail.demo.stories import STORIES, Story
from trail.demo.workspace import write

__all__ = ["STORIES", "Story", "write"]
