/* What the programs of all peers call in C, so that it is the same for each. It knows nothing of libgilrt: runtimes load it as any
   other library. */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdint.h>

/* A chain of multiplications: `turns` of them, one after the other. */
uint64_t native_work(uint64_t turns);
/* What a call costs, and what lets a runtime release its lock and take it back at once. */
void native_nothing(void);
/* Nanoseconds of the monotonic clock. */
uint64_t native_now(void);
/* Sleeps, and returns when it was over: whoever must take a lock before it reads a clock would count that too. */
uint64_t native_sleep(uint64_t ns);
/* Gives the calling thread the CPU of this number, as far as there are enough. */
void native_pin(unsigned index);
/* `count` times save() and restore() of what it returned: nanoseconds of all. That is the shape of CPython's
   PyEval_SaveThread and PyEval_RestoreThread. */
uint64_t native_pairs(void *(*save)(void), void (*restore)(void *), uint64_t count);
/* The same for a runtime that calls a function without its lock: rb_thread_call_without_gvl of Ruby. */
uint64_t native_calls(void *(*without)(void *(*)(void *), void *, void (*)(void *), void *), uint64_t count);

#endif
