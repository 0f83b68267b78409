"""torch.utils._pytree: containers in containers as a list of leaves and a shape to put leaves back into.

What is a container is written in one table, SUPPORTED_NODES: lists, tuples, named tuples, dicts, ordered and default dicts,
deques, and the classes that users register. Everything else is a leaf, None too.
"""
import importlib
import json
import types
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

Context = DumpableContext = PyTree = Any
FlattenFn = Callable[[PyTree], tuple[list, Context]]
UnflattenFn = Callable[[Iterable, Context], PyTree]
ToDumpableContextFn = Callable[[Context], DumpableContext]
FromDumpableContextFn = Callable[[DumpableContext], Context]

__all__ = [
    "Context", "DumpableContext", "FlattenFn", "FromDumpableContextFn", "GetAttrKey", "LeafSpec", "MappingKey", "PyTree", "PyTreeSpec", "SequenceKey",
    "ToDumpableContextFn", "TreeSpec", "UnflattenFn", "is_namedtuple", "is_namedtuple_class", "is_namedtuple_instance", "is_structseq",
    "is_structseq_class", "is_structseq_instance", "key_get", "keystr", "register_pytree_node", "tree_all", "tree_all_only", "tree_any", "tree_any_only",
    "tree_flatten", "tree_flatten_with_path", "tree_is_leaf", "tree_iter", "tree_leaves", "tree_leaves_with_path", "tree_map", "tree_map_", "tree_map_only",
    "tree_map_only_", "tree_map_with_path", "tree_structure", "tree_unflatten", "treespec_dumps", "treespec_loads", "treespec_pprint",
]  # fmt: skip


# ---------------------------------------------------------------------------- where a leaf is


@dataclass(frozen=True)
class SequenceKey:
    """The place `[idx]` of a sequence."""

    idx: int

    def __str__(self):
        return f"[{self.idx!r}]"

    def get(self, container):
        return container[self.idx]


@dataclass(frozen=True)
class MappingKey:
    """The place `[key]` of a mapping."""

    key: Any

    def __str__(self):
        return f"[{self.key!r}]"

    def get(self, container):
        return container[self.key]


@dataclass(frozen=True)
class GetAttrKey:
    """The attribute `.name`."""

    name: str

    def __str__(self):
        return f".{self.name}"

    def get(self, container):
        return getattr(container, self.name)


def keystr(kp):
    """The path to a leaf as Python writes it."""
    return "".join(map(str, kp))


def key_get(obj, kp):
    """What lies at the path `kp` of `obj`."""
    for key in kp:
        obj = key.get(obj)
    return obj


# ---------------------------------------------------------------------------- containers


class NodeDef(NamedTuple):
    """How a class of containers is taken apart: `flatten_fn(x)` gives its children and what else it needs to be made again."""

    type: type
    flatten_fn: Callable
    unflatten_fn: Callable
    flatten_with_keys_fn: Callable | None = None
    serialized_type_name: str | None = None
    to_dumpable_context: Callable | None = None
    from_dumpable_context: Callable | None = None


SUPPORTED_NODES = {}


def register_pytree_node(
    cls, flatten_fn, unflatten_fn, *, serialized_type_name=None, to_dumpable_context=None, from_dumpable_context=None, flatten_with_keys_fn=None,
):  # fmt: skip
    """Let instances of `cls` be containers.

    Args:
        flatten_fn: gives (list of children, context).
        unflatten_fn: makes an instance of (children, context).
        serialized_type_name, to_dumpable_context, from_dumpable_context: for `treespec_dumps`; both functions or none.
        flatten_with_keys_fn: gives (list of (key, child), context), for paths.
    Raises:
        ValueError: the class is registered already, or only one of the two functions is given.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    if (to_dumpable_context is None) != (from_dumpable_context is None):
        raise ValueError(f"Both to_dumpable_context and from_dumpable_context for {cls} must be None or registered.")
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn, serialized_type_name, to_dumpable_context, from_dumpable_context)


def register_again(cls, flatten_fn, unflatten_fn, **named):
    """`register_pytree_node` that takes the place of what is registered already, as the former function did."""
    SUPPORTED_NODES.pop(cls, None)
    register_pytree_node(cls, flatten_fn, unflatten_fn, **named)


_register_pytree_node = register_again


def is_namedtuple_class(cls):
    """Whether a class is one of named tuples."""
    return isinstance(cls, type) and issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple) and callable(getattr(cls, "_make", None))


def is_namedtuple_instance(obj):
    """Whether an object is a named tuple."""
    return is_namedtuple_class(type(obj))


def is_namedtuple(obj):
    """Whether an object or a class is one of named tuples."""
    return is_namedtuple_class(obj if isinstance(obj, type) else type(obj))


def is_structseq_class(cls):
    """Whether a class is one of C's structure sequences, such as `time.struct_time`."""
    return isinstance(cls, type) and cls.__bases__ == (tuple,) and all(isinstance(getattr(cls, n, None), int) for n in ("n_fields", "n_sequence_fields"))


