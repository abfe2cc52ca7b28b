# What the programs beside this file share. The first argument of each is the library of c/native.c.
import ctypes, json, os, sys, threading

RELEASING = ctypes.CDLL(sys.argv[1])  # calls release the lock
# Calls hold it. PyPy has no such thing.
HOLDING = ctypes.PyDLL(sys.argv[1]) if hasattr(ctypes, "PyDLL") else None

for library in filter(None, (RELEASING, HOLDING)):
    library.native_work.argtypes = [ctypes.c_uint64]
    library.native_work.restype = ctypes.c_uint64
    library.native_nothing.argtypes = []
    library.native_nothing.restype = None
    library.native_now.argtypes = []
    library.native_now.restype = ctypes.c_uint64
    library.native_sleep.argtypes = [ctypes.c_uint64]
    library.native_sleep.restype = ctypes.c_uint64
    library.native_pin.argtypes = [ctypes.c_uint]
    library.native_pin.restype = None

COUNTDOWN = 1000  # steps of the language itself in a turn
WORK = 50_000  # multiplications in C in a turn


def interpreter():
    n = COUNTDOWN
    while n:
        n -= 1


def holding():
    HOLDING.native_work(WORK)


def releasing():
    RELEASING.native_work(WORK)


def turn(kind):
    """One turn of CPU-bound work of this kind."""
    if kind == "holding" and not HOLDING:
        sys.exit("this runtime cannot call C without releasing its lock")
    return {"interpreter": interpreter, "holding": holding, "releasing": releasing}[kind]


def fail(thread):
    sys.__excepthook__(thread.exc_type, thread.exc_value, thread.exc_traceback)
    sys.stderr.flush()
    os._exit(1)


# What fails in a thread is the program's failure.
threading.excepthook = fail


def report(**figures):
    print(json.dumps(figures), flush=True)
