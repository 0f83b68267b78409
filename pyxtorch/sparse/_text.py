"""How sparse tensors are printed: PyTorch's notation."""
import pyxtorch as torch
from pyxtorch._compound import parts_of
from pyxtorch._tensor_str import _add_suffixes, _tensor_str
from pyxtorch.sparse._layout import COO, CSR


def _item(name, x, indent):
    """`name=tensor(...)` whose lines begin in column `indent`."""
    prefix = f"{name}=tensor("
    if x.numel() == 0:
        return f"{prefix}[], size={tuple(x.shape)})"
    return f"{prefix}{_tensor_str(x, indent + len(prefix))})"


def tensor_str(x):
    """The text of a sparse tensor."""
    parts = parts_of(x)
    prefix = "tensor(" if type(x) is torch.Tensor or type(x).__name__ in ("Parameter", "Buffer") else f"{type(x).__name__}("
    indent = len(prefix)
    names = ("indices",) if parts.layout is COO else ("crow_indices", "col_indices") if parts.layout is CSR else ("ccol_indices", "row_indices")
    held = (parts.indices,) if parts.layout is COO else parts.indices
    text = prefix + (",\n" + " " * indent).join([_item(n, i, indent) for n, i in zip(names, held)] + [_item("values", parts.values, indent)])
    suffixes = [f"size={tuple(x.shape)}", f"nnz={parts.nnz}"]
    if x.dtype not in (torch.get_default_dtype(), torch.int64, torch.bool):
        suffixes.append(f"dtype={x.dtype!r}")
    suffixes.append(f"layout={parts.layout!r}")
    node = x.grad_fn
    if node is not None:
        suffixes.append(f"grad_fn=<{node.name().rpartition('::')[2]}>")
    elif x.requires_grad:
        suffixes.append("requires_grad=True")
    return _add_suffixes(text, suffixes, indent, force_newline=parts.layout is COO)