def is_structseq_instance(obj):
    """Whether an object is a structure sequence."""
    return is_structseq_class(type(obj))


def is_structseq(obj):
    """Whether an object or a class is one of structure sequences."""
    return is_structseq_class(obj if isinstance(obj, type) else type(obj))


def _register_containers():
    def in_order(context_of=lambda x: None):
        return (lambda x: (list(x), context_of(x))), (lambda x: ([(SequenceKey(i), v) for i, v in enumerate(x)], context_of(x)))

    def by_key(context_of):
        return (lambda x: (list(x.values()), context_of(x))), (lambda x: ([(MappingKey(k), v) for k, v in x.items()], context_of(x)))

    def kind_name(cls):
        return f"{cls.__module__}.{cls.__qualname__}"

    def kind_of(name):
        module, _, own = name.rpartition(".")
        return getattr(importlib.import_module(module), own)

    def factory_name(context):
        return {"default_factory_module": getattr(context[0], "__module__", None), "default_factory_name": getattr(context[0], "__qualname__", None),
                "dict_context": context[1]}  # fmt: skip

    def add(cls, both, unflatten, dump=None, load=None):
        register_pytree_node(cls, both[0], unflatten, flatten_with_keys_fn=both[1], to_dumpable_context=dump, from_dumpable_context=load,
                             serialized_type_name=kind_name(cls))  # fmt: skip

    keys, factory = list, lambda x: [x.default_factory, list(x)]
    add(tuple, in_order(), lambda values, _: tuple(values))
    add(list, in_order(), lambda values, _: list(values))
    add(dict, by_key(keys), lambda values, context: dict(zip(context, values)))
    named = (lambda x: (list(x), type(x))), (lambda x: ([(GetAttrKey(n), v) for n, v in zip(x._fields, x)], type(x)))
    add(namedtuple, named, lambda values, cls: cls(*values), kind_name, kind_of)
    add(OrderedDict, by_key(keys), lambda values, context: OrderedDict(zip(context, values)))
    add(defaultdict, by_key(factory), lambda values, context: defaultdict(context[0], zip(context[1], values)),
        factory_name, lambda c: [kind_of(f"{c['default_factory_module']}.{c['default_factory_name']}") if c["default_factory_name"] else None, c["dict_context"]])
    add(deque, in_order(lambda x: x.maxlen), lambda values, maxlen: deque(values, maxlen=maxlen))


def _get_node_type(tree):
    """The entry of SUPPORTED_NODES that `tree` would be under: its class, or `namedtuple`."""
    cls = type(tree)
    return namedtuple if issubclass(cls, tuple) and cls not in SUPPORTED_NODES and is_namedtuple_class(cls) else cls


def tree_is_leaf(tree, is_leaf=None):
    """Whether `tree` is a leaf: no registered container, or one of which `is_leaf` says so."""
    return (is_leaf is not None and is_leaf(tree)) or _get_node_type(tree) not in SUPPORTED_NODES


# ---------------------------------------------------------------------------- the shape


class TreeSpec:
    """What is left of a tree when its leaves are taken out: a class, what `unflatten_fn` needs besides, and the specs of children."""

    def __init__(self, type, context, children_specs):  # noqa: A002
        self.type, self._context, self._children = type, context, list(children_specs)
        self.num_children = len(self._children)
        self.num_nodes = 1 + sum(c.num_nodes for c in self._children)
        self.num_leaves = sum(c.num_leaves for c in self._children)

    @property
    def context(self):
        return self._context

    @property
    def children_specs(self):
        return self._children

    def children(self):
        return list(self._children)

    def child(self, index):
        return self._children[index]

    def is_leaf(self):
        return self.type is None

    def unflatten(self, leaves):
        """The tree with these leaves.

        Raises:
            ValueError: there are more or fewer than the shape has.
        """
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            raise ValueError(
                f"treespec.unflatten(leaves): `leaves` has length {len(leaves)} but the spec refers to a pytree that holds {self.num_leaves} items ({self})."
            )
        return self._filled(iter(leaves))

    def _filled(self, leaves):
        children = [child._filled(leaves) for child in self._children]
        return SUPPORTED_NODES[self.type].unflatten_fn(children, self._context)

    def flatten_up_to(self, tree):
        """What lies in `tree` where this shape has leaves: subtrees, one for each.

        Raises:
            ValueError: `tree` has another container, other keys or another number of children somewhere.
        """
        found = []
        self._collect(tree, found)
        return found

    def _collect(self, tree, found):
        kind = _get_node_type(tree)
        dicts = (dict, OrderedDict, defaultdict)
        if kind is not self.type and not (kind in dicts and self.type in dicts):
            raise ValueError(f"Node type mismatch; expected {self.type!r}, but got {kind!r}.")
        if self.type in dicts:
            keys = self._context[1] if self.type is defaultdict else self._context
            if set(keys) != set(tree):
                raise ValueError(f"Node keys mismatch; missing key(s): {set(keys) - set(tree)}; extra key(s): {set(tree) - set(keys)}.")
            children = [tree[key] for key in keys]
        else:
            children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
            if len(children) != self.num_children:
                raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
            if kind is not deque and context != self._context:  # the greatest length of a deque is of no account
                raise ValueError(f"Node context mismatch for custom node type {self.type!r}: expected {self._context!r}, but got {context!r}.")
        for child, part in zip(self._children, children):
            child._collect(part, found)

    def __eq__(self, other):
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return self.type is other.type and self._context == other._context and self._children == other._children

    def __hash__(self):
        return hash((self.type, repr(self._context), tuple(self._children)))

    def __repr__(self, indent=0):
        inner = ",\n".join([("" if i == 0 else " " * (indent + 2)) + child.__repr__(indent + 2) for i, child in enumerate(self._children)])
        name = getattr(self.type, "__name__", self.type)
        return f"TreeSpec({name}, {self._context}, [{inner}])"


