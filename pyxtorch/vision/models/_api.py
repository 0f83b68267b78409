"""Which models there are, and what is known of their weights: the register of builders, and enums made from `weights.txt`.

Nothing is downloaded. A file of weights that lies in the hub's folder, or is read by `load_state_dict`, is taken.
"""
import enum
import fnmatch
import functools
import hashlib
import inspect
import os
import typing
import warnings
from dataclasses import dataclass
from pathlib import Path

from pyxtorch.vision.transforms._presets import ImageClassification, SemanticSegmentation
from pyxtorch.vision.transforms.functional import InterpolationMode

__all__ = ["Weights", "WeightsEnum", "get_model", "get_model_builder", "get_model_weights", "get_weight", "list_models"]

BUILTIN_MODELS = {}
_FOLDER = Path(__file__).parent
_PLACE, _REPOSITORY = "https://download.pytorch.org/models/", "https://github.com/pytorch/vision/"
_VOC = """__background__ aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person
 pottedplant sheep sofa train tvmonitor"""


@dataclass
class Weights:
    """Trained weights: where they are published, the transforms of their inputs, and facts about them."""

    url: str
    transforms: typing.Callable
    meta: dict

    def __eq__(self, other):
        """Enum members are compared when they are copied or unpickled; two partials of the same are equal here."""
        if not isinstance(other, Weights):
            return NotImplemented
        parts = [(p.func, p.args, p.keywords) if isinstance(p, functools.partial) else p for p in (self.transforms, other.transforms)]
        return self.url == other.url and self.meta == other.meta and parts[0] == parts[1]

    __hash__ = None


class WeightsEnum(enum.Enum):
    """All weights of one model; each member is a `Weights`."""

    @classmethod
    def verify(cls, obj):
        """The member that `obj` is or names ("IMAGENET1K_V1", "DEFAULT"); None stays None.

        Raises:
            TypeError: weights of another model. KeyError: no such member.
        """
        if isinstance(obj, str):
            return cls[obj.removeprefix(cls.__name__ + ".")]
        if obj is not None and not isinstance(obj, cls):
            raise TypeError(f"Invalid Weight class provided; expected {cls.__name__} but received {type(obj).__name__}.")
        return obj

    def get_state_dict(self, progress=True, check_hash=False, **kwargs):
        """The state dict, from the file in the hub's folder.

        Args:
            check_hash: compare the file with the digest in its name.
        Raises:
            FileNotFoundError: the file is not there; nothing is downloaded.
            RuntimeError: it is another file.
        """
        import pyxtorch as torch

        name = self.url.rpartition("/")[2]
        path = os.path.join(torch.hub.get_dir(), "checkpoints", name)
        if not os.path.exists(path):
            raise FileNotFoundError(
                f"{self}: {path} is not there, and nothing is downloaded. Put {self.url} there; or build the model with weights=None and call "
                f"model.load_state_dict(torch.load({name!r})) with the file's path."
            )
        digest = name.rpartition("-")[2].partition(".")[0]
        if check_hash:
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if not found.startswith(digest):
                raise RuntimeError(f'invalid hash value (expected "{digest}", got "{found}") for {path}')
        return torch.load(path, **{"map_location": "cpu", **kwargs})

    def __repr__(self):
        return f"{type(self).__name__}.{self._name_}"

    @property
    def url(self):
        """Where the file is published."""
        return self.value.url

    @property
    def transforms(self):
        """Makes the transform of inputs when it is called."""
        return self.value.transforms

    @property
    def meta(self):
        """Facts: `num_params`, `min_size`, `categories`, `recipe` ..."""
        return self.value.meta


# ---------------------------------------------------------------------------- what is known of weights


@functools.cache
def _categories():
    return (_FOLDER / "imagenet.txt").read_text().splitlines()


