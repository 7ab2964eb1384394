"""Explain quarantined records: reasons with counts and a sample, and the product they look like.

A record is recognized by the names of its members, so that a sample of any version will do, even
one that was cut.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from trail.core.model import Batch, RefusalReason, Reject

SAMPLE_CHARACTERS = 160
MAX_REASONS = 20
OTHER_REASONS = "Other reasons"

_BYTES = 8_192  # of a record that are searched for names
_NAME = re.compile(rb'"((?:[^"\\]|\\.){1,80})"\s*:')
# What differs between records that are refused for the same reason.
_DETAIL = re.compile(r"(?:, column| at byte) \d+$|(?<=^Time not understood): .*", re.DOTALL)

# Product, and the sets of member names of which one must be present as a whole.
_MEMBERS: tuple[tuple[str, tuple[frozenset[bytes], ...]], ...] = tuple(
    (product, tuple(frozenset(name.encode() for name in names.split()) for names in sets))
    for product, sets in (
        ("AWS CloudTrail", ("eventVersion eventSource eventName", "eventSource userIdentity")),
        ("Okta", ("eventType published", "eventType displayMessage")),
        (
            "GitHub",
            (
                "_document_id action",
                "@timestamp action actor",
                "@timestamp action org",
                "action actor_id created_at org",
                "action actor business created_at",
            ),
        ),
        (
            "Elasticsearch",
            ("event.action event.type", "node.id type", "node.name cluster.name", "_index _source"),
        ),
        ("Elastic Common Schema", ("ecs.version", "ecs @timestamp", "@timestamp event agent")),
        ("Datadog", ("attributes evt", "ddsource", "attributes ddtags")),
        (
            "GitLab",
            (
                "author_id entity_id entity_type",
                "author_name entity_type target_type",
                "entity_path entity_type",
            ),
        ),
        ("Google Cloud", ("protoPayload", "insertId logName")),
        ("Google Workspace", ("actor events id kind", "applicationName uniqueQualifier")),
        (
            "Microsoft Entra or Azure",
            (
                "activityDisplayName initiatedBy",
                "operationName resourceId",
                "operationName tenantId",
                "operationName eventTimestamp",
            ),
        ),
        ("Microsoft 365", ("CreationTime Operation", "RecordType Workload")),
        ("Auth0", ("log_id type", "client_id connection_id strategy")),
        ("Slack", ("action date_create entity",)),
        ("Kubernetes", ("auditID verb", "auditID stage")),
        ("HashiCorp Vault", ("auth request time type", "mount_type request")),
        ("Cloudflare", ("ActionType ActorEmail", "ClientRequestHost EdgeStartTimestamp")),
        ("1Password", ("actor_uuid object_uuid", "action actor_uuid")),
        ("MongoDB", ("atype ts", "$date atype")),
        ("Stripe", ("created livemode", "api_version pending_webhooks", "created object type")),
        ("Splunk", ("sourcetype event", "_raw _time")),
        ("systemd journal", ("__REALTIME_TIMESTAMP",)),
        ("Docker", ("log stream time",)),
        ("application log", ("level msg time", "hostname level msg", "level message timestamp")),
        ("Segment tracking", ("context messageId type", "anonymousId type")),
    )
)
_AUDIT = b"details"  # of a forwarded audit event, which a tracking call lacks

# What is not JSON is recognized by how it begins.
_STARTS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("syslog", re.compile(rb"<\d{1,3}>|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ \S+:")),
    ("web server access log", re.compile(rb'\S+ \S+ .{1,64} \[[^\]]+\] "[A-Z]+ ')),
    ("CEF", re.compile(rb"CEF:\d")),
)


def note(batch: Batch, rejects: Iterable[Reject]) -> None:
    """Add *rejects* to the reasons and products of *batch*.

    A sample is the first record of its reason. After `MAX_REASONS`, further reasons share one.
    """
    for reject in rejects:
        reason = _DETAIL.sub("", reject.reason)
        if reason not in batch.reasons and len(batch.reasons) >= MAX_REASONS:
            reason = OTHER_REASONS
        if reason not in batch.reasons:
            text = reject.raw[: 4 * SAMPLE_CHARACTERS].decode(errors="replace")
            sample = text if len(text) <= SAMPLE_CHARACTERS else f"{text[:SAMPLE_CHARACTERS]}…"
            batch.reasons[reason] = RefusalReason(reason, 0, reject.line, sample)
        batch.reasons[reason].count += 1
        batch.reasons[reason].last_line = max(batch.reasons[reason].last_line, reject.line)
        if product := looks_like(reject.raw):
            batch.looks_like[product] = batch.looks_like.get(product, 0) + 1


def looks_like(raw: bytes) -> str:
    """Return the product whose log the record *raw* seems to come from, or an empty string."""
    start = raw[:_BYTES].lstrip()
    if start[:1] not in (b"{", b"["):
        return next((name for name, pattern in _STARTS if pattern.match(start)), "")
    names = set(_NAME.findall(start))
    if {b"properties", _AUDIT} <= names:
        return ""
    for product, sets in _MEMBERS:
        if any(members <= names for members in sets):
            return product
    return ""


def merged(batches: Sequence[Batch]) -> Batch:
    """Return a batch with the summed counts, reasons and products of *batches*."""
    total = Batch(source="", loader="", batch_id=batches[-1].batch_id if batches else None)
    products: Counter[str] = Counter()
    for batch in batches:
        total.read += batch.read
        total.kept += batch.kept
        total.duplicates += batch.duplicates
        total.quarantined += batch.quarantined
        products.update(batch.looks_like)
        for reason, item in batch.reasons.items():
            known = total.reasons.setdefault(
                reason, RefusalReason(reason, 0, item.line, item.sample)
            )
            known.count += item.count
            known.last_line = max(known.last_line, item.last_line)
    total.looks_like = dict(products.most_common())
    return total


def sentence(batch: Batch) -> str:
    """Return which product the quarantined records look like, or an empty string."""
    if not batch.looks_like:
        return ""
    products = Counter(batch.looks_like).most_common()
    if len(products) == 1 and products[0][1] == batch.quarantined:
        names = products[0][0]
    else:
        names = ", ".join(f"{name} ({count:,})" for name, count in products)
    return f"These look like {names} records, not Segment audit events."
