"""Processes as a grid: a group along each of its dimensions."""
import math

import pyxtorch
from pyxtorch.distributed import _group

__all__ = ["DeviceMesh", "init_device_mesh"]


class DeviceMesh:
    """Ranks in a grid, and a group along each dimension for this process. All processes make it.

    Args:
        device_type: "cpu". mesh: a tensor or nested list of ranks. mesh_dim_names: of the dimensions, for `mesh["name"]`.
    """

    def __init__(self, device_type, mesh, *, mesh_dim_names=None, _groups=None):
        self.device_type = device_type
        self.mesh = mesh.to(pyxtorch.int64) if isinstance(mesh, pyxtorch.Tensor) else pyxtorch.tensor(mesh, dtype=pyxtorch.int64)
        self.mesh_dim_names = None if mesh_dim_names is None else tuple(mesh_dim_names)
        if self.mesh_dim_names is not None and (len(self.mesh_dim_names) != self.mesh.dim() or len(set(self.mesh_dim_names)) != self.mesh.dim()):
            raise RuntimeError(f"DeviceMesh: mesh_dim_names={self.mesh_dim_names} do not name the {self.mesh.dim()} dimensions, each differently")
        if not _group.is_initialized():
            _group.init_process_group()
        found = (self.mesh == _group.get_rank()).nonzero()
        self._coordinate = found[0].tolist() if len(found) else None
        self._groups = self._make_groups() if _groups is None else _groups

    def _make_groups(self):
        if sorted(self.mesh.flatten().tolist()) != sorted(set(self.mesh.flatten().tolist())):
            raise RuntimeError(f"DeviceMesh: a rank is in {self.mesh.tolist()} twice")
        groups = []
        for d in range(self.mesh.dim()):
            lists = self.mesh.movedim(d, -1).reshape(-1, self.mesh.shape[d]).tolist()
            groups.append(_group.new_subgroups_by_enumeration(lists)[0])
        return groups

    def __repr__(self):
        return f"DeviceMesh({self.device_type!r}, {self.mesh.tolist()}" + (f", mesh_dim_names={self.mesh_dim_names})" if self.mesh_dim_names else ")")

    @property
    def ndim(self):
        """The number of dimensions."""
        return self.mesh.dim()

    @property
    def shape(self):
        """How many ranks along each dimension."""
        return tuple(self.mesh.shape)

    def _dim(self, mesh_dim):
        if isinstance(mesh_dim, str):
            if mesh_dim not in (self.mesh_dim_names or ()):
                raise KeyError(f"DeviceMesh has no dimension {mesh_dim!r}; it has {self.mesh_dim_names}")
            return self.mesh_dim_names.index(mesh_dim)
        if mesh_dim is None:
            if self.ndim != 1:
                raise RuntimeError(f"DeviceMesh has {self.ndim} dimensions: say which one is meant")
            return 0
        if not 0 <= mesh_dim < self.ndim:
            raise IndexError(f"DeviceMesh has no dimension {mesh_dim}; it has {self.ndim}")
        return mesh_dim

    def size(self, mesh_dim=None):
        """How many ranks there are, or along a dimension."""
        return math.prod(self.shape) if mesh_dim is None else self.shape[self._dim(mesh_dim)]

    def get_group(self, mesh_dim=None):
        """This process's group along a dimension."""
        return self._groups[self._dim(mesh_dim)]

    def get_all_groups(self):
        """Those of all dimensions."""
        return list(self._groups)

    def get_rank(self):
        """The number of this process among all."""
        return _group.get_rank()

    def get_local_rank(self, mesh_dim=None):
        """The place of this process along a dimension."""
        return self.get_coordinate()[self._dim(mesh_dim)]

    def get_coordinate(self):
        """Its place in the grid, a list; None if it is not in it."""
        return None if self._coordinate is None else list(self._coordinate)

    def __getitem__(self, names):
        """The part of the grid along the named dimensions that this process is in."""
        dims = [self._dim(name) for name in ((names,) if isinstance(names, str) else names)]
        if dims != sorted(set(dims)):
            raise KeyError(f"DeviceMesh: the dimensions {names} are not in the order of {self.mesh_dim_names}")
        part = self.mesh
        for d in reversed(range(self.ndim)):
            if d not in dims:
                part = part.select(d, self._coordinate[d])
        return DeviceMesh(self.device_type, part, mesh_dim_names=[self.mesh_dim_names[d] for d in dims], _groups=[self._groups[d] for d in dims])


def init_device_mesh(device_type, mesh_shape, *, mesh_dim_names=None, backend_override=None):
    """A DeviceMesh of all processes, in their order; the group of all is made if there is none.

    Raises:
        RuntimeError: `mesh_shape` is not of as many places as there are processes.
    """
    if not _group.is_initialized():
        _group.init_process_group()
    size = _group.get_world_size()
    if math.prod(mesh_shape) != size:
        raise RuntimeError(f"Mesh should not be bigger or smaller than default world size {size}, but found {math.prod(mesh_shape)} ranks!")
    return DeviceMesh(device_type, pyxtorch.arange(size).reshape(mesh_shape), mesh_dim_names=mesh_dim_names)
