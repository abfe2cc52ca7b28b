/* Acquire and release by one thread that is alone: ours, and what hosts use instead. The tool checks afterwards that the
   library has counted every acquisition, so that a lock that is not taken cannot win. */
#include <gilrt_inline.h>
#include <pthread.h>
#include <stdatomic.h>

#include "times.h"

int empty_call(void);

kernel_t kernel_pair_inline, kernel_pair_inline_t, kernel_pair_call, kernel_pair_pthread, kernel_pair_cas, kernel_pair_empty,
    kernel_poll_inline, kernel_poll_empty;

int kernel_pair_inline(const kernel_task_t *task, kernel_result_t *result) {
  TIMES(task, result, gil_acquire_inline(); SECTION(); gil_release_inline(); SECTION());
  return 0;
}

int kernel_pair_inline_t(const kernel_task_t *task, kernel_result_t *result) {
  gil_thread_t *self = gil_thread_self();
  TIMES(task, result, gil_acquire_inline_t(self); SECTION(); gil_release_inline_t(self); SECTION());
  return 0;
}

int kernel_pair_call(const kernel_task_t *task, kernel_result_t *result) {
  TIMES(task, result, gil_acquire(); gil_release());
  return 0;
}

int kernel_pair_pthread(const kernel_task_t *task, kernel_result_t *result) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  TIMES(task, result, pthread_mutex_lock(&mutex); SECTION(); pthread_mutex_unlock(&mutex));
  return 0;
}

/* The least that a lock of one word needs, without any waiting. */
int kernel_pair_cas(const kernel_task_t *task, kernel_result_t *result) {
  static atomic_uint word;
  unsigned free;
  TIMES(task, result, free = 0;
        atomic_compare_exchange_strong_explicit(&word, &free, 1, memory_order_acquire, memory_order_relaxed); SECTION();
        atomic_exchange_explicit(&word, 0, memory_order_release));
  return 0;
}

int kernel_pair_empty(const kernel_task_t *task, kernel_result_t *result) {
  TIMES(task, result, empty_call(); empty_call());
  return 0;
}

int kernel_poll_inline(const kernel_task_t *task, kernel_result_t *result) {
  gil_acquire();
  TIMES(task, result, gil_poll_inline(); SECTION());
  gil_release();
  return 0;
}

int kernel_poll_empty(const kernel_task_t *task, kernel_result_t *result) {
  TIMES(task, result, SECTION());
  return 0;
}
