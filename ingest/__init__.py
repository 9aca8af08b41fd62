"""From the broker to the store: receive, journal, acknowledge, decode, check, land; or quarantine with a reason."""
