"""The polled feeds: one for each workspace.

The feed of the first workspace has the name of its loader. Other feeds append the name of the
workspace after a colon, such as `segment_api:eu`, so that each has its own job, cursor, coverage
and health.
"""

from collections.abc import Mapping
from dataclasses import replace

from trail.core import registry
from trail.core.errors import InputError
from trail.core.model import Feed
from trail.core.settings import Settings
from trail.storage.collected_by import WORKSPACE_MARK


def configured(settings: Settings) -> list[Feed]:
    """Return the configured feeds, one per workspace, in the order of loaders and names."""
    result = []
    for feed in registry.of_kind(Feed):
        if feed.configured(settings):
            result.append(feed)
        result += [of_workspace(feed, name) for name in sorted(feed.more(settings))]
    return result


def of_workspace(feed: Feed, name: str) -> Feed:
    """Return *feed* for the further workspace *name* of its settings."""

    def narrowed(settings: Settings) -> Settings:
        found = feed.more(settings).get(name)
        if found is None:
            raise InputError(f"The workspace {name} is no longer configured.")
        return found

    return replace(
        feed,
        name=f"{feed.name}{WORKSPACE_MARK}{name}",
        title=f"{feed.title}: {name}",
        example={feed.more_setting: {name: "…"}},
        pull=lambda settings, ask: feed.pull(narrowed(settings), ask),
        directory=lambda settings: feed.directory(narrowed(settings)),
        workspace=lambda settings: feed.workspace(narrowed(settings)),
        available=lambda settings, now: feed.available(narrowed(settings), now),
    )


def titled(feed: Feed, workspaces: Mapping[str, str]) -> Feed:
    """Return *feed* with the name of its workspace in its title, where there are several.

    *workspaces* are the display names by feed; see `workspaces.of_sources`.
    """
    name = workspaces.get(feed.name)
    if not name:
        return feed
    first = registry.discover("loaders", "LOADER")[feed.name.partition(WORKSPACE_MARK)[0]]
    return replace(feed, title=f"{first.title}: {name}")


def workspace_of(feed: Feed) -> str:
    """Return the workspace name of *feed*; empty for the first workspace."""
    return feed.name.partition(WORKSPACE_MARK)[2]
