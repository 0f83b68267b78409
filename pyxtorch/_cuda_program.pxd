"""What _cuda.pyx uses of the libraries."""

cdef void* open_library(str name, list problems) except? NULL
cdef int need_nvrtc() except -1
