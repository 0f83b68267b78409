"""torch._vmap_internals: vmap under an older name."""
from pyxtorch.func import vmap

__all__ = ["_vmap", "vmap"]


def _vmap(func, in_dims=0, out_dims=0, allow_none_pass_through=False):
    """`func.vmap`; results that are None stay None with `allow_none_pass_through`."""
    if not allow_none_pass_through:
        return vmap(func, in_dims, out_dims)
    absent = []

    def without(*args):
        results = func(*args)
        several = isinstance(results, tuple)
        absent[:] = [several, [r is None for r in (results if several else (results,))]]
        kept = tuple(r for r in (results if several else (results,)) if r is not None)
        return kept

    def mapped(*args):
        kept = iter(vmap(without, in_dims, out_dims)(*args))
        several, gone = absent
        results = tuple(None if none else next(kept) for none in gone)
        return results if several else results[0]

    return mapped
