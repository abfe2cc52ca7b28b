/*
 * libgilrt: the hot functions, inline. Opt-in: include it after, or instead of, gilrt.h.
 *
 * The functions do what those of the same name without _inline do, at the price of a few instructions, and fall back on them
 * for the rest. Each exists twice: as ..._inline, which finds the calling thread's state by itself, and as ..._inline_t,
 * which takes it (gil_thread_self(), asked after the thread's first acquire): the fastest. The code is the same in all modes
 * of the library.
 *
 * What is compiled here knows the first 40 bytes of a thread's state and the 16 of an object, which GILRT_ABI
 * freezes. A program or module that was compiled for another number does not load: the dynamic linker misses a symbol.
 */

#ifndef GILRT_INLINE_H
#define GILRT_INLINE_H

#include "gilrt.h"

#if !defined(__GNUC__)
#error "gilrt_inline.h needs the __atomic builtins of GCC or Clang: use the functions of gilrt.h instead"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* GILRT_ABI as a symbol: the reference is what checks it at load. */
extern const uint32_t gilrt_abi_1;
__attribute__((used, unused)) static const uint32_t *const gilrt_abi_needed_ = &gilrt_abi_1;

/* The distance of the calling thread's gil_thread_t * from the thread pointer; constant since before main. */
extern const size_t gilrt_tls_offset;

/* The frozen words of a thread's state. All are written by their thread; `self` also by who grants it the lock, `breaker`
   and `poll` by RMW from anywhere. */
struct gilrt_thread_words_ {
  uint32_t self;     /* the token under which the thread counts right now, or GILRT_DETACHED_ */
  uint32_t breaker;  /* not 0: attaching and detaching go the slow way */
  uint32_t poll;     /* not 0: a safepoint has something to do */
  uint32_t token;    /* what attaching stores into self */
  uint32_t depth;    /* nesting beyond the first */
  uint32_t away;     /* open allow-threads regions */
  uint64_t acquires; /* outermost acquisitions */
  struct gilrt_hot_words_ *hot; /* of the first GILRT_HOT_FIRST_ hot objects, by their slots; or NULL */
};

/* What one thread has counted of a hot object: two counters that only grow. */
struct gilrt_hot_words_ {
  uint64_t taken;
  uint64_t dropped;
};

/* The frozen words of an object. */
struct gilrt_object_words_ {
  uint32_t local; /* counted plainly by the owner */
  uint32_t owner; /* a token: who counts plainly */
  int32_t shared; /* counted atomically by everybody else */
  uint8_t reserved[3];
  uint8_t gc; /* GILRT_COLLECTING_: the collector wants to know who takes references */
};

#define GILRT_DETACHED_ UINT32_C(0xFFFFFFFE)
#define GILRT_LOAD_(p) __atomic_load_n(&(p), __ATOMIC_RELAXED)
#define GILRT_STORE_(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELAXED)
#define GILRT_LIKELY_(x) __builtin_expect(!!(x), 1)

/* gil_thread_self without a call, where the thread pointer is to be had. */
static inline gil_thread_t *gil_thread_self_inline(void) {
#if defined(__linux__) && defined(__x86_64__)
  /* One load less than by way of the thread pointer. Volatile: a call in between may have entered another interpreter. */
  gil_thread_t *t;
  __asm__ volatile("mov %%fs:(%1), %0" : "=r"(t) : "r"(gilrt_tls_offset));
  return t;
#elif defined(__linux__) && defined(__aarch64__)
  return *(gil_thread_t *volatile *)(void *)((char *)__builtin_thread_pointer() + gilrt_tls_offset);
#else
  return gil_thread_self();
#endif
}

static inline struct gilrt_thread_words_ *gilrt_words_(gil_thread_t *t) {
  return (struct gilrt_thread_words_ *)(void *)t;
}

static inline int gil_acquire_inline_t(gil_thread_t *t) {
  struct gilrt_thread_words_ *w = gilrt_words_(t);
  if (GILRT_LOAD_(w->self) != GILRT_DETACHED_) return gil_acquire(); /* nested */
  GILRT_STORE_(w->self, GILRT_LOAD_(w->token));
  /* Against a revoker, whose barrier in the processor makes this one enough. */
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (!GILRT_LIKELY_(__atomic_load_n(&w->breaker, __ATOMIC_ACQUIRE) == 0)) return gil_acquire_slow(t);
  GILRT_STORE_(w->acquires, w->acquires + 1);
  return GILRT_OK;
}

static inline int gil_release_inline_t(gil_thread_t *t) {
  struct gilrt_thread_words_ *w = gilrt_words_(t);
  if (!GILRT_LIKELY_(GILRT_LOAD_(w->self) != GILRT_DETACHED_ && w->depth == 0)) return gil_release();
  __atomic_store_n(&w->self, GILRT_DETACHED_, __ATOMIC_RELEASE);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (!GILRT_LIKELY_(GILRT_LOAD_(w->breaker) == 0)) gil_release_slow(t);
  return GILRT_OK;
}