class LeafSpec(TreeSpec):
    """The shape of a leaf."""

    def __init__(self):
        super().__init__(None, None, [])
        self.num_leaves = 1

    def _filled(self, leaves):
        return next(leaves)

    def _collect(self, tree, found):
        found.append(tree)

    def __repr__(self, indent=0):
        return "*"


PyTreeSpec = TreeSpec
_LEAF = LeafSpec()


# ---------------------------------------------------------------------------- taking apart and mapping


def _flatten(tree, leaves, is_leaf):
    kind = _get_node_type(tree)
    if kind not in SUPPORTED_NODES or is_leaf is not None and is_leaf(tree):
        leaves.append(tree)
        return _LEAF
    children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    return TreeSpec(kind, context, [_flatten(child, leaves, is_leaf) for child in children])


def tree_flatten(tree, is_leaf=None):
    """The leaves from left to right, and the shape."""
    leaves = []
    spec = _flatten(tree, leaves, is_leaf)
    return leaves, spec


def tree_unflatten(leaves, treespec):
    """The tree of a shape with these leaves."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"Expected `treespec` to be an instance of TreeSpec but got item of type {type(treespec)}.")
    return treespec.unflatten(leaves)


def tree_iter(tree, is_leaf=None):
    """The leaves, one after the other."""
    if tree_is_leaf(tree, is_leaf):
        yield tree
        return
    for child in SUPPORTED_NODES[_get_node_type(tree)].flatten_fn(tree)[0]:
        yield from tree_iter(child, is_leaf)


def tree_leaves(tree, is_leaf=None):
    """The leaves as a list."""
    return list(tree_iter(tree, is_leaf))


def arg_tree_leaves(*args, **kwargs):
    """The leaves of the arguments of a call."""
    return [leaf for tree in (*args, *kwargs.values()) for leaf in tree_iter(tree)]


def tree_structure(tree, is_leaf=None):
    """The shape alone."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func, tree, *rests, is_leaf=None):
    """The tree with `func(leaf, ...)` for each leaf; the other trees have at least its shape and give further arguments."""
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves, *(spec.flatten_up_to(rest) for rest in rests)]
    return spec.unflatten([func(*row) for row in zip(*columns)])


def tree_map_(func, tree, *rests, is_leaf=None):
    """Call `func` on each leaf for what it does to it; gives the tree itself."""
    leaves, spec = tree_flatten(tree, is_leaf)
    for row in zip(leaves, *(spec.flatten_up_to(rest) for rest in rests)):
        func(*row)
    return tree


def _wanted(kinds):
    if isinstance(kinds, type | tuple | types.UnionType):
        return lambda leaf: isinstance(leaf, kinds)
    if callable(kinds):
        return kinds
    raise TypeError(f"Argument must be a type, a tuple of types, or a callable, not {type(kinds).__name__}.")


def map_only(type_or_types_or_pred, /):
    """A decorator: the function is applied to things of these types, others stay."""
    wanted = _wanted(type_or_types_or_pred)
    return lambda func: lambda leaf: func(leaf) if wanted(leaf) else leaf


