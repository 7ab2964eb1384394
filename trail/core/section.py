"""What every section of the settings is."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, JsonValue

# Passed to a field as `json_schema_extra`: owners can change the setting in the browser.
EDITABLE: dict[str, JsonValue] = {"editable": True}


class Section(BaseModel):
    """One section of the settings.

    A loader declares its own as a subclass that names the section; classes of the same section
    are merged.
    """

    section: ClassVar[str] = ""
    model_config = ConfigDict(extra="forbid", frozen=True)
