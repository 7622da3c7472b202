"""Which `config.json` of a Keras model may be opened: one that names nothing but Keras's own parts.

Keras rebuilds a model by importing what its configuration names, and a few of its classes carry
Python code or read files (`Lambda`, `TFSMLayer`, `TorchModuleWrapper`, `StringLookup`, ...). So
this is a list of what a network for pictures is made of; whatever is not on it is refused.
"""

import json
import re
from collections.abc import Iterator

from keras_detector.errors import ModelFileError

_MAX_DEPTH = 64  # a backbone nested in a model comes to 15

_LAYERS = """
    InputLayer|Identity|Activation|Softmax|P?ReLU|LeakyReLU|ELU
    |Dense|EinsumDense|(Reversible)?Embedding|Masking
    |(Depthwise|Separable)?Conv[123]D|Conv[123]DTranspose|ConvLSTM[123]D
    |(Global|Adaptive)?(Max|Average)Pooling[123]D
    |(ZeroPadding|Cropping|UpSampling)[123]D
    |(Batch|Layer|Group|RMS|Unit|Spectral)?Normalization
    |Dropout|(Alpha|Gaussian)Dropout|GaussianNoise|SpatialDropout[123]D|ActivityRegularization
    |Add|Subtract|Multiply|Average|Maximum|Minimum|Concatenate|Dot
    |Flatten|Reshape|Permute|RepeatVector
    |(MultiHead|GroupQuery|Additive)?Attention
    |(LSTM|GRU|SimpleRNN)(Cell)?|RNN|StackedRNNCells|Bidirectional|TimeDistributed
    |Rescaling|Resizing|CenterCrop|Random[A-Z][A-Za-z]+|RandAugment|AugMix|CutMix|MixUp
    |AutoContrast|Equalization|Solarization|Pipeline
"""
_CORE_OPERATIONS = "Cast|SaturateCast|Slice|SliceUpdate|Scatter|ScatterUpdate|StopGradient|Unstack"
_ANY_CLASS = "[A-Z][A-Za-z0-9]*"

# Module to class name, both whole. Keras spells parts without a public name by their private one.
_ALLOWED = tuple(
    (re.compile(module), re.compile(classes, re.VERBOSE))
    for module, classes in (
        (r"keras", "Sequential|DTypePolicy"),
        (r"keras\.src\.models\.functional", "Functional"),
        (r"keras\.layers", _LAYERS),
        (r"keras\.src\.applications\.convnext", "LayerScale"),
        (r"keras\.src\.ops\.core", _CORE_OPERATIONS),
        (r"keras\.src\.ops\.(numpy|nn|image|linalg|math|einops)", _ANY_CLASS),
        (r"keras\.(initializers|regularizers|constraints|dtype_policies|quantizers)", _ANY_CLASS),
        (r"keras\.(losses|metrics|optimizers|optimizers\.schedules)", _ANY_CLASS),
        (r"keras\.random", "SeedGenerator"),
        (r"keras\.(activations|losses|metrics)", "function"),
        (r"builtins", "function"),  # Keras looks these up among its own functions only
    )
)
_PLAIN_VALUES = {"__keras_tensor__", "__slice__", "__ellipsis__", "__tensor__", "__numpy__"}
_IDENTIFYING = {"class_name", "module", "registered_name"}


def refuse_foreign_code(config: bytes) -> None:
    """Check that a model's configuration names only known parts of Keras.

    Args:
        config: the content of `config.json`.

    Raises:
        ModelFileError: it names anything else, or is not JSON of a bearable depth.
    """
    try:
        # Parsed as Keras parses it, so that both see the same.
        tree = json.loads(config, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _refused(f"unreadable JSON ({error})") from error
    if not isinstance(tree, dict) or "class_name" not in tree:
        raise _refused("JSON that describes no model")
    for node in _objects(tree):
        if not _IDENTIFYING.isdisjoint(node) and not _is_known(node):
            names = {key: node.get(key) for key in sorted(_IDENTIFYING)}
            raise _refused(f"{names!r:.300}")


def _is_known(node: dict[str, object]) -> bool:
    module, name = node.get("module"), node.get("class_name")
    if module is None and name in _PLAIN_VALUES and "registered_name" not in node:
        return True
    if not isinstance(module, str) or not isinstance(name, str):
        return False
    # A registered name wins over the class when Keras looks it up: it must say the same.
    same = {None, name}
    if name == "function":
        config = node.get("config")
        if not isinstance(config, str) or not config.isidentifier():
            return False
        same.add(config)
    return node.get("registered_name") in same and any(
        modules.fullmatch(module) and classes.fullmatch(name) for modules, classes in _ALLOWED
    )


def _objects(tree: object) -> Iterator[dict[str, object]]:
    level = [tree]
    for _ in range(_MAX_DEPTH):
        below: list[object] = []
        for node in level:
            if isinstance(node, dict):
                yield node
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
        level = below
    if level:
        raise _refused(f"more than {_MAX_DEPTH} levels")


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members


def _refused(received: str) -> ModelFileError:
    return ModelFileError(
        expected="a config.json that names only layers, operations and the like of Keras itself",
        received=received,
        advice="Do not open this file with Keras: it may run code. Use a model you trust.",
    )
