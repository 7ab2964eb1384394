"""Rule: whoever is in a group has its rights."""

from trail.findings.model import Example, Rule, act

DETECTOR = Rule(
    name="group-changed",
    title="User group changed",
    sentence="A group's rights or members were changed.",
    check=(
        "Compare the group's rights with what its members need.",
        "See who was added, and by whom.",
    ),
    points=50,
    query=(
        "action=User+Group+Created"
        "&action=User+Group+Updated"
        "&action=User+Group+Deleted"
        "&action=Subjects+Added+to+Group"
        "&action=User+Added+To+User+Group"
        "&action=User+Group+Policy+Updated"
    ),
    examples=(
        Example(
            "it happens", True, act(1, "10:00", "users/ana", "User Group Created"), 1, "users/ana"
        ),
        Example(
            "something else happens",
            False,
            act(1, "10:00", "users/ana", "User Invite Accepted"),
            1,
            "users/ana",
        ),
    ),
)
