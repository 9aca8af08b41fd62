"""From kept readings to accounts, verdicts and alerts."""
