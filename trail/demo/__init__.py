"""The demo workspace: generates audit events in the two formats that Segment delivers."""

from trail.demo.stories import STORIES, Story
from trail.demo.workspace import write

__all__ = ["STORIES", "Story", "write"]
