"""What a person reads on a page."""

import html
import re

# What is not read, and addresses, in which any number may stand; a dialog is not open yet.
UNREAD = re.compile(r"<(head|script|svg|style|template|dialog)\b.*?</\1>", re.S)


def words_of(answer) -> str:
    """The words of a page or a fragment, one blank between each."""
    text = UNREAD.sub(" ", answer.content.decode())
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())
    return words.replace(" ,", ",")
