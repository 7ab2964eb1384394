"""The state of all resources: created, changed, disabled and deleted.

Guarantees that nothing is changed before it is created or after it is deleted.
"""

import random

from trail.demo import names
from trail.demo.actions import ACTS, CREATE, DELETE, DISABLE, ENABLE, FAIL, FIRST, MODIFY
from trail.demo.thing import Resource, identity_of

# How many of each kind a workspace of 20,000 events has, and whether the number grows with it.
_COUNTS = {
    "source": 40, "integration": 60, "destination_filter": 25, "warehouse": 6,
    "warehouse_credential": 8, "tracking_plan": 12, "space": 4, "audience": 45,
    "computed_trait": 25, "warehouse_source": 5, "source_function": 8, "function": 10, "user": 30,
    "invite": 6, "user_group": 10, "storage_destination": 5, "profiles_warehouse": 3, "model": 8,
    "transformation": 6, "label": 8, "workspace": 1, "journey": 6, "broadcast": 6,
    "consent_category": 2,
}  # fmt: skip
_FIXED_COUNT = frozenset({"space", "profiles_warehouse", "workspace"})
_PARENTS = {"integration": "source", "destination_filter": "integration"}
_MAX_TRIES = 6


class World:
    """All resources that exist at the current time of the generated workspace."""

    def __init__(self, seed: int, size: float, ksuids: list[str], second: int) -> None:
        """Create the initial resources; *size* 1.0 corresponds to 20,000 events.

        *ksuids* and *second* are the identifiers and the time of the initial resources.
        """
        self.rng = random.Random(seed)
        self.pools: dict[str, list[Resource]] = {kind: [] for kind in _COUNTS}
        self._disabled: dict[str, list[Resource]] = {kind: [] for kind in _COUNTS}
        self._ids = iter(ksuids)
        self._second = second
        for kind, count in self.counts(size).items():
            for _ in range(count):
                self.add(self.reserve(kind))
        self._floor = {kind: max(1, len(pool) // 2) for kind, pool in self.pools.items()}

    @staticmethod
    def counts(size: float) -> dict[str, int]:
        """Return how many of each kind a workspace of *size* starts with."""
        return {
            kind: count if kind in _FIXED_COUNT else max(count // 2, 2, round(count * size))
            for kind, count in _COUNTS.items()
        }

    def reserve(self, kind: str, name: str | None = None, identity: str | None = None) -> Resource:
        """Return a resource that does not exist until `add` is called."""
        return self._new(kind, next(self._ids), self._second, name, identity)

    def add(self, resource: Resource) -> None:
        """Let *resource* exist from now on."""
        resource.alive = True
        pool = self.pools[resource.kind]
        resource.at = len(pool)
        pool.append(resource)

    def remove(self, resource: Resource) -> None:
        """Delete *resource*; no later event uses it."""
        resource.alive = False
        pool = self.pools[resource.kind]
        last = pool.pop()
        if last is not resource:  # move the last one into its place; pools can be large
            pool[resource.at] = last
            last.at = resource.at
        if resource.parent:
            resource.parent.children -= 1

    def pin(self, kind: str, name: str, identity: str | None = None) -> Resource:
        """Return a named resource that only planted events disable or delete."""
        resource = self.reserve(kind, name, identity)
        resource.pinned = True
        self.add(resource)
        return resource

    def act(
        self, act: int, position: float, width: float, u: float, ksuid: str, second: int
    ) -> tuple[int, Resource]:
        """Perform action number *act* on a resource within *width* of *position* (0 to 1).

        Returns the action performed (another one where *act* is not possible) and its target.
        """
        kind, operation = ACTS[act].kind, ACTS[act].operation
        if operation == CREATE:
            created = self._new(kind, ksuid, second)
            self.add(created)
            return act, created
        if operation == DELETE:
            return self._delete(act, kind, position, width, u, ksuid, second)
        if operation == DISABLE:
            return self._toggle(act, kind, position, width, u)
        resource = self._pick(kind, position, width, u)
        if operation == FAIL:
            for _ in range(_MAX_TRIES):
                if resource.enabled:
                    break
                resource = self._pick(kind, 0.0, 1.0, self.rng.random())
        return act, resource

    def do(self, act: int, target: Resource) -> None:
        """Perform the planted action number *act* on *target*."""
        operation = ACTS[act].operation
        if operation == CREATE:
            self.add(target)
        elif operation == DELETE:
            self.remove(target)
        elif operation in (DISABLE, ENABLE):
            target.enabled = operation == ENABLE

    def _pick(self, kind: str, position: float, width: float, u: float) -> Resource:
        pool = self.pools[kind]
        # The square concentrates an actor's work on few resources.
        return pool[int((position + width * u * u) % 1.0 * len(pool))]

    def _delete(
        self, act: int, kind: str, position: float, width: float, u: float, ksuid: str, second: int
    ) -> tuple[int, Resource]:
        if len(self.pools[kind]) > self._floor[kind]:
            for _ in range(_MAX_TRIES):
                resource = self._pick(kind, position, width, u)
                if not resource.pinned and not resource.children:
                    self.remove(resource)
                    return act, resource
                u = self.rng.random()
        fallback = FIRST.get((kind, MODIFY), FIRST.get((kind, CREATE), act))
        return self.act(fallback, position, width, u, ksuid, second)

    def _toggle(
        self, act: int, kind: str, position: float, width: float, u: float
    ) -> tuple[int, Resource]:
        disabled = self._disabled[kind]
        while disabled and not disabled[0].alive:
            disabled.pop(0)
        # Most disabled resources are enabled again: half of the switches, once two are disabled.
        if len(disabled) > 2 or (disabled and u < 0.4):
            resource = disabled.pop(0)
            resource.enabled = True
            return FIRST[kind, ENABLE], resource
        for _ in range(_MAX_TRIES):
            resource = self._pick(kind, position, width, u)
            if resource.enabled and not resource.pinned:
                resource.enabled = False
                disabled.append(resource)
                return act, resource
            u = self.rng.random()
        return FIRST[kind, MODIFY], resource

    def _new(
        self,
        kind: str,
        ksuid: str,
        second: int,
        name: str | None = None,
        identity: str | None = None,
    ) -> Resource:
        name = names.resource_name(kind, self.rng) if name is None else name
        parent = None
        if kind in _PARENTS:
            pool = self.pools[_PARENTS[kind]]
            parent = pool[int(self.rng.random() * len(pool))]
            parent.children += 1
        if identity is None:
            identity = identity_of(kind, ksuid, second, parent, self.rng.random())
        return Resource(kind, identity, name, parent)
