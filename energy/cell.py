"""Text in a table that a spreadsheet opens: it stays text there, whoever wrote it."""

_BEGINS_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the wide ones too


def inert(text: str) -> str:
    """The text with a ' before it where a spreadsheet would take it for a formula and run it.

    A lone carriage return becomes a line feed: writers of CSV leave it bare, and readers begin a row there.

    >>> inert("=1+1"), inert("incomer"), inert("a\\r=1")
    ("'=1+1", 'incomer', 'a\\n=1')
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.lstrip().startswith(_BEGINS_FORMULA) or text.startswith("\t") else text
