# workers.py LIBRARY KIND COUNT TURNS: CPU-bound work shared by threads or by processes: how long each takes to be there, how long
# the work lasts, and what memory each has for itself.
import os, sys, threading
from peer import HOLDING, RELEASING, report, turn

kind, count, turns = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
now = (HOLDING or RELEASING).native_now
work = turn("interpreter")
# What the workers say, and what they wait for. Threads and processes wait alike.
(said, say), (go, let_go), (leave, let_leave) = (os.pipe() for _ in range(3))
done = [0] * count


def memory():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Private_Dirty:")) * 1024


def worker(index):
    os.write(say, b"r")
    os.read(go, 1)
    for _ in range(turns // count + (index < turns % count)):
        work()
        done[index] += 1
    os.write(say, b"d")
    if kind == "processes":
        os.write(say, b"%16d%16d" % (memory(), done[index]))
    os.read(leave, 1)


def hear(length):
    heard = b""
    while len(heard) < length:
        part = os.read(said, length - len(heard))
        if not part:
            sys.exit("a worker is gone")
        heard += part
    return heard


def fork(index):
    child = os.fork()
    if child == 0:
        worker(index)
        os._exit(0)
    return child


before = memory()
start = now()
if kind == "processes":
    workers = [fork(index) for index in range(count)]
else:
    workers = [threading.Thread(target=worker, args=(index,)) for index in range(count)]
    for each in workers:
        each.start()
hear(count)
began = now()
os.write(let_go, b"g" * count)
if kind == "processes":
    records = hear(count * 33).decode()
    ended = now()
    numbers = [int(word) for word in records.replace("d", " ").split()]
    used, finished = sum(numbers[::2]) // count, sum(numbers[1::2])
else:
    hear(count)
    ended = now()
    used, finished = max(memory() - before, 0) // count, sum(done)
os.write(let_leave, b"l" * count)
for each in workers:
    os.waitpid(each, 0) if kind == "processes" else each.join()
report(done=finished, start_up_ns=(began - start) // count, time_ns=ended - began, memory=used)
