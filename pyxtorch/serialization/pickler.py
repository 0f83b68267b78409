"""Writing: a pickler that says `torch` where a file must, and puts the tensors' memory beside the pickle."""
import pickle
from pickle import BINPERSID, EMPTY_TUPLE, GLOBAL, MARK, NEWFALSE, NEWTRUE, REDUCE, TUPLE

from pyxtorch._compound import parts_of
from pyxtorch._core import dtype
from pyxtorch._dtype import layout
from pyxtorch.nn.parameter import Buffer, Parameter, is_lazy
from pyxtorch.serialization.names import NAME_OF, STORAGE_OF
from pyxtorch.serialization.options import location_tag
from pyxtorch.storage import TypedStorage, UntypedStorage
from pyxtorch.tensor import Tensor

_GLOBALS = {}  # (module, name) to itself: the object that stands for a name in the memo


class Pickler(pickle._Pickler):
    """Pickles any object; `storages` holds, by their keys, the storages that must be written beside it.

    It is the pickler written in Python, because the one written in C can name only what can be
    imported, and files name things of `torch`. Tensors are written by hand, opcode by opcode, so
    that thousands of them take no time.
    """

    def __init__(self, file, protocol, legacy=False):
        super().__init__(file, protocol)
        self.legacy = legacy        # whether storages are named as files before PyTorch 1.6 name them
        self.dispatch = dict(self.dispatch)
        for kind in (Tensor, Parameter, Buffer):
            self.dispatch[kind] = Pickler._save_tensor
        self.dispatch[UntypedStorage] = Pickler._save_storage
        self.dispatch[TypedStorage] = Pickler._save_typed_storage
        self.dispatch[dtype] = Pickler.save_global
        self.dispatch[layout] = Pickler._save_layout
        self.storages = {}
        self._keys = {}  # address of a storage to its key and how it is typed in the file

    def persistent_id(self, thing):
        """Called for each object: here subclasses of Tensor are noticed."""
        if isinstance(thing, Tensor) and type(thing) not in self.dispatch:
            self.dispatch[type(thing)] = Pickler._save_tensor

    def save_global(self, thing, name=None):
        known = NAME_OF.get(id(thing))
        if known is None:
            super().save_global(thing, name)
        else:
            self._global(*known)

    def _global(self, module, name):
        thing = _GLOBALS.setdefault((module, name), (module, name))
        found = self.memo.get(id(thing))
        if found is not None:
            self.write(self.get(found[0]))
            return
        self.write(GLOBAL + f"{module}\n{name}\n".encode())
        self.memoize(thing)

    def _key(self, storage, typed):
        """The key of a storage, and the name of the type it has in this file; the first to ask says which."""
        address = storage._cdata
        if address not in self._keys:
            key = str(len(self._keys))
            self._keys[address] = key, typed
            self.storages[key] = storage
        return self._keys[address]

    def types(self):
        """Of each key, how its storage is typed in the file: a name such as FloatStorage, or None."""
        return dict(self._keys.values())

    def _persistent(self, key, typed, storage, count):
        self.write(MARK)
        self.save("storage")
        self._global(*(("torch", typed) if typed else ("torch.storage", "UntypedStorage")))
        self.save(key)
        self.save(location_tag(storage.untyped() if isinstance(storage, TypedStorage) else storage))
        self.save(count)
        if self.legacy:
            self.save(None)         # it is no part of another storage
        self.write(TUPLE + BINPERSID)

    def _save_storage(self, storage):
        self._persistent(self._key(storage, None)[0], None, storage, storage.nbytes())

    def _save_typed_storage(self, storage):
        self._persistent(self._key(storage.untyped(), STORAGE_OF[storage.dtype])[0], STORAGE_OF[storage.dtype], storage, storage.size())

    def _save_layout(self, thing):
        self._global("torch.serialization", "_get_layout")
        self.save((repr(thing),))
        self.write(REDUCE)

    def _no_hooks(self):
        self._global("collections", "OrderedDict")
        self.write(EMPTY_TUPLE + REDUCE)

    def _flag(self, value):
        self.write(NEWTRUE if value else NEWFALSE)

    def _save_tensor(self, x):
        kind, state = type(x), x.__dict__
        if is_lazy(x):
            self.save_reduce(kind, (x.requires_grad, x.device, x.dtype), obj=x)
        elif kind is Parameter:
            self._global("torch._utils", "_rebuild_parameter_with_state" if state else "_rebuild_parameter")
            self.write(MARK)
            self._save_data(x, False)
            self._flag(x.requires_grad)
            self._no_hooks()
            if state:
                self.save(state)
            self.write(TUPLE + REDUCE)
            self.memoize(x)
        elif kind is Tensor and not state:
            self._save_data(x, x.requires_grad)
            self.memoize(x)
        else:  # a subclass, or attributes of the user's
            if kind is Buffer:  # there, a tensor with a mark
                kind, state = Tensor, {**state, "_is_buffer": True}
            self._global("torch._tensor", "_rebuild_from_type_v2")
            self.write(MARK)
            self._save_data(x, x.requires_grad, call=False)
            self.save(state)
            self.write(TUPLE + REDUCE)
            self.memoize(x)

    def _save_data(self, x, requires_grad, call=True):
        """The call that makes the tensor from its storage; or, without `call`, (function, type, arguments)."""
        if x.is_nested:
            raise RuntimeError("save: a nested tensor cannot be saved; save its components, .unbind().")
        if parts_of(x) is not None:
            from pyxtorch.sparse._table import state_of

            layout, parts = state_of(x)
            self._global("torch._utils", "_rebuild_sparse_tensor")
            if not call:
                self.save(type(x) if type(x) is not Buffer else Tensor)
            self.save((layout, parts))
            if call:
                self.write(REDUCE)
            return
        if x.is_meta:
            self._global("torch._utils", "_rebuild_meta_tensor_no_storage")
            if not call:
                self.save(type(x) if type(x) is not Buffer else Tensor)
            self.save((x.dtype, tuple(x.shape), x.stride(), requires_grad))
            if call:
                self.write(REDUCE)
            return
        storage = x.untyped_storage()
        wanted = STORAGE_OF.get(x.dtype)  # None: PyTorch has no storage class for it
        whole = storage.nbytes() % x.itemsize == 0
        key, typed = self._key(storage, wanted if whole else None)
        # Memory that is looked at as two dtypes has one type in the file; then the dtype is said as well.
        same = wanted is not None and typed == wanted
        self._global("torch._utils", "_rebuild_tensor_v2" if same else "_rebuild_tensor_v3")
        if not call:
            self.save(type(x) if type(x) is not Buffer else Tensor)
        self.write(MARK)
        count = storage.nbytes() // x.itemsize if same else storage.nbytes()
        if same:
            self._persistent(key, typed, storage, count)
        else:
            self._persistent(key, None, storage, count)
        self.save(x.storage_offset())
        self.save(tuple(x.shape))
        self.save(x.stride())
        self._flag(requires_grad)
        self._no_hooks()
        if not same:
            self.save(x.dtype)
        self.write(TUPLE + (REDUCE if call else b""))
