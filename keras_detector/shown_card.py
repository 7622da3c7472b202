"""A stranger's card as a terminal may show it."""

import msgspec

from keras_detector.card import MAX_NAME, Card
from keras_detector.printable import printable


def shown_card(card: Card) -> Card:
    """The card with every text, names of sources as well, made `printable`."""
    values = {key: _shown(value) for key, value in msgspec.to_builtins(card).items()}
    # Escapes are longer than what they stand for.
    return msgspec.convert(values | {"name": printable(card.name)[:MAX_NAME]}, Card)


def _shown(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_shown(key): _shown(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return value
