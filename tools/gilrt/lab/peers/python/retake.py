# retake.py LIBRARY MILLISECONDS: a thread that holds the lock for 100 us, releases it and takes it back at once, and one that
# sleeps for a millisecond and then wants it: how long it waits at the most. A wait that the end cuts short lasted at least so long.
import sys, threading
from peer import HOLDING, RELEASING, report

milliseconds = int(sys.argv[2])
sleep, nothing = RELEASING.native_sleep, RELEASING.native_nothing
now = (HOLDING or RELEASING).native_now
end = now() + milliseconds * 1_000_000
holds = 0


def hold_and_retake():
    global holds
    RELEASING.native_pin(0)
    until = now()
    while until < end:
        until += 100_000
        while now() < until:
            pass
        nothing()
        holds += 1
        until = now()


RELEASING.native_pin(1)
holder = threading.Thread(target=hold_and_retake)
holder.start()
longest = visits = 0
while now() < end:
    slept = sleep(1_000_000)
    longest = max(longest, now() - slept)
    visits += 1
holder.join()
report(longest_ns=longest, visits=visits, holds=holds)
