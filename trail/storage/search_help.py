"""How to search, in words and examples: for the search box, and for docs/search.md."""

from trail.storage.search_nodes import TEXT_FIELDS

# What each field searches, in the order in which they are offered.
FIELDS = {
    "action": "what happened, such as Warehouses Disabled; the type as received",
    "actor": "who did it: name, email or ID",
    "target": "what was changed: name or ID",
    "target_type": "warehouse, source and others",
    "category": "area of the product",
    "kind": "create, modify, delete and others",
    "outcome": "success, failure or unknown",
    "risk": "0 to 10, or low, medium, high",
    "time": "when it happened, in the selected time zone",
    "actor_type": "user, token, system or unknown",
    "changes": "yes, or no for reads, checks and failed attempts",
    "source": "how it was collected: api, webhook, tracking, s3, folder, file",
    "verified": "yes, or no without proof of the sender",
    "future_dated": "yes if its time was in the future, or no",
    "workspace": "name or ID of the workspace",
    "id": "ID of the event",
    "raw": "text of the record as received, with its keys",
}

# By topic: what is written, and what it finds. A test runs each of them.
EXAMPLES = {
    "Words and phrases": (
        ("snowflake prod", "both words, anywhere and in any order"),
        ('"Snowflake prod"', "these words together"),
        ("-terraform", "events without the word"),
        (r'"the \"old\" one"', r"a phrase with quotation marks; `\\` is a backslash"),
    ),
    "Fields": (
        ("target:snowflake", "the word in the target"),
        ('actor:"Ana Silva"', "a phrase in one field"),
        ("-actor:terraform", "events of everyone else"),
        ("target:(snowflake OR redshift)", "one of several words in one field"),
        ("changes:yes", "no reads, checks or failed attempts"),
        ("raw:messageId", "the word in the record as received"),
    ),
    "Combinations": (
        ("snowflake (delete OR disable)", "one of several words, and another one"),
        ("delete OR disable", "either word"),
        ("snowflake delete OR disable", "`AND` binds closer: (snowflake delete) OR disable"),
        ("snowflake AND NOT delete", "the same as snowflake -delete"),
        ("-(delete OR disable)", "neither word"),
    ),
    "Wildcards": (
        ("target:prod*", "values that start with prod"),
        ("actor:*@example.com", "values that end with it"),
        ("snow*prod", "both parts in one value, in this order"),
        ("target:prod-?", "values with one more character"),
        (r"target:prod\ snow*", r"a space before a wildcard; `\*` and `\?` are these characters"),
        ("-target:*", "events without a target"),
    ),
    "Risk": (
        ("risk>=7", "a risk of 7 or more; also `>`, `<`, `<=` and `=`"),
        ("risk:4..6", "from 4 to 6"),
        ("risk:high", "a level: low (0 to 3), medium (4 to 6) or high (7 to 10)"),
    ),
    "Time": (
        ("time>=2026-11-20", "from the start of that day"),
        ("time<=2026-11-20", "until the end of that day"),
        ("time:2026-11-19..2026-11-20", "both days and what is between"),
        ("time<2026-11-20T14:30", "before a time of day; in UTC with `Z` at the end"),
        ("time:7d", "the last seven days; also `15m`, `24h`, `2w`, `3mo` and `1y`"),
        ("time:yesterday", "also `today`, `last_month`, `this_week` (`this_week_sun`) and others"),
    ),
}  # fmt: skip

# The first of each topic, in plain text, for the search box; of words a few.
SHORT = tuple(
    (text, meaning.replace("`", ""))
    for topic, examples in EXAMPLES.items()
    for text, meaning in examples[: 3 if topic == "Words and phrases" else 1]
)

HELP = (
    "Words match the action, the actor (ID, name, email), the target (type, ID, name), the "
    "workspace and the values in an event's details, regardless of case. All words must match. "
    'Quote phrases: "Snowflake prod"; write \\" for a quote. Exclude with - or NOT; write OR '
    "between alternatives, and parentheses around groups. In a field, a word with * (any "
    "characters) or ? (one) must match the whole value: target:prod*. Search one field with "
    f"{', '.join(f'{name}:' for name in TEXT_FIELDS[:-1])}, and the record as received with raw:. "
    "Compare risk and time, as in risk>=7, risk:4..6, time>=2026-11-23 or time<7d."
)
