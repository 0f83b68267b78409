"""Where compiled functions and classes are written, and which module they say that they are of."""
import inspect

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        const char* tp_name

_above = __file__.rpartition("pyxtorch")[0]

cdef dict renamed = {}      # a compiled class -> the module that it is written in
cdef list names = []        # keeps their C names


def rename(cls, str module not None):
    """Let a compiled class say that it is of `module`: its C name is where `__module__`, `repr` and pickles have it from."""
    renamed.setdefault(cls, cls.__module__)
    names.append(f"{module}.{cls.__name__}".encode())
    (<PyTypeObject*>cls).tp_name = <const char*>names[-1]


def code_of(function):
    """A code object with the file and line of a function, or of a method of a compiled class: what `inspect` asks for."""
    if hasattr(function, "__objclass__"):
        return code_of_method(function)
    code = inspect.unwrap(function).__code__        # a decorator may stand in front
    if code.co_filename.startswith("pyxtorch/"):    # compiled functions know their file from the folder above the package on
        code = code.replace(co_filename=_above + code.co_filename)
    return code


def code_of_method(method):
    """The same of a method. Cython does not keep where it is: the line is looked for when somebody asks."""
    home = renamed.get(method.__objclass__) or method.__objclass__.__module__
    path = f"{_above}{home.replace('.', '/')}.pyx"
    line = 1
    try:
        with open(path) as source:
            line = next((i for i, text in enumerate(source, 1) if text.startswith(f"    def {method.__name__}(")), 1)
    except OSError:     # the package is installed without its sources
        pass
    return compile("", path, "exec").replace(co_firstlineno=line, co_name=method.__name__)


def name_of(func):
    """The public name of what an override is given, such as 'torch.add' or 'torch.Tensor.shape.__get__'."""
    owner = getattr(func, "__self__", None)
    if type(owner).__name__ == "getset_descriptor":
        return f"torch.Tensor.{owner.__name__}.{func.__name__}"
    if type(func).__name__ in ("wrapper_descriptor", "method_descriptor"):
        return f"torch.Tensor.{func.__name__}"
    return f"{getattr(func, '__module__', None)}.{getattr(func, '__qualname__', func)}".replace("pyxtorch", "torch", 1)