/* Only looks at the requests: on a detached thread it answers GILRT_OK where gil_poll says GILRT_ERR_NOT_ATTACHED. */
static inline int gil_poll_inline_t(gil_thread_t *t) {
  return GILRT_LIKELY_(GILRT_LOAD_(gilrt_words_(t)->poll) == 0) ? GILRT_OK : gil_poll();
}

static inline uint32_t gil_region_begin_inline_t(gil_thread_t *t) {
  struct gilrt_thread_words_ *w = gilrt_words_(t);
  if (!GILRT_LIKELY_(GILRT_LOAD_(w->self) != GILRT_DETACHED_)) return gil_region_begin();
  uint32_t saved = w->depth + 1;
  w->depth = 0;
  GILRT_STORE_(w->away, w->away + 1);
  __atomic_store_n(&w->self, GILRT_DETACHED_, __ATOMIC_RELEASE);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (!GILRT_LIKELY_(GILRT_LOAD_(w->breaker) == 0)) gil_release_slow(t);
  return saved;
}

static inline void gil_region_end_inline_t(gil_thread_t *t, uint32_t saved) {
  struct gilrt_thread_words_ *w = gilrt_words_(t);
  /* Only the biased way back is here: any other must not be refused, which is for the library to see to. */
  if (!GILRT_LIKELY_(saved != 0 && GILRT_LOAD_(w->self) == GILRT_DETACHED_ && GILRT_LOAD_(w->breaker) == 0)) {
    gil_region_end(saved);
    return;
  }
  GILRT_STORE_(w->self, GILRT_LOAD_(w->token));
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (!GILRT_LIKELY_(__atomic_load_n(&w->breaker, __ATOMIC_ACQUIRE) == 0)) {
    GILRT_STORE_(w->self, GILRT_DETACHED_);
    gil_region_end(saved);
    return;
  }
  GILRT_STORE_(w->acquires, w->acquires + 1);
  w->depth = saved - 1;
  GILRT_STORE_(w->away, w->away - 1);
}

/* src/object/header.rs has the tables of these words, src/object/count.rs the same steps with their reasons. */
#define GILRT_SPECIAL_ UINT32_C(0xFFFFFFF0) /* from here on an owner is none, and the functions know how to count */
#define GILRT_HOT_ UINT32_C(0xFFFFFFFD)     /* a sentinel: the object is hot, its slot in `local` */
#define GILRT_HOT_FIRST_ 256
#define GILRT_ONE_ 4                        /* one reference in `shared`, above two bits of state */
#define GILRT_STATE_(shared) ((shared) & 3)
#define GILRT_COLLECTING_ 16
#define GILRT_MERGED_ 3                     /* the state in which all references are in `shared` */
#define GILRT_FULL_ (INT32_C(1) << 30)      /* 2^28 references: the object is made immortal */

static inline struct gilrt_object_words_ *gilrt_object_words_of_(obj_t *o) {
  return (struct gilrt_object_words_ *)(void *)o;
}

/* Adds to a word that no other thread writes; whether it is other than 0 then. One instruction on x86-64, which compilers do not
   make of a relaxed load and a relaxed store. */
static inline int gilrt_add_own_(uint32_t *word, uint32_t n) {
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__)
  int other;
  __asm__("addl %2, %0" : "+m"(*word), "=@ccnz"(other) : "ri"(n));
  return other;
#else
  n += GILRT_LOAD_(*word);
  GILRT_STORE_(*word, n);
  return n != 0;
#endif
}

/* The thread's counters of a hot object; NULL if it is not hot, or they are elsewhere. The acquire comes before the slot. */
static inline struct gilrt_hot_words_ *gilrt_hot_(gil_thread_t *t, obj_t *o) {
  struct gilrt_object_words_ *w = gilrt_object_words_of_(o);
  if (__atomic_load_n(&w->owner, __ATOMIC_ACQUIRE) != GILRT_HOT_) return NULL;
  struct gilrt_hot_words_ *first = gilrt_words_(t)->hot;
  uint32_t slot = GILRT_LOAD_(w->local);
  return first != NULL && slot < GILRT_HOT_FIRST_ ? first + slot : NULL;
}

