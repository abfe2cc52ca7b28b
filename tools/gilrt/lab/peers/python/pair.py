# pair.py LIBRARY PAIRS: release and acquire by a thread that is alone.
import ctypes, sys, time
from peer import HOLDING, RELEASING, report

pairs = int(sys.argv[2])
if sys.implementation.name == "cpython":
    # What Py_BEGIN_ALLOW_THREADS and Py_END_ALLOW_THREADS call, called from a loop in C.
    save, restore = (
        ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p)
        for name in ("PyEval_SaveThread", "PyEval_RestoreThread")
    )
    HOLDING.native_pairs.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64]
    HOLDING.native_pairs.restype = ctypes.c_uint64
    measure = lambda: HOLDING.native_pairs(save, restore, pairs)
else:
    # PyPy has it in the call of a function that does nothing, and nowhere else: the call is in the figure.
    import cffi

    ffi = cffi.FFI()
    ffi.cdef("void native_nothing(void);")
    nothing = ffi.dlopen(sys.argv[1]).native_nothing

    def measure():
        start = time.perf_counter_ns()
        for _ in range(pairs):
            nothing()
        return time.perf_counter_ns() - start


measure()  # a compiler has had its turn
report(pairs=pairs, elapsed_ns=measure())
