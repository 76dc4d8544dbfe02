"""Text that is data in a prompt: without the brackets that marks of chats, pictures, items and citations have."""

import json

_BRACKETS = str.maketrans("<>[]", "‹›()")


def unmarked(text: str) -> str:
    """A text on one line, without brackets that could be read as marks (`<image>`, `<|im_end|>`, `[INST]`).

    >>> unmarked("a dog <image>\\n[7]")
    'a dog ‹image› (7)'
    """
    return " ".join(text.split()).translate(_BRACKETS)


def quoted(text: str) -> str:
    """The same as JSON writes it, between quotation marks that no sign of it can end.

    >>> print(quoted('a "dog" <image>'))
    "a \\"dog\\" ‹image›"
    """
    return json.dumps(unmarked(text), ensure_ascii=False)
