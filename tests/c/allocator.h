/* An allocator that fails when it is told to: the malloc family of this program, and of every library in it, is here. */
#ifndef ALLOCATOR_H
#define ALLOCATOR_H

#include "check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ALLOCATOR_IS_ANOTHERS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATOR_IS_ANOTHERS 1
#endif

static atomic_long allocations_left = -1; /* until one fails */
static _Thread_local bool allocator_armed;

/* From here on, allocations of this thread count, and the n-th of all such fails. */
static inline void fail_allocation(long n) {
  atomic_store(&allocations_left, n);
  allocator_armed = true;
}

/* For a further thread of the same count. */
static inline void fail_here_too(bool yes) { allocator_armed = yes; }

/* Whether one has failed. */
static inline bool an_allocation_failed(void) {
  allocator_armed = false;
  return atomic_load(&allocations_left) <= 0;
}

#ifndef ALLOCATOR_IS_ANOTHERS
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *block);

static bool allocation_fails(void) {
  if (!allocator_armed || atomic_fetch_sub(&allocations_left, 1) != 1) return false;
  errno = ENOMEM;
  return true;
}

void *malloc(size_t size) { return allocation_fails() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return allocation_fails() ? NULL : __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { return allocation_fails() ? NULL : __libc_realloc(old, size); }
void *memalign(size_t align, size_t size) { return allocation_fails() ? NULL : __libc_memalign(align, size); }
void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }
void free(void *block) { __libc_free(block); }

int posix_memalign(void **out, size_t align, size_t size) {
  void *block = memalign(align, size);
  if (!block) return ENOMEM;
  *out = block;
  return 0;
}
#endif

#endif
