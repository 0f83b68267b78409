"""What stands for a graph that has been run: `grad_fn` of the loss of a replayed step."""
from pyxtorch._tape.graph cimport Node


cdef class Spent(Node):
    """Stands for a graph that has been run: `grad_fn` of a loss whose backward() was replayed."""
    def name(self):
        """The name of the node that it stands for."""
        return self.label

    cdef int send(self, object g) except -1:
        raise RuntimeError(
            f"{self.label}: Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
            "The function that made it is compiled, and ran backward() itself. Specify retain_graph=True there if you need to.")


cdef bint spent(Node top):
    """Whether backward has run through the graph: something was saved, and all of it is released."""
    cdef list todo = [top]
    cdef bint saved = False
    cdef Node node
    cdef int i
    seen = set()
    while todo:
        node = <Node>todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if not type(node).__module__.startswith("pyxtorch") or node.n_saved and not node.released:
            return False
        saved |= node.n_saved > 0
        for i in range(node.n_inputs):
            target = node.edge(i)
            if isinstance(target, Node):
                todo.append(target)
    return saved
