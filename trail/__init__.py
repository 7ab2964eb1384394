"""The core of the audit trail: it knows nothing of Streamlit."""

VERSION = "0.1.0"
