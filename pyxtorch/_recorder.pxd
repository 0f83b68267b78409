"""The lists of include/pyxtorch/recorder.h, for _recorder.pyx alone: what they keep while a thread records lives in its object."""
from libc.stdint cimport int64_t, uint64_t
from libcpp.string cimport string
from libcpp.vector cimport vector
from pyxtorch._core cimport pyx_storage
from pyxtorch._guards cimport Seen
from pyxtorch._listen cimport pyx_listener

cdef extern from "pyxtorch/recorder.h" namespace "pyx_record" nogil:
    cdef struct Ref:
        pass
    cdef struct Block:
        pyx_storage* st
        bint freed, written, constant
        vector[Ref] refs
    cdef struct Slot:
        char* data
        int64_t nbytes
        bint read, written
        int first
        vector[Ref] refs
    cdef struct Live:
        void* group
        void* options
    cdef cppclass Places "std::map<char*, int>":
        int& operator[](char*)
    cdef cppclass Calls "std::vector<std::unique_ptr<pyx_record::Call>>":
        size_t size()
    cdef cppclass List:
        Calls calls
        vector[Block] blocks
        vector[Slot] slots
        vector[Live] lives
        Places places
        string text, why
        uint64_t seed, start
        int64_t bytes
        int first_external_write, last_look
        int find(const char* p)
    size_t add_family(const char* name, void** tables)
    void (*where)(char* text, int room) noexcept
    void begin(List* l, pyx_listener* listener)
    void end(List* l, pyx_listener* listener)
    void point(vector[Ref]& refs, char* data)
    bint is_recording()
    void rewind(List* l, uint64_t seed, uint64_t start)
    int64_t play(List* l, int64_t* code)
    int (*formula_scalars)(int)

cdef extern from *:
    """
    static const char* pyx_call_name(pyx_record::List* l, int64_t i) { return l->calls[i]->name; }
    static void pyx_set_rate(void* options, double lr) { ((pyx_optim_options*)options)->lr = lr; }
    """
    const char* call_name "pyx_call_name"(List* l, int64_t i)
    void set_rate "pyx_set_rate"(void* options, double lr)

cdef struct Out:            # a tensor to make
    Seen seen
    int block
    int64_t offset
    int64_t version
