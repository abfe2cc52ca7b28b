# compute.py LIBRARY KIND THREADS MILLISECONDS: the same CPU-bound work by one thread and by several.
import sys, threading, time
from peer import report, turn

kind, threads, milliseconds = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
work = turn(kind)


def repeat(turns, done):
    for _ in range(turns):
        work()
        done.append(None)


def timed(threads, turns):
    done = [[] for _ in range(threads)]
    parts = [turns // threads + (i < turns % threads) for i in range(threads)]
    workers = [threading.Thread(target=repeat, args=part) for part in zip(parts, done)]
    start = time.monotonic_ns()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.monotonic_ns() - start, sum(map(len, done))


turns = 1
took, _ = timed(1, turns)
# As many as fill the time: found out by doubling, which also wakes the processor and a compiler up.
while took < milliseconds * 500_000:
    turns *= 2
    took, _ = timed(1, turns)
turns = max(turns * milliseconds * 1_000_000 // took, threads)
alone, _ = timed(1, turns)
together, done = timed(threads, turns)
report(turns=turns, done=done, alone_ns=alone, together_ns=together)
