from libc.stdint cimport int64_t


# 0; -2 where an index tensor has one out of range, with bad[0] the first and bad[1] the tensor's number;
# -4 after a failure that is kept. Waits for the answer.
cdef int checked(int device, int count, const int64_t** index, const int64_t* size, int64_t n, int wrap, int64_t* bad) noexcept nogil
# Among how many threads the indices of a line are shared out; the sizes alone decide.
cdef int64_t shares_of(int64_t lines, int64_t count) noexcept nogil
