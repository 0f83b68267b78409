"""utils._pytree: taking containers apart and putting them together."""
import time
from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from pyxtorch.utils import _pytree as tree

Point = namedtuple("Point", "x y")
TREES = [1, None, [], {}, {"b": [1, (2, None)], "a": 3}, Point(1, [2]), OrderedDict(a=1, b=Point(1, 2)), defaultdict(list, {"q": [1]}), deque([1, 2], maxlen=3),
         [(), {}], {1: 2}]  # fmt: skip


@pytest.mark.parametrize("whole", TREES, ids=str)
def test_apart_and_together(whole):
    leaves, spec = tree.tree_flatten(whole)
    assert tree.tree_unflatten(leaves, spec) == whole and type(tree.tree_unflatten(leaves, spec)) is type(whole)
    assert list(tree.tree_iter(whole)) == leaves and tree.tree_structure(whole) == spec and spec.num_leaves == len(leaves)
    assert [tree.key_get(whole, path) for path, _ in tree.tree_leaves_with_path(whole)] == leaves
    assert tree.tree_map(lambda x: x, whole) == whole
    read = tree.treespec_loads(tree.treespec_dumps(spec))
    assert read == spec and tree.tree_unflatten(leaves, read) == whole


def test_shapes_as_text():
    spec = tree.tree_structure({"b": [1, (2, None)], "a": 3})
    assert repr(spec) == "TreeSpec(dict, ['b', 'a'], [TreeSpec(list, None, [*,\n    TreeSpec(tuple, None, [*,\n      *])]),\n  *])"
    assert tree.treespec_pprint(spec) == "{'b': [*, (*, *)], 'a': *}"
    assert tree.keystr(tree.tree_leaves_with_path({"b": [Point(1, 2)]})[1][0]) == "['b'][0].y"


def test_maps():
    assert tree.tree_map(lambda a, b: (a, b), [1, {"k": 2}], ["x", {"k": [3]}]) == [(1, "x"), {"k": (2, [3])}]
    assert tree.tree_map(lambda a, b: a + b, {"a": 1, "b": 2}, {"b": 20, "a": 10}) == {"a": 11, "b": 22}
    assert tree.tree_map_only(int, lambda x: x + 1, [1, "a", (2.0, 3)]) == [2, "a", (2.0, 4)]
    assert tree.tree_map(len, [[1, 2], "abc"], is_leaf=lambda x: x == [1, 2]) == [2, 3]
    assert tree.tree_flatten([[1, 2], 3], is_leaf=lambda x: x == [1, 2])[0] == [[1, 2], 3]
    assert tree.tree_all(bool, [1, [2]]) and not tree.tree_any(lambda x: x > 2, [1, [2]]) and tree.tree_any_only(int, lambda x: x > 1, ["a", 2])
    assert tree.tree_map_with_path(lambda p, x: (tree.keystr(p), x), {"a": [5]}) == {"a": [("['a'][0]", 5)]}
    seen = []
    assert tree.tree_map_(seen.append, {"a": [1, 2]}) == {"a": [1, 2]} and seen == [1, 2]
    spec = tree.tree_structure({"a": [1, 2], "b": 3})
    assert tree._broadcast_to_and_flatten({"a": 0, "b": 1}, spec) == [0, 0, 1] and tree._broadcast_to_and_flatten([1], spec) is None


def test_registered_classes():
    class Box:
        def __init__(self, a, b):
            self.a, self.b = a, b

    tree.register_pytree_node(Box, lambda x: ([x.a], x.b), lambda values, b: Box(values[0], b), serialized_type_name="tests.Box")
    doubled = tree.tree_map(lambda x: 2 * x, [Box(2, "k")])
    assert doubled[0].a == 4 and doubled[0].b == "k" and not tree.tree_is_leaf(Box(1, 2))
    with pytest.raises(ValueError, match="already registered"):
        tree.register_pytree_node(Box, None, None)
    with pytest.raises(ValueError, match="flatten_with_keys_fn"):
        tree.tree_leaves_with_path(Box(1, 2))
    with pytest.raises(ValueError, match="both|Both"):
        tree.register_pytree_node(int, None, None, to_dumpable_context=len)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: tree.tree_map(max, [1, 2], [3]), "arity mismatch; expected 2, but got 1"),
    (lambda: tree.tree_map(max, [1, 2], (3, 4)), "type mismatch"),
    (lambda: tree.tree_map(max, {"a": 1}, {"b": 1}), "keys mismatch"),
    (lambda: tree.tree_unflatten([1], tree.tree_structure([1, 2])), "length 1"),
    (lambda: tree.treespec_dumps(tree.tree_structure(1), 7), "7"),
])  # fmt: skip
def test_what_does_not_fit(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_containers_are_taken_apart_by_name():
    """Packages register subclasses of the standard containers with the functions of those."""
    class Output(dict):
        pass

    tree.register_pytree_node(Output, tree._dict_flatten, lambda values, keys: Output(tree._dict_unflatten(values, keys)),
                              flatten_with_keys_fn=tree._dict_flatten_with_keys)  # fmt: skip
    doubled = tree.tree_map(lambda x: 2 * x, Output(a=1, b=[2]))
    assert type(doubled) is Output and doubled == {"a": 2, "b": [4]}
    assert [tree.keystr(path) for path, _ in tree.tree_leaves_with_path(doubled)] == ["['a']", "['b'][0]"]
    assert tree._list_flatten([1, 2])[0] == [1, 2] and tree._tuple_unflatten([1, 2], None) == (1, 2)


def test_kinds_of_tuples():
    assert tree.is_namedtuple(Point) and tree.is_namedtuple_instance(Point(1, 2)) and not tree.is_namedtuple((1, 2))
    assert tree.is_structseq_instance(time.gmtime(0)) and not tree.is_structseq(Point) and tree.tree_is_leaf(time.gmtime(0))
