# ask.py LIBRARY PORT THREADS MILLISECONDS: threads that do nothing but ask a server and wait for its answer.
import socket, struct, sys, threading, time
from peer import report

port, threads, milliseconds = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
answered = [0] * threads
start = time.monotonic_ns()
end = start + milliseconds * 1_000_000


def ask(index):
    question = struct.pack("q", index)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5, 0))
        s.connect(("127.0.0.1", port))
        while True:  # one answer at least, however late the thread began
            s.send(question)
            if s.recv(64) != question:
                raise ValueError("the answer was another")
            answered[index] += 1
            if time.monotonic_ns() >= end:
                break


workers = [threading.Thread(target=ask, args=(i,)) for i in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
report(round_trips=sum(answered), least=min(answered), elapsed_ns=time.monotonic_ns() - start)