/* By a thread that does not own the object. */
static inline void gilrt_incref_shared_(gil_thread_t *t, obj_t *o) {
  struct gilrt_object_words_ *w = gilrt_object_words_of_(o);
  if (!GILRT_LIKELY_(GILRT_LOAD_(w->owner) < GILRT_SPECIAL_)) {
    struct gilrt_hot_words_ *hot = gilrt_hot_(t, o);
    if (hot == NULL) {
      obj_incref(o);
    } else {
      __atomic_store_n(&hot->taken, hot->taken + 1, __ATOMIC_RELEASE);
    }
  } else if (!GILRT_LIKELY_(__atomic_fetch_add(&w->shared, GILRT_ONE_, __ATOMIC_SEQ_CST) < GILRT_FULL_)) {
    obj_incref_slow(o);
  } else if (!GILRT_LIKELY_((__atomic_load_n(&w->gc, __ATOMIC_SEQ_CST) & GILRT_COLLECTING_) == 0)) {
    obj_incref_slow(o); /* after the count: a collector sees that, or is told */
  }
}

/* Likewise. Release: this thread's accesses come before the free; Acquire: so do the others', if this is the last. */
static inline void gilrt_decref_shared_(gil_thread_t *t, obj_t *o) {
  struct gilrt_object_words_ *w = gilrt_object_words_of_(o);
  if (GILRT_LIKELY_(GILRT_LOAD_(w->owner) < GILRT_SPECIAL_)) {
    int32_t shared = GILRT_LOAD_(w->shared);
    for (;;) {
      if (GILRT_STATE_(shared) == GILRT_MERGED_) { /* for as long as there are references */
        shared = __atomic_fetch_sub(&w->shared, GILRT_ONE_, __ATOMIC_ACQ_REL);
        /* One comparison for both: the last one, or a count beyond the limit. */
        uint32_t above = (uint32_t)shared - (GILRT_MERGED_ + GILRT_ONE_) - 1;
        if (!GILRT_LIKELY_(above < GILRT_FULL_ - (GILRT_MERGED_ + GILRT_ONE_) - 1)) obj_decref_slow(o);
        return;
      }
      if (!GILRT_LIKELY_(shared >= GILRT_ONE_)) break; /* the owner's queue may have to take the reference over */
      int32_t less = shared - GILRT_ONE_;
      if (__atomic_compare_exchange_n(&w->shared, &shared, less, 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) return;
    }
  } else {
    struct gilrt_hot_words_ *hot = gilrt_hot_(t, o);
    if (hot != NULL) {
      __atomic_store_n(&hot->dropped, hot->dropped + 1, __ATOMIC_RELEASE);
      return;
    }
  }
  obj_decref(o);
}

static inline void obj_incref_inline_t(gil_thread_t *t, obj_t *o) {
  struct gilrt_object_words_ *w = gilrt_object_words_of_(o);
  if (!GILRT_LIKELY_(o != NULL)) return;
  if (GILRT_LIKELY_(GILRT_LOAD_(w->owner) == GILRT_LOAD_(gilrt_words_(t)->self))) {
    if (!GILRT_LIKELY_(gilrt_add_own_(&w->local, 1))) obj_incref_slow(o); /* 2^32 references */
    return;
  }
  gilrt_incref_shared_(t, o);
}

static inline void obj_decref_inline_t(gil_thread_t *t, obj_t *o) {
  struct gilrt_object_words_ *w = gilrt_object_words_of_(o);
  if (!GILRT_LIKELY_(o != NULL)) return;
  if (GILRT_LIKELY_(GILRT_LOAD_(w->owner) == GILRT_LOAD_(gilrt_words_(t)->self))) {
    if (!GILRT_LIKELY_(gilrt_add_own_(&w->local, UINT32_MAX))) obj_decref_slow(o);
    return;
  }
  gilrt_decref_shared_(t, o);
}

static inline int gil_acquire_inline(void) { return gil_acquire_inline_t(gil_thread_self_inline()); }
static inline int gil_release_inline(void) { return gil_release_inline_t(gil_thread_self_inline()); }
static inline int gil_poll_inline(void) { return gil_poll_inline_t(gil_thread_self_inline()); }
static inline uint32_t gil_region_begin_inline(void) { return gil_region_begin_inline_t(gil_thread_self_inline()); }
static inline void gil_region_end_inline(uint32_t saved) { gil_region_end_inline_t(gil_thread_self_inline(), saved); }
static inline void obj_incref_inline(obj_t *o) { obj_incref_inline_t(gil_thread_self_inline(), o); }
static inline void obj_decref_inline(obj_t *o) { obj_decref_inline_t(gil_thread_self_inline(), o); }

/* GIL_BEGIN_ALLOW_THREADS and GIL_END_ALLOW_THREADS, inline. */
#define GIL_BEGIN_ALLOW_THREADS_INLINE { uint32_t gilrt_saved_ = gil_region_begin_inline();
#define GIL_END_ALLOW_THREADS_INLINE gil_region_end_inline(gilrt_saved_); }

#ifdef __cplusplus
}
#endif

#endif /* GILRT_INLINE_H */