@functools.cache
def _rows():
    """Model's enum to the lines of `weights.txt`.

    Columns: enum, member (* is the default), file, crop and resize in pixels, parameters, least height and width, accuracy in % of
    the first and the first five guesses (for segmentation: of overlap, and of pixels), 1e9 operations, 1e6 bytes, recipe, and what differs from other rows.
    """
    found = {}
    for line in (_FOLDER / "weights.txt").read_text().splitlines():
        found.setdefault(line.split(" ", 1)[0], []).append(line.split()[1:])
    return found


def _weights(file, crop, resize, params, size, first, five, operations, megabytes, recipe, *more):
    more = dict(item.split("=", 1) for item in more)
    if more.pop("task", "") == "segmentation":
        found = {"COCO-val2017-VOC-labels": {"miou": float(first), "pixel_acc": float(five)}}
        meta = {"num_params": int(params), "min_size": (1, 1), "categories": _VOC.split(), "recipe": recipe.replace("~", _REPOSITORY), "_metrics": found}
        meta |= {"_ops": float(operations), "_file_size": float(megabytes)}
        return Weights(_PLACE + file, functools.partial(SemanticSegmentation, resize_size=int(resize)), meta)
    preset = {"crop_size": int(crop)}
    if int(resize) != 256:
        preset["resize_size"] = int(resize)
    if "interpolation" in more:
        preset["interpolation"] = InterpolationMode(more.pop("interpolation"))
    for key in ("mean", "std"):
        if key in more:
            preset[key] = tuple(map(float, more.pop(key).split(",")))
    meta = {
        "num_params": int(params), "min_size": tuple(map(int, size.split(","))), "categories": None if more.pop("categories", "") else _categories(),
        "recipe": recipe.replace("~", _REPOSITORY), "_metrics": {"ImageNet-1K": {"acc@1": float(first), "acc@5": float(five)}},
        "_ops": float(operations), "_file_size": float(megabytes), **more,
    }  # fmt: skip
    return Weights(_PLACE + file, functools.partial(ImageClassification, **preset), meta)


def weights_enum(name, module):
    """The enum `name`, from the table."""
    rows = _rows()[name]
    members = [(row[0].rstrip("*"), _weights(*row[1:])) for row in rows]
    members += [("DEFAULT", dict(members)[row[0][:-1]]) for row in rows if row[0].endswith("*")]
    made = WeightsEnum(name, members, module=module)
    made.__doc__ = "Weights of one model: " + ", ".join(name for name, _ in members) + "."
    return made


# ---------------------------------------------------------------------------- builders


def register_model(name=None):
    """A decorator that puts a builder into the register, under its own name or another.

    Raises:
        ValueError: the name is taken.
    """

    def register(function):
        key = name or function.__name__
        if key in BUILTIN_MODELS:
            raise ValueError(f"An entry is already registered under the name '{key}'.")
        BUILTIN_MODELS[key] = function
        return function

    return register


def overwrite(kwargs, name, value):
    """Set `kwargs[name]`; a ValueError where the caller has set it to something else."""
    if kwargs.setdefault(name, value) != value:
        raise ValueError(f"The parameter '{name}' expected value {value} but got {kwargs[name]} instead.")


def family(space, source, models, forced=(), load=None):
    """Write builders and their enums of weights into the namespace `space` of a module.

    Args:
        source: where the networks are from, for the docstrings.
        models: name to (name of the enum, function of keyword arguments that makes the network).
        forced: arguments that go with weights: a dict, or a function that gets the member and what the caller gave.
        load: how a state dict gets into a model, if not by `load_state_dict`.
    Returns:
        The names written.
    """
    names = []
    for name, (enumeration, make) in models.items():
        space[enumeration] = weights_enum(enumeration, space["__name__"])
        space[name] = register_model()(_builder(name, space["__name__"], space[enumeration], make, source, forced, load))
        names += [name, enumeration]
    return names


