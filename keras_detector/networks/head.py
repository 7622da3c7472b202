"""Where a network's head begins: the layers behind the last feature map or the class tokens."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Head:
    """A network cut in two.

    Attributes:
        model: the innermost model that holds the cut: the network, or a backbone nested in it.
        before: what the network does before that model: pictures to its input.
        cut: the symbolic tensor at the cut, in `model`: a feature map (n, h, w, c), or class
            tokens (n, c).
        layers: the layers behind it, in their order.
    """

    model: "keras.Model"
    before: "keras.Model"
    cut: Any
    layers: list["keras.layers.Layer"]


def find_head(network: "keras.Model") -> Head:
    """Cut a network before its head, however deep its backbone is nested.

    Args:
        network: pictures (n, s, s, 3) to logits (n, 1), one path from the cut to the end.

    Raises:
        TypeError: there is no feature map and no class token on that path.
    """
    from keras import Model

    layers: list[keras.layers.Layer] = []
    cut = _walk(network, layers)
    if cut is None:
        raise TypeError("no feature map or class token on the way to the logit")
    model, tensor, way_in = cut
    before = Model(network.inputs, way_in if way_in is not None else network.inputs[0])
    return Head(model, before, tensor, layers)


def _walk(model: "keras.Model", layers: list["keras.layers.Layer"]) -> tuple[Any, Any, Any] | None:
    """From the output backwards; returns the model, tensor and way in of the cut, if it is here."""
    from keras import Model
    from keras.layers import InputLayer

    tensor = model.outputs[0]
    while len(tensor.shape) != 4:
        operation, number, _ = tensor._keras_history
        if operation.name.startswith("class_token"):
            break
        if isinstance(operation, InputLayer):
            return None
        (before,) = _sources(operation, number)
        if isinstance(operation, Model):
            found = _walk(operation, layers)
            if found is not None:
                inner, cut, way_in = found
                if way_in is not None:  # nested twice
                    way_in = Model(operation.inputs, way_in)(before)
                return inner, cut, before if way_in is None else way_in
        else:
            layers.insert(0, operation)
        tensor = before
    return model, tensor, None


def _sources(operation: Any, number: int) -> list[Any]:
    sources: list[Any] = operation._inbound_nodes[number].input_tensors
    if len(sources) != 1:
        raise TypeError(f"no closed form for a {type(operation).__name__} in the head")
    return sources
