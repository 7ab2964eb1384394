"""A resource of the demo workspace, with its identifier and its JSON as seen in captures."""

import hashlib
import json
import re

from trail.demo import names
from trail.demo.ids import object_id

_TYPES = {"source_function": "source", "warehouse_source": "personas_warehouse_source"}
_PREFIXES = {
    "audience": "spaces/default/audiences/aud_", "computed_trait": "spaces/default/traits/tra_",
    "warehouse_source": "spaces/default/warehouse-sources/whs_", "space": "spa_",
    "tracking_plan": "tp_", "function": "dfn_", "user_group": "ugp_", "invite": "inv_",
    "storage_destination": "sto_", "profiles_warehouse": "psw_", "model": "mod_",
    "transformation": "tfm_", "label": "lbl_", "journey": "jny_", "broadcast": "brd_",
    "consent_category": "cct_", "warehouse_credential": "whc_",
}  # fmt: skip
_NOT_A_SLUG = re.compile(r"[^a-z0-9]+")


class Resource:
    """One resource; ``before`` and ``after`` are its JSON before and after the subject."""

    __slots__ = (
        "after", "alive", "api", "at", "before", "children", "enabled", "id", "kind", "parent",
        "path", "pinned", "quoted", "slug",
    )  # fmt: skip

    def __init__(self, kind: str, identity: str, name: str, parent: "Resource | None") -> None:
        self.kind, self.id, self.parent = kind, identity, parent
        self.at = -1  # index in the pool
        self.alive = self.enabled = True
        self.pinned = False
        self.children = 0
        self.slug = _NOT_A_SLUG.sub("_", name.lower()).strip("_")
        place = f"{parent.path}/destinations" if parent else "sources"
        self.path: str = f"{place}/{self.slug}"
        rtype = _TYPES.get(kind, kind)
        quoted = self.quoted = json.dumps(name, ensure_ascii=False)
        common = f'"resource_id":"{identity}","resource_type":"{rtype}"'
        self.before, self.after = common, f',"target":{quoted}'
        if rtype == "source":
            self.before = f'{common},"source_id":"{identity}"'
        elif kind == "integration" and parent:
            metadata = hashlib.sha256(name.split(maxsplit=1)[0].encode()).hexdigest()[:24]
            self.before = f'"metadata_id":"{metadata}",{common},"source_id":"{parent.id}"'
        elif kind == "warehouse":
            self.after = f'{self.after},"warehouse_id":"{identity}"'
        self.api = f'"resourceId":"{identity}","resourceType":"{rtype}","resourceName":{quoted}}}'


def identity_of(kind: str, ksuid: str, second: int, parent: Resource | None, u: float) -> str:
    """Return an identifier in the format of *kind*; *u* (0 to 1) selects the variant."""
    if kind == "integration":
        return object_id(ksuid, second)
    if kind == "destination_filter" and parent:
        return f"workspaces/{names.WORKSPACE}/{parent.path}/filters/df_{ksuid}"
    if kind == "workspace":
        return names.WORKSPACE_ID
    if kind in _PREFIXES:
        return _PREFIXES[kind] + ksuid
    # Sources made before 2020 have ids of 10 characters, later ones 22.
    return ksuid[6:16] if kind != "source" or u < 0.4 else ksuid[5:]
