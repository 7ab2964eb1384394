"""Names for the people and resources of the demo workspace.

Some contain quotes, arrows, accents and a trailing space, as real target names do.
"""

import random
import unicodedata
from collections.abc import Sequence

WORKSPACE = "example-retail"
WORKSPACE_ID = "Vr8mQ2xLzT"

FIRST_NAMES = """
Aisha Alejandro Amara Anders Ananya Beatriz Björn Camille Carlos Chen Clara Daniel Divya Elena
Emeka Erik Fatima Felix Gabriela Grace Hana Hugo Ines Isaac Jana Javier Jun Kavya Kofi Laila Leon
Lucía Magnus Maya Mei Miguel Nadia Nikhil Noor Oscar Paula Rafael Rohan Ruth Sara Sofía Takumi
Tessa Viktor Yara Yusuf Zoë
""".split()  # noqa: SIM905
LAST_NAMES = """
Abara Acosta Ahlberg Banerjee Becker Brandt Castillo Chaudhry Costa Dahl Diallo Eriksen Fischer
Fontaine Garza Gupta Haddad Hoffmann Ibarra Iyer Jansen Kaplan Keller Kimura Lindqvist López
Malik Mendes Moreau Müller Nakamura Navarro Novak Okafor Olsen Osei Patel Petrov Quinn Ramos
Rossi Santos Schmidt Silva Tanaka Torres Vance Weber Wójcik Yilmaz
""".split()  # noqa: SIM905

# For accounts that are only invited, changed and removed. Actors have other names, so that no
# removed user seems to keep working.
OTHER_LAST_NAMES = (
    "Almeida", "Berg", "Cohen", "Dubois", "Engel", "Farouk", "Greco", "Hughes", "Ivanov", "Jha",
    "Kovač", "Larsen", "Marino", "Nair", "Ortega", "Park", "Reyes", "Sato", "Tran", "Vogel",
)  # fmt: skip

SURFACES = (
    "Web checkout", "iOS app", "Android app", "Loyalty API", "Store POS", "Help centre", "Returns",
    "Marketing site", "Gift cards", "Warehouse scanner", "Partner portal", "Kiosk",
    "Blog", "Search",
)  # fmt: skip
STAGES = ("prod", "prod", "staging", "dev", "v2", "v3", "v4", "EU", "US", "(legacy)", "QA")
TOOLS = (
    "Braze", "Amplitude", "Google Analytics 4", "Facebook Conversions API", "Mixpanel", "Iterable",
    "Google Ads", "TikTok Pixel", "Zendesk", "Salesforce", "HubSpot", "Slack", "Webhooks",
    "Klaviyo", "Snapchat", "AppsFlyer", "Optimizely", "FullStory", "LiveRamp", "Pinterest Tag",
)  # fmt: skip
SEGMENTS = (
    "High intent", "Cart abandoners", "Lapsed 90 days", "VIP", "First purchase", "Newsletter",
    "Gift buyers", "Store visitors", "App only", "Price sensitive", "Churn risk", "Back in stock",
    "Birthday month", "Black Friday", "Loyalty gold", 'Said "no thanks"',
)  # fmt: skip
MEASURES = (
    "Lifetime value", "Orders last 30 days", "Average basket", "Favourite category", "Last store",
    "Days since purchase", "Return rate", "Sessions last 7 days", "Discount share", "Email opens",
)  # fmt: skip
STORES = ("Snowflake", "BigQuery", "Redshift", "Databricks", "Postgres")
PURPOSES = ("finance", "marketing", "data science", "reporting", "sandbox", "staging", "archive")
DOMAINS = ("Checkout", "Browse", "Account", "Loyalty", "Returns", "Mobile", "Email", "Stores")
EVENT_NAMES = (
    "Order Completed", "Product Viewed", "Cart Viewed", "Coupon Applied", "Checkout Step Viewed",
    "Product List Filtered", "Payment Info Entered", "Order Refunded", "Signed Up", "Gift Wrapped",
    "Store Selected", "Wishlist Product Added", "Search Performed", "Promotion Clicked",
)  # fmt: skip

_PATTERNS: dict[str, tuple[str, ...]] = {
    "source": ("{surface} {stage}",),
    "integration": ("{tool}", "{tool} – {surface}", "{tool} {stage}"),
    "destination_filter": (
        "Drop {event}", 'Drop "{event}" ', "Only consented {surface}", "Strip e-mail → {tool}",
        "Sample 10 % of {event}",
    ),
    "warehouse": ("{store} {purpose}",),
    "warehouse_credential": ("{store} {purpose} key", "svc_{store}_{purpose}"),
    "tracking_plan": ("{domain} events", "{domain} plan {stage}"),
    "space": ("{domain} space",),
    "audience": ("{segment} → {tool}", "{segment}", "{segment} ({domain})", '{segment} "test" '),
    "computed_trait": ("{measure}", "{measure} ({domain})"),
    "warehouse_source": ("{store} {purpose}",),
    "source_function": ("{tool} webhook in", "{surface} importer"),
    "function": ("{tool} enrich", "{tool} relay", "Hash e-mail → {tool}"),
    "user_group": ("{domain} editors", "{domain} read only", "{purpose} admins"),
    "storage_destination": ("S3 {purpose}", "GCS {purpose}", "Azure {purpose}"),
    "profiles_warehouse": ("Profiles {store}",),
    "model": ("{segment} model", "{measure} by customer"),
    "transformation": ("Rename {event}", "Round {measure}"),
    "label": ("env:{stage}", "team:{domain}"),
    "workspace": (WORKSPACE,),
    "journey": ("{segment} journey", "Welcome {stage}"),
    "broadcast": ("{segment} broadcast",),
    "consent_category": ("Advertising {stage}", "Personalisation {stage}"),
}  # fmt: skip


def resource_name(kind: str, rng: random.Random) -> str:
    """Return a name for a new resource of *kind*; two resources may get the same one."""
    if kind in ("user", "invite"):
        return email(_full_name(rng, OTHER_LAST_NAMES))
    return rng.choice(_PATTERNS[kind]).format(
        surface=rng.choice(SURFACES),
        stage=rng.choice(STAGES),
        tool=rng.choice(TOOLS),
        segment=rng.choice(SEGMENTS),
        measure=rng.choice(MEASURES),
        store=rng.choice(STORES),
        purpose=rng.choice(PURPOSES),
        domain=rng.choice(DOMAINS),
        event=rng.choice(EVENT_NAMES),
    )


def person(rng: random.Random) -> str:
    """Return a full name; two people may get the same one."""
    return _full_name(rng, LAST_NAMES)


def email(name: str) -> str:
    """Return the address of *name* at example.com, without accents."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return f"{plain.lower().replace(' ', '.')}@example.com"


def _full_name(rng: random.Random, last_names: Sequence[str]) -> str:
    return f"{rng.choice(FIRST_NAMES)} {rng.choice(last_names)}"
