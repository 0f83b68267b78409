"""Reading: a pickle machine that knows few opcodes and calls nothing but what it was given.

Python's own machine lets a file change what it can name, ask for memory by numbers, and build
tuples so deep that hashing them ends the process. This one does not. What it takes from a file is
a stack of plain values; calls go to functions of a table, and classes are those that the user allowed.
"""
import _compat_pickle
import pickle
import struct
from collections import Counter, OrderedDict
from pickle import UnpicklingError

_MAX_KEY = 1000  # elements of a tuple that is a dict's key, tuples within it included
_CONTAINERS = (list, tuple, dict, set, frozenset, str, bytes, bytearray)


class Call:
    """What a file may call: `function(*args)`."""

    __slots__ = ("function",)

    def __init__(self, function):
        self.function = function

    def __call__(self, *args):
        return self.function(*args)


class Unpickler:
    """Runs the pickle `data`.

    Args:
        find: `find(module, name)` gives what a file may name: a Call, a value, or a class of the user's.
        user: holds the classes and functions that the user allowed: they are called, and their instances given state.
        load_storage: `load_storage(persistent id)`.
    """

    strings = "utf-8"  # what strings of Python 2 are read as

    def __init__(self, data, find, user, load_storage):
        self.data, self.at = data, 0
        self.find, self.user, self.load_storage = find, user, load_storage
        self.stack, self.below, self.memo = [], [], {}
        self.protocol = 0
        self.copies = 2 * len(data) + 1000  # elements that calls may copy: more than any honest file does

    def load(self):
        """The object in the pickle.

        Raises:
            UnpicklingError: the pickle is damaged, or asks for something that may not be loaded.
        """
        data, table = self.data, _TABLE
        try:
            while True:
                op = data[self.at]
                self.at += 1
                if op == pickle.STOP[0]:
                    return self.stack.pop()
                run = table[op]
                if run is None:
                    raise UnpicklingError(f"load: the pickle has opcode {op:#04x} at byte {self.at - 1}, which no checkpoint needs.")
                run(self)
        except (LookupError, ValueError, TypeError, AttributeError, OverflowError, struct.error) as error:
            raise UnpicklingError(f"load: the pickle is damaged near byte {self.at} of {len(data)}: {error}") from error

    # --------------------------------------------------------------------------- bytes

    def take(self, count):
        start, self.at = self.at, self.at + count
        if self.at > len(self.data):
            raise UnpicklingError(f"load: the pickle of {len(self.data)} bytes ends in the middle.")
        return self.data[start : self.at]

    def number(self, form):
        value = form.unpack_from(self.data, self.at)[0]
        self.at += form.size
        return value

    def line(self):
        end = self.data.index(b"\n", self.at)
        text = self.data[self.at : end].decode()
        self.at = end + 1
        return text

    def mark(self):
        """What lies above the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items

    # --------------------------------------------------------------------------- what needs care

    def global_(self, module, name):
        if self.protocol < 3:  # files of Python 2's names
            module, name = _compat_pickle.NAME_MAPPING.get((module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name))
        return self.find(module, name)

    def allowed_class(self, cls):
        if not isinstance(cls, type) or cls not in self.user:
            raise UnpicklingError(f"load: the pickle makes or changes an object of {_named(cls)}, which is not allowed.")
        return cls

    def charge(self, arguments):
        self.copies -= sum(len(a) for a in arguments if isinstance(a, _CONTAINERS))
        if self.copies < 0:
            raise UnpicklingError(f"load: the pickle of {len(self.data)} bytes copies more than it holds.")

    def reduce(self):
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(arguments) is not tuple:
            raise UnpicklingError("load: the pickle calls something without a tuple of arguments.")
        self.charge(arguments)
        if type(function) is Call:
            self.stack.append(function.function(*arguments))
        elif is_in(function, self.user):
            self.stack.append(function(*arguments))
        else:
            raise UnpicklingError(f"load: the pickle calls {_named(function)}, which is not allowed.")

    def new_object(self, arguments, named):
        cls = self.allowed_class(self.stack.pop())
        self.charge(arguments)
        self.stack.append(cls.__new__(cls, *arguments, **named))

    def build(self):
        state, target = self.stack.pop(), self.stack[-1]
        if type(target) in (OrderedDict, Counter):
            if type(state) is not dict:
                raise UnpicklingError(f"load: the state of an {type(target).__name__} is {type(state).__name__}, not a dict.")
            target.__dict__.update(state)
            return
        self.allowed_class(type(target))
        if hasattr(target, "__setstate__"):
            target.__setstate__(state)
            return
        slots = None
        if isinstance(state, tuple) and len(state) == 2:
            state, slots = state
        if state:
            target.__dict__.update(state)
        for name, value in (slots or {}).items():
            setattr(target, name, value)

    def set_items(self, items):
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise UnpicklingError(f"load: the pickle sets {len(items)} keys and values of a {type(target).__name__}.")
        for key in items[::2]:
            check_key(key)
        for key, value in zip(items[::2], items[1::2]):
            target[key] = value

    def add_items(self, items):
        target = self.stack[-1]
        if type(target) is not set:
            raise UnpicklingError(f"load: the pickle adds elements of a set to a {type(target).__name__}.")
        for item in items:
            check_key(item)
        target.update(items)

    def append(self, items):
        target = self.stack[-1]
        if not isinstance(target, list):
            raise UnpicklingError(f"load: the pickle appends to a {type(target).__name__}.")
        target.extend(items)

    def frozen_set(self):
        items = self.mark()
        for item in items:
            check_key(item)
        self.stack.append(frozenset(items))


def is_in(thing, things):
    """`thing in things`, where things without a hash are simply not in."""
    try:
        return thing in things
    except TypeError:
        return False


def check_key(key):
    """Refuse to hash tuples that are so deep, or repeat each other so often, that it would not end well."""
    if not isinstance(key, tuple):
        return
    waiting, count = [key], 0
    while waiting:
        item = waiting.pop()
        if isinstance(item, tuple):
            count += 1 + len(item)
            if count > _MAX_KEY:
                raise UnpicklingError(f"load: the pickle has a tuple of more than {_MAX_KEY} parts as a key.")
            waiting.extend(item)


def _named(thing):
    """What to call it in a message: it may be a list a million levels deep."""
    return thing.__qualname__ if isinstance(thing, type) else f"a {type(thing).__name__}"


def _table():
    """Opcode to what it does."""
    table = [None] * 256

    def on(*opcodes):
        def enter(run):
            for opcode in opcodes:
                table[opcode[0]] = run
            return run

        return enter

    def push(opcode, value):
        def run(self):
            result = value(self)  # first, since it may change which stack is the current one
            self.stack.append(result)

        on(opcode)(run)

    u1, u2, i4, u4, u8, f8 = (struct.Struct(form) for form in ("<B", "<H", "<i", "<I", "<Q", ">d"))
    push(pickle.NONE, lambda self: None)
    push(pickle.NEWTRUE, lambda self: True)
    push(pickle.NEWFALSE, lambda self: False)
    push(pickle.EMPTY_TUPLE, lambda self: ())
    push(pickle.EMPTY_LIST, lambda self: [])
    push(pickle.EMPTY_DICT, lambda self: {})
    push(pickle.EMPTY_SET, lambda self: set())
    push(pickle.BININT, lambda self: self.number(i4))
    push(pickle.BININT1, lambda self: self.number(u1))
    push(pickle.BININT2, lambda self: self.number(u2))
    push(pickle.BINFLOAT, lambda self: self.number(f8))
    for opcode, form in ((pickle.LONG1, u1), (pickle.LONG4, i4)):
        push(opcode, lambda self, form=form: int.from_bytes(self.take(_size(self.number(form))), "little", signed=True))
    for opcode, form in ((pickle.SHORT_BINUNICODE, u1), (pickle.BINUNICODE, u4), (pickle.BINUNICODE8, u8)):
        push(opcode, lambda self, form=form: str(self.take(self.number(form)), "utf-8", "surrogatepass"))
    for opcode, form in ((pickle.SHORT_BINBYTES, u1), (pickle.BINBYTES, u4), (pickle.BINBYTES8, u8)):
        push(opcode, lambda self, form=form: bytes(self.take(self.number(form))))
    for opcode, form in ((pickle.SHORT_BINSTRING, u1), (pickle.BINSTRING, i4)):  # the strings of Python 2
        push(opcode, lambda self, form=form: str(self.take(_size(self.number(form))), self.strings))
    push(pickle.BYTEARRAY8, lambda self: bytearray(self.take(self.number(u8))))
    push(pickle.GLOBAL, lambda self: self.global_(self.line(), self.line()))
    push(pickle.TUPLE, lambda self: tuple(self.mark()))
    push(pickle.BINPERSID, lambda self: self.load_storage(self.stack.pop()))
    push(pickle.BINGET, lambda self: self.memo[self.number(u1)])
    push(pickle.LONG_BINGET, lambda self: self.memo[self.number(u4)])
    for count, opcode in enumerate((pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3), 1):
        @on(opcode)
        def tuples(self, count=count):
            items = self.stack[-count:]
            if len(items) < count:
                raise IndexError("the stack is too short for a tuple")
            self.stack[-count:] = [tuple(items)]

    @on(pickle.BINPUT)
    def put(self):
        self.memo[self.number(u1)] = self.stack[-1]

    @on(pickle.LONG_BINPUT)
    def put_long(self):
        self.memo[self.number(u4)] = self.stack[-1]

    @on(pickle.MEMOIZE)
    def memoize(self):
        self.memo[len(self.memo)] = self.stack[-1]

    @on(pickle.PROTO)
    def proto(self):
        self.protocol = self.number(u1)
        if self.protocol > pickle.HIGHEST_PROTOCOL:
            raise UnpicklingError(f"load: unsupported pickle protocol {self.protocol}.")

    @on(pickle.FRAME)
    def frame(self):
        if self.number(u8) > len(self.data) - self.at:
            raise UnpicklingError("load: the pickle ends in the middle of a frame.")

    @on(pickle.STACK_GLOBAL)
    def stack_global(self):
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise UnpicklingError("load: the pickle names a global by something that is no string.")
        self.stack.append(self.global_(module, name))

    @on(pickle.MARK)
    def mark(self):
        self.below.append(self.stack)
        self.stack = []

    on(pickle.POP)(lambda self: self.stack.pop() if self.stack else self.mark())
    on(pickle.POP_MARK)(lambda self: self.mark())
    on(pickle.APPEND)(lambda self: self.append([self.stack.pop()]))
    on(pickle.APPENDS)(lambda self: self.append(self.mark()))
    on(pickle.SETITEMS)(lambda self: self.set_items(self.mark()))
    on(pickle.ADDITEMS)(lambda self: self.add_items(self.mark()))
    on(pickle.FROZENSET)(Unpickler.frozen_set)
    on(pickle.REDUCE)(Unpickler.reduce)
    on(pickle.BUILD)(lambda self: self.build())

    @on(pickle.SETITEM)
    def set_item(self):
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items([key, value])

    @on(pickle.NEWOBJ)
    def new_object(self):
        self.new_object(self.stack.pop(), {})

    @on(pickle.NEWOBJ_EX)
    def new_object_ex(self):
        named = self.stack.pop()
        self.new_object(self.stack.pop(), named)

    return table


def _size(n):
    if n < 0:
        raise UnpicklingError(f"load: the pickle has a negative length {n}.")
    return n


_TABLE = _table()
