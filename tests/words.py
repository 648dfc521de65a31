"""What a person reads on a page."""

import re


def words_of(answer) -> str:
    """The page without its tags, scripts and addresses, in which any number may stand."""
    text = re.sub(
        r"<(script|svg|style|template)\b.*?</\1>", " ", answer.content.decode(), flags=re.S
    )
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())
