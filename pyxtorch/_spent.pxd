"""What stands for a graph that has been run."""
from pyxtorch._tape.graph cimport Node


cdef class Spent(Node):
    cdef str label

cdef bint spent(Node top)       # whether backward has run through the graph: something was saved, and all of it is released
