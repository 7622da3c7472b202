"""A stranger's card as a terminal may show it."""

import msgspec

from keras_detector.card import Card
from keras_detector.printable import printable


def shown_card(card: Card) -> Card:
    """The card with every text, names of sources as well, made `printable`."""
    return msgspec.convert(_shown(msgspec.to_builtins(card)), Card)


def _shown(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_shown(key): _shown(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return value
