"""torch.utils.weak: dictionaries that hold tensors weakly, by what they are and not by their elements."""
import weakref
from collections.abc import MutableMapping

from pyxtorch import Tensor

__all__ = ["TensorWeakRef", "WeakIdKeyDictionary", "WeakIdRef", "WeakTensorKeyDictionary"]


class WeakIdRef(weakref.ref):
    """A weak reference that is equal to another one of the same object."""

    __slots__ = ("_id",)

    def __init__(self, key, callback=None):
        super().__init__(key, callback)
        self._id = id(key)

    def __call__(self):
        return super().__call__()

    def __hash__(self):
        return self._id

    def __eq__(self, other):
        a, b = self(), other()
        return a is b if a is not None and b is not None else self is other

    def __ne__(self, other):
        return not self == other


class WeakIdKeyDictionary(MutableMapping):
    """A dictionary whose keys are held weakly and told apart by identity."""

    def __init__(self, dict=None, ref_type=WeakIdRef):
        self.data, self._ref = {}, ref_type
        if dict is not None:
            self.update(dict)

    def _key(self, key):
        return self._ref(key)

    def __getitem__(self, key):
        return self.data[self._key(key)]

    def __setitem__(self, key, value):
        data = self.data
        self.data[self._ref(key, lambda gone: data.pop(gone, None))] = value

    def __delitem__(self, key):
        del self.data[self._key(key)]

    def __contains__(self, key):
        try:
            return self._key(key) in self.data
        except TypeError:  # nothing that can be referred to weakly
            return False

    def __iter__(self):
        for ref in list(self.data):
            key = ref()
            if key is not None:
                yield key

    def __len__(self):
        return len(self.data)

    def __repr__(self):
        return f"<{type(self).__name__} at {id(self):#x}>"


WeakTensorKeyDictionary = WeakIdKeyDictionary


class TensorWeakRef:
    """A weak reference to a tensor."""

    def __init__(self, tensor):
        if not isinstance(tensor, Tensor):
            raise AssertionError(f"expected torch.Tensor, got {type(tensor)}")
        self.ref = weakref.ref(tensor)

    def __call__(self):
        return self.ref()
