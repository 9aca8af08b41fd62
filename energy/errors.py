"""One error tree, by who must act.

CarbonwatchError
├── InputError      the sender's: the input is refused and kept in quarantine with its reason
├── OutsideError    a neighbour's (broker, database): keep the data, back off, try again
└── SetupError      the operator's: says how to mend it; a command ends with exit code 2
"""


class CarbonwatchError(Exception):
    """Base of every error that this system raises on purpose."""


class InputError(CarbonwatchError):
    """The sender's input cannot be taken; `reason` is a short stable word, the text says the detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class OutsideError(CarbonwatchError):
    """A neighbour does not answer or refuses for now; nothing is lost, the caller tries again."""


class SetupError(CarbonwatchError):
    """The set-up is wrong; the text is one line and says how to mend it."""
