"""The books: registry, alerts, quarantine, ledger; transactions and append-only history, on SQLAlchemy."""