def _builder(name, module, members, make, source, forced, load):
    def build(*args, weights=None, progress=True, **kwargs):
        if len(args) > 2:
            raise TypeError(f"{name}: {len(args)} positional arguments were given, at most 2 (weights, progress) are taken. Name the others.")
        weights = args[0] if args else weights
        weights = _old_way(name, members, weights, kwargs)
        member = members.verify(weights)
        if member is not None:
            for key, value in (forced(member, kwargs) if callable(forced) else dict(forced)).items():
                overwrite(kwargs, key, value)
            if member.meta["categories"] is not None:
                overwrite(kwargs, "num_classes", len(member.meta["categories"]))
            state = member.get_state_dict(check_hash=True)
        model = make(**kwargs)
        if member is not None:
            (load or type(model).load_state_dict)(model, state)
        return model

    build.__name__ = build.__qualname__ = name
    build.__module__ = module
    build.__annotations__["weights"] = members | None
    build.__doc__ = f"""The network {name}: {source}

    Args:
        weights: a member of `{members.__name__}` or its name, whose file lies in the hub's folder; None for random weights.
        progress: taken for PyTorch's sake; nothing is downloaded.
        **kwargs: those of the network's class, such as `num_classes`.
    Raises:
        FileNotFoundError: the file of the weights is not there. ValueError: an argument that the weights do not go with.
    """
    return build


def _old_way(name, members, weights, kwargs):
    """Weights by what the call says in the words of before 2022: `pretrained=True`, or a bool in their place."""
    if isinstance(weights, bool):
        kwargs["pretrained"] = weights
        weights = None
    if "pretrained" not in kwargs:
        return weights
    wanted = kwargs.pop("pretrained")
    first = members.__members__.get("IMAGENET1K_V1", members.__members__.get("COCO_WITH_VOC_LABELS_V1"))
    if wanted and first is None:
        raise ValueError(f"No weights available for model {name}")
    warnings.warn(f"{name}: 'pretrained' is deprecated; use weights={first if wanted else None}.", UserWarning, stacklevel=4)
    return first if wanted else weights


# ---------------------------------------------------------------------------- what users ask


def get_weight(name):
    """The member that `name` ("ResNet50_Weights.IMAGENET1K_V1") says.

    Raises:
        ValueError: not of that form, or no such enum. KeyError: no such member.
    """
    enumeration, point, member = name.partition(".")
    if not point or "." in member:
        raise ValueError(f"Invalid weight name provided: '{name}'.")
    for function in BUILTIN_MODELS.values():
        members = _enum_of(function)
        if members.__name__ == enumeration:
            return members[member]
    raise ValueError(f"The weight enum '{enumeration}' for the specific method couldn't be retrieved.")


def get_model_weights(name):
    """The enum of a model's weights, by its name or its builder."""
    return _enum_of(get_model_builder(name) if isinstance(name, str) else name)


def _enum_of(function):
    parameters = inspect.signature(function).parameters
    if "weights" not in parameters:
        raise ValueError("The method is missing the 'weights' argument.")
    annotation = parameters["weights"].annotation
    for kind in (annotation, *typing.get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, WeightsEnum):
            return kind
    raise ValueError(f"{function.__name__}: its parameter 'weights' is not annotated with a WeightsEnum.")


def list_models(module=None, include=None, exclude=None):
    """Names of models, sorted.

    Args:
        module: only those whose builders are in modules of this package, such as `vision.models`.
        include, exclude: patterns of the shell, one or several; a name stays if one of `include` fits and none of `exclude`.
    """

    def fit(patterns):
        patterns = [patterns] if isinstance(patterns, str) else patterns
        return {name for pattern in patterns for name in fnmatch.filter(BUILTIN_MODELS, pattern)}

    names = {n for n, f in BUILTIN_MODELS.items() if module is None or f.__module__.rpartition(".")[0] == module.__name__}
    return sorted((names & fit(include) if include else names) - fit(exclude or ()))


def get_model_builder(name):
    """The function that builds a model.

    Raises:
        ValueError: no model has that name.
    """
    try:
        return BUILTIN_MODELS[name.lower()]
    except KeyError:
        raise ValueError(f"Unknown model {name}") from None


def get_model(name, **config):
    """`get_model_builder(name)(**config)`."""
    return get_model_builder(name)(**config)
