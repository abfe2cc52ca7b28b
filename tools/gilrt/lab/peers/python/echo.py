# echo.py LIBRARY KIND HOGS: a thread that answers packets, beside others that compute. Says its port, ends when told to quit.
import socket, struct, sys, threading
from peer import report, turn

kind, hogs = sys.argv[2], int(sys.argv[3])
work = turn(kind)
turns = [0] * hogs
stop = False


def compute(index):
    while True:  # one turn at least, so that all of them have computed
        work()
        turns[index] += 1
        if stop:
            break


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    # A client that is gone says nothing any more.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 20, 0))
    s.bind(("127.0.0.1", 0))
    workers = [threading.Thread(target=compute, args=(i,), daemon=True) for i in range(hogs)]
    for worker in workers:
        worker.start()
    report(port=s.getsockname()[1])
    answered = 0
    while True:
        packet, client = s.recvfrom(64)
        if packet == b"quit":
            break
        s.sendto(packet, client)
        answered += 1
stop = True
for worker in workers:
    worker.join()
report(answered=answered, turns=sum(turns))
