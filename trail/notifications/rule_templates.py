"""Rule templates for the most common alerts."""

from trail.notifications.rule import Rule

TEMPLATES = {
    "new_actor": Rule("New actor", "new_actor", query="changes=yes"),
    "outside_hours": Rule(
        "Activity outside working hours",
        query="changes=yes&actor_type=user",
        group_by="actor",
        outside="08:00-18:00",
        roll_up_minutes=60,
    ),
    "tracking_plan": Rule("Tracking plan changed", query="changes=yes&target_type=tracking_plan"),
    "audience_downloaded": Rule(
        "Audience downloaded", query="kind=download&target_type=audience", group_by="actor"
    ),
    # Segment's events about roles and policies do not name the granted role.
    "role_granted": Rule(
        "Role or policy granted",
        query="action=Policy+Created&action=User+Policy+Updated&action=User+Group+Policy+Updated"
        "&action=Subjects+Added+to+Group&action=User+Added+To+User+Group",
        severity="critical",
    ),
}
"""By the name in the editor's URL; destinations and zone are not set."""
