"""The core of the audit trail: it knows nothing of Streamlit."""