def tree_map_only(type_or_types_or_pred, /, func, tree, is_leaf=None):
    """`tree_map` on the leaves of these types, or of which the function says so; others stay."""
    return tree_map(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_map_only_(type_or_types_or_pred, /, func, tree, is_leaf=None):
    """`tree_map_` on the leaves of these types."""
    return tree_map_(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_all(pred, tree, is_leaf=None):
    """Whether `pred` holds for all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred, tree, is_leaf=None):
    """Whether `pred` holds for some leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(type_or_types, /, pred, tree, is_leaf=None):
    """Whether `pred` holds for all leaves of these types."""
    return all(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


def tree_any_only(type_or_types, /, pred, tree, is_leaf=None):
    """Whether `pred` holds for some leaf of these types."""
    return any(pred(leaf) for leaf in tree_iter(tree, is_leaf) if isinstance(leaf, type_or_types))


def _broadcast_to_and_flatten(tree, treespec, is_leaf=None):
    """The leaves of `tree`, each as often as `treespec` has leaves in its place; None where the shapes do not fit."""
    if tree_is_leaf(tree, is_leaf):
        return [tree] * treespec.num_leaves
    if treespec.is_leaf() or _get_node_type(tree) is not treespec.type:
        return None
    children, context = SUPPORTED_NODES[treespec.type].flatten_fn(tree)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    parts = [_broadcast_to_and_flatten(child, spec, is_leaf) for child, spec in zip(children, treespec.children())]
    return None if any(part is None for part in parts) else [leaf for part in parts for leaf in part]


# ---------------------------------------------------------------------------- with paths


def _with_path(path, tree, is_leaf):
    if tree_is_leaf(tree, is_leaf):
        yield path, tree
        return
    node = SUPPORTED_NODES[_get_node_type(tree)]
    if node.flatten_with_keys_fn is None:
        raise ValueError(f"Did not find a flatten_with_keys_fn for type: {node.type}. Please pass a flatten_with_keys_fn argument to register_pytree_node.")
    for key, child in node.flatten_with_keys_fn(tree)[0]:
        yield from _with_path((*path, key), child, is_leaf)


def tree_leaves_with_path(tree, is_leaf=None):
    """(path, leaf) of each leaf; a path is a tuple of keys."""
    return list(_with_path((), tree, is_leaf))


def tree_flatten_with_path(tree, is_leaf=None):
    """(path, leaf) of each leaf, and the shape."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(func, tree, *rests, is_leaf=None):
    """`tree_map` with a function of (path, leaf, ...)."""
    found, spec = tree_flatten_with_path(tree, is_leaf)
    columns = [*zip(*found), *(spec.flatten_up_to(rest) for rest in rests)] if found else []
    return spec.unflatten([func(*row) for row in zip(*columns)])


# ---------------------------------------------------------------------------- shapes as text


def treespec_dumps(treespec, protocol=None):
    """A shape as JSON, in PyTorch's form.

    Raises:
        ValueError: an unknown protocol.
        TypeError: the context of a class is nothing that JSON has, and it was registered without a function for that.
    """
    if protocol not in (None, 1):
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [1]")

    def plain(spec):
        if spec.is_leaf():
            return {"type": None, "context": None, "children_spec": []}
        node = SUPPORTED_NODES[spec.type]
        if node.serialized_type_name is None:
            raise TypeError(f"No registered serialization name for {spec.type} found. Please register it with a `serialized_type_name`.")
        context = json.dumps(spec.context) if node.to_dumpable_context is None else node.to_dumpable_context(spec.context)
        return {"type": node.serialized_type_name, "context": context, "children_spec": [plain(child) for child in spec.children()]}

    return json.dumps([1, plain(treespec)])


def treespec_loads(serialized):
    """The shape that `treespec_dumps` wrote."""
    protocol, whole = json.loads(serialized)
    if protocol != 1:
        raise ValueError(f"Unknown protocol {protocol}. Available protocols: [1]")
    kinds = {node.serialized_type_name: kind for kind, node in SUPPORTED_NODES.items()}

    def made(spec):
        if spec["type"] is None:
            return LeafSpec()
        if spec["type"] not in kinds:
            raise TypeError(f"Deserializing {spec['type']} in pytree is not registered.")
        node = SUPPORTED_NODES[kinds[spec["type"]]]
        context = json.loads(spec["context"]) if node.from_dumpable_context is None else node.from_dumpable_context(spec["context"])
        return TreeSpec(node.type, context, map(made, spec["children_spec"]))

    return made(whole)


def treespec_pprint(treespec):
    """A shape as text: the tree with stars for leaves."""

    class Star:
        def __repr__(self):
            return "*"

    return repr(treespec.unflatten([Star()] * treespec.num_leaves))


_register_containers()
for _cls in (tuple, list, dict, namedtuple, OrderedDict, defaultdict, deque):  # by the names that packages register their own containers with
    _name, _node = _cls.__name__.lower(), SUPPORTED_NODES[_cls]
    globals()[f"_{_name}_flatten"] = _node.flatten_fn
    globals()[f"_{_name}_unflatten"] = _node.unflatten_fn
    globals()[f"_{_name}_flatten_with_keys"] = _node.flatten_with_keys_fn
