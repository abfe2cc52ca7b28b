/*
 * libgilrt: a global interpreter lock, reference counts that any thread may touch, and extension modules.
 *
 * Generated from src/abi; this file is the specification. Conventions:
 * - functions that can fail return a gilrt_status_t as an int: 0, or a negative number, and then have changed nothing;
 * - out-parameters are written only on success; pointers are checked for NULL;
 * - structures that the caller fills in begin with struct_size, and what is zero means the default;
 * - callbacks take the caller's pointer last, and must not throw or longjmp;
 * - a thread is attached while it holds the lock of its interpreter.
 */

#ifndef GILRT_H
#define GILRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gil_thread gil_thread_t;       /* a thread's state in one interpreter */
typedef struct gil_interp gil_interp_t;       /* an interpreter: a world of objects with its lock */
typedef struct gil_guard gil_guard_t;         /* holds off the end of an interpreter */
typedef struct obj obj_t;                     /* an object: a header of 16 bytes, then the payload */
typedef struct obj_type obj_type_t;           /* a type of objects */
typedef struct obj_weak obj_weak_t;           /* a weak reference to an object */
typedef struct obj_channel obj_channel_t;     /* a channel: it is called by this, which is no address */
typedef struct gilrt_library gilrt_library_t; /* an extension module that was opened */

/* The payload of an object, as a pointer to T. */
#define OBJ_PAYLOAD(o, T) ((T *)(void *)((char *)(o) + 16))

/* Around a call that blocks, or computes without touching objects: other threads may have the lock meanwhile. The two
   open and close a block; nothing may jump out of it. Nests; does nothing on a thread that is not attached. The way back
   always succeeds, also while the interpreter closes. */
#define GIL_BEGIN_ALLOW_THREADS { uint32_t gilrt_saved_ = gil_region_begin();
#define GIL_END_ALLOW_THREADS gil_region_end(gilrt_saved_); }

/* Critical sections, for one object and for two: see obj_section_begin. The two open and close a block; nothing may jump out
   of it. They nest. */
#define OBJ_BEGIN_SECTION(o) { obj_section_t gilrt_section_; (void)obj_section_begin(&gilrt_section_, (o));
#define OBJ_END_SECTION obj_section_end(&gilrt_section_); }
#define OBJ_BEGIN_SECTION2(a, b) { obj_section_t gilrt_section_; (void)obj_section_begin2(&gilrt_section_, (a), (b));
#define OBJ_END_SECTION2 OBJ_END_SECTION

// The version of this header.
#define GILRT_VERSION_MAJOR 0

// See GILRT_VERSION_MAJOR.
#define GILRT_VERSION_MINOR 1

// See GILRT_VERSION_MAJOR.
#define GILRT_VERSION_PATCH 0

// The version as one number that grows: major << 16 | minor << 8 | patch.
#define GILRT_VERSION_HEX 256

// The layout that the inline functions of gilrt_inline.h and the structures of extension modules know: what was compiled
// with another number must be compiled again.
#define GILRT_ABI 1

// In obj_type_config_t.flags: obj_try_incref on objects of this type fails only if they are dying, also by a thread that does
// not own them. Their last decref costs an atomic operation more.
#define OBJ_TYPE_TRY 1

// In gilrt_module_t.flags: the extension is right without a GIL as well. One that does not say so gets one.
#define GILRT_MODULE_FREE_THREADED 1

// In gilrt_call_t.flags: release the lock while computing; without it, hold the lock and call gil_poll.
#define GILRT_CALL_RELEASE 1

// In gilrt_call_t.flags: no other of the `thread_count` calls meets the state of this one, since each is made in an interpreter
// or a process of its own.
#define GILRT_CALL_ALONE 2

// What a call answered. Success is 0, failures are negative; functions return it as an int. A value never changes its
// meaning, and new ones may come.
typedef enum gilrt_status_t {
  // Success.
  GILRT_OK = 0,
  // An argument is NULL, out of range or of the wrong kind.
  GILRT_ERR_INVALID = -1,
  // The calling thread is not attached, and must be for this.
  GILRT_ERR_NOT_ATTACHED = -2,
  // The lock was held by another thread, or the channel full or empty, until the deadline.
  GILRT_ERR_TIMEOUT = -3,
  // The interpreter or the channel is closing or closed.
  GILRT_ERR_CLOSED = -4,
  // Somebody is still inside, or it is too late for this.
  GILRT_ERR_BUSY = -5,
  // Out of memory; nothing was changed.
  GILRT_ERR_NOMEM = -6,
  // Waiting here could never end.
  GILRT_ERR_DEADLOCK = -7,
  // Compiled for an incompatible version.
  GILRT_ERR_ABI = -8,
  // The extension module cannot be loaded, or has failed; gilrt_error_text says why.
  GILRT_ERR_MODULE = -9,
  // The calling thread is attached, and must not be for this.
  GILRT_ERR_NESTED = -10,
  // A fixed limit of the library is reached.
  GILRT_ERR_LIMIT = -11,
  // A defect inside libgilrt was caught at the border.
  GILRT_ERR_PANIC = -12,
} gilrt_status_t;

// Who may be in an interpreter at once.
typedef enum gil_mode_t {
  // One thread at a time: whoever holds the interpreter's own lock.
  GIL_MODE_LOCKED = 0,
  // One thread at a time in several interpreters that share a lock. Not for the main one, whose lock the others may share.
  GIL_MODE_SHARED = 1,
  // As many as like: there is no lock, and attaching excludes nobody.
  GIL_MODE_FREE = 2,
} gil_mode_t;

// How the lock chooses among those who want it.
typedef enum gil_policy_t {
  // By virtual runtime: a thread that comes back from blocking runs at once while it stays within its share, CPU-bound
  // threads share the time fairly, and every wait is bounded. The default.
  GIL_POLICY_RESPONSIVE = 0,
  // CPython since 3.2: a waiter asks for the lock after the switch interval, and the holder that drops it may not have
  // it back before another thread had it.
  GIL_POLICY_INTERVAL = 1,
  // Python 2: the holder lets go every 100 polls and competes again at once; a slower waiter starves. For comparison.
  GIL_POLICY_TICKS = 2,
} gil_policy_t;

// When a lock is biased: while one thread is alone with it, its acquires and releases cost no atomic instruction, and who
// comes next pays some microseconds, once.
typedef enum gil_bias_t {
  // Where it stays right even if a seccomp filter that is installed later forbids membarrier: on x86-64. The default.
  GIL_BIAS_SAFE = 0,
  // Wherever membarrier exists. If it is taken away later, the process is aborted when a bias must be revoked.
  GIL_BIAS_ALWAYS = 1,
  // Never.
  GIL_BIAS_NEVER = 2,
} gil_bias_t;

// What a thread can be asked for, as on_request is told: gil_poll does it.
typedef enum gil_request_t {
  // A waiter wants the lock.
  GIL_REQUEST_DROP = 1,
  // Something was left to be done: a call by gil_call_soon, or destructors.
  GIL_REQUEST_CALL = 4,
  // The interpreter is closing: gil_poll answers GILRT_ERR_CLOSED.
  GIL_REQUEST_CLOSE = 8,
  // Another thread stops the world, in an interpreter without a lock.
  GIL_REQUEST_STOP = 16,
  // gil_interrupt was called: gil_poll answers GILRT_ERR_TIMEOUT.
  GIL_REQUEST_INTERRUPT = 64,
} gil_request_t;

// How objects are counted.
typedef enum obj_count_t {
  // Plainly by the threads of their interpreter, atomically by everybody else. The default.
  OBJ_COUNT_BIASED = 0,
  // Atomically by everybody.
  OBJ_COUNT_ATOMIC = 1,
  // Under a lock of the object's own, by everybody: the older way, for comparison. Checking mode keeps that locked while the
  // object's destructor runs, which invites a deadlock, and reports it: there counting may block, detached meanwhile.
  OBJ_COUNT_LOCKED = 2,
} obj_count_t;

// How the runtime starts. Set `struct_size`, leave zero what you do not care about.
typedef struct gilrt_config_t {
  // sizeof(gilrt_config_t).
  size_t struct_size;
  // A gil_mode_t, of the main interpreter.
  int32_t mode;
  // A gil_policy_t.
  int32_t policy;
  // As for gil_set_switch_interval; 0 for the default of 5,000,000 ns.
  uint64_t switch_interval_ns;
  // An obj_count_t.
  int32_t count;
  // Where objects get their memory: `size` bytes aligned to `align`, or NULL. Any thread may call it. Both this and
  // `free`, or neither.
  void *(*alloc)(size_t size, size_t align, void *user);
  // Takes the memory back.
  void (*free)(void *p, size_t size, size_t align, void *user);
  // The last argument of both.
  void *alloc_user;
  // A gil_bias_t.
  int32_t bias;
  // As in gil_interp_config_t, for the main interpreter.
  void (*on_request)(uint64_t thread_id, uint32_t requests, void *user);
  // For on_request.
  void *user;
  // As gil_interp_config_t.strict, of the main interpreter.
  bool strict;
} gilrt_config_t;

// How an interpreter is made. Set `struct_size`, leave zero what you do not care about.
typedef struct gil_interp_config_t {
  // sizeof(gil_interp_config_t).
  size_t struct_size;
  // For reports, which show 32 bytes of it; may be NULL. Copied.
  const char *name;
  // A gil_mode_t.
  int32_t mode;
  // A gil_policy_t, of its own lock; a lock that it shares stays as it is.
  int32_t policy;
  // As for gil_set_switch_interval, of its own lock; 0 for the default of 5,000,000 ns.
  uint64_t switch_interval_ns;
  // With GIL_MODE_SHARED: an interpreter with a lock, which becomes the new one's too. NULL for the main one. NULL otherwise.
  gil_interp_t *share_with;
  // An obj_count_t.
  int32_t count;
  // Called when a thread of this interpreter is asked for something, with its gil_thread_id and bits of gil_request_t, so that
  // a host which looks at a word of its own at its safepoints can set that, and call gil_poll there; NULL: gil_poll_word or
  // gil_poll itself tells. Set the word with release and read it with acquire order, and clear it before gil_poll.
  //
  // From any thread, and under the library's internal mutexes, but for GIL_REQUEST_CALL, which may also come from a signal
  // handler in which gil_call_soon was called. So it must be brief, must not wait for anybody, and calls nothing of the
  // library but gil_thread_id and gil_held. It may be told again of what was asked before, of what has been withdrawn
  // meanwhile, and of a thread that has just ended; it is not called after gil_interp_close or gilrt_finalize has answered
  // GILRT_OK.
  void (*on_request)(uint64_t thread_id, uint32_t requests, void *user);
  // For on_request.
  void *user;
  // A module that does not declare GILRT_MODULE_FREE_THREADED is refused while the interpreter has no GIL, rather than given one.
  bool strict;
} gil_interp_config_t;

// What a traverse calls for each child; an answer other than 0 ends the traversal.
typedef int (*obj_visit_fn)(obj_t *child, void *user);

// What a type is made of. Set `struct_size`, leave zero what you do not need.
//
// At death finalize runs (once; it may revive the object by taking a reference), then clear (once; drops the children), then
// the memory goes. A type without clear drops its children in finalize. Both run with the lock of the type's interpreter
// held, on whichever thread; they may count, acquire, release and detach, and must not throw or longjmp.
//
// Types with traverse take part in collections (obj_collect). One whose objects can be in cycles has traverse and clear.
typedef struct obj_type_config_t {
  // sizeof(obj_type_config_t).
  size_t struct_size;
  // For reports. Copied.
  const char *name;
  // Bytes behind the header.
  size_t payload_size;
  // OBJ_TYPE_TRY, or 0.
  uint32_t flags;
  // The object has died; may be NULL.
  void (*finalize)(obj_t *o);
  // Calls `visit` once for each reference to another object that the object owns (NULL is allowed), and returns the first
  // answer that is not 0; may be NULL. It runs in collections, at any time from the birth of the object, whose payload is
  // all zero then, until clear begins (without clear: finalize). It does nothing else: no acquire or release, no poll, no
  // object made, counted or dropped. One child too many may clear an object that is in use; one too few is never collected.
  int (*traverse)(obj_t *o, obj_visit_fn visit, void *user);
  // Drops the references to the children; may be NULL. For garbage it runs while others still refer to the object.
  void (*clear)(obj_t *o);
} obj_type_config_t;

// What a critical section keeps in the caller's frame: use OBJ_BEGIN_SECTION. Its fields are the library's.
typedef struct obj_section_t {
  // The section around it.
  const struct obj_section_t *outer;
  // NULL: nothing was begun.
  const obj_t *first;
  // NULL: the section is for one object.
  const obj_t *second;
} obj_section_t;

// One call of a function of an extension. The caller fills it in and keeps it alive during the call; each thread has its
// own. Every field may be zero.
typedef struct gilrt_call_t {
  // sizeof(gilrt_call_t).
  size_t struct_size;
  // Which of `thread_count` threads this is, from 0: the function does its part of the work.
  uint32_t thread_index;
  // How many threads make this call, each with its own index; 0 counts as 1.
  uint32_t thread_count;
  // How many arguments `argv` has.
  int argc;
  // The arguments: C strings, the caller's.
  char **argv;
  // The module's own state in this interpreter, as its `load` left it. Filled in by gilrt_module_call.
  void *state;
  // GILRT_CALL_RELEASE and GILRT_CALL_ALONE, or 0.
  uint32_t flags;
  // How far this thread is with its part; may be NULL, may be called attached or detached.
  void (*progress)(uint64_t done, uint64_t total, void *user);
  // A named figure, a result of the function; may be NULL.
  void (*report)(const char *name, int64_t value, void *user);
  // One sentence, for instance why the function fails; may be NULL.
  void (*say)(const char *message, void *user);
  // The last argument of the three above.
  void *user;
} gilrt_call_t;

// One function of an extension.
typedef struct gilrt_function_t {
  // What gilrt_module_call finds it by.
  const char *name;
  // Its arguments and what it does, in a line; may be NULL.
  const char *help;
  // Runs attached, on any number of threads; must return with as many acquires as releases. 0, or a negative
  // status.
  int (*run)(struct gilrt_call_t *call);
} gilrt_function_t;

// What an extension says of itself. It exports
// `const gilrt_module_t *gilrt_module_get(void);`
// and what that returns lives as long as the extension's code.
typedef struct gilrt_module_t {
  // sizeof(gilrt_module_t).
  size_t struct_size;
  // GILRT_ABI, as the extension was compiled with.
  uint32_t abi;
  // The extension's name.
  const char *name;
  // GILRT_MODULE_FREE_THREADED, or 0.
  uint32_t flags;
  // Runs attached, once in each interpreter that uses the module, and may leave something of its own in `*state`. Not 0: the
  // module is not opened. Variables of the extension are shared by all interpreters, which may run at once. May be NULL.
  int (*load)(void **state);
  // Runs attached, once in each interpreter where `load` has, when no call of it runs there any more: the module was closed, or
  // the interpreter. May be NULL.
  void (*unload)(void *state);
  // `function_count` functions.
  const struct gilrt_function_t *functions;
  // How many functions there are.
  size_t function_count;
} gilrt_module_t;

// Figures of an interpreter's lock since the start. The caller sets `struct_size`; times are nanoseconds.
typedef struct gilrt_stats_t {
  // sizeof(gilrt_stats_t).
  size_t struct_size;
  // Outermost acquisitions, the fast ones included.
  uint64_t acquires;
  // Those that had to wait.
  uint64_t contended;
  // The lock was handed to a chosen waiter, rather than freed.
  uint64_t handoffs;
  // A holder was asked to drop the lock.
  uint64_t drop_requests;
  // A holder dropped the lock at a poll because it was asked to.
  uint64_t forced_drops;
  // A bias was taken from its owner.
  uint64_t revocations;
  // Waiting, until the lock was granted, over all threads.
  uint64_t wait_ns_total;
  // The longest wait.
  uint64_t wait_ns_max;
  // Holding, as far as it was noticed: holds that begin and end on the fast path are not, since they read no clock.
  uint64_t hold_ns_total;
  // The longest hold that was noticed.
  uint64_t hold_ns_max;
  // Half of all waits were no longer than this.
  uint64_t wait_ns_p50;
  // 99 of 100 waits were no longer than this.
  uint64_t wait_ns_p99;
  // Threads that wait now.
  uint32_t waiters;
  // Threads that the interpreter knows now.
  uint32_t threads;
  // How often the lock changed hands, modulo 2^32.
  uint32_t switches;
  // Collections, of whichever generations.
  uint64_t collections;
  // Unreachable objects of types with traverse that they have freed.
  uint64_t collected;
  // Pauses of collections: while one looks for garbage, the lock is held and nothing else runs. Finalizers and clear, which
  // come after that, are not in it.
  uint64_t collect_ns_total;
  // The longest pause.
  uint64_t collect_ns_max;
} gilrt_stats_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the library that runs, as GILRT_VERSION_HEX. From any thread; does not start the runtime.
uint32_t gilrt_version(void);

// The same as "major.minor.patch". The library's; valid for ever.
const char *gilrt_version_string(void);

// The layout that the library speaks: compare it with GILRT_ABI.
uint32_t gilrt_abi(void);

// A sentence about a status, for people. The library's; valid for ever, never NULL, whatever the number.
const char *gilrt_strerror(int status);

// The name of a status, for logs: "GILRT_ERR_TIMEOUT". The library's; valid for ever, never NULL, whatever the number.
const char *gilrt_status_name(int status);

// Starts the runtime. Optional: the first call of anything starts it with the defaults. NULL means the defaults too.
// The environment (GILRT_MODE, GILRT_STRICT, GILRT_POLICY, GILRT_SWITCH_INTERVAL_NS, GILRT_BIAS) wins over `config`.
//
// GILRT_CHECK=1 in the environment turns checking mode on: a decref below zero, a use after free, a pointer to no object, a
// write beyond a payload, a call by the wrong thread and the like are told as an error through the log, with the object, its
// type, the threads and the last operations on it; then the process is aborted. With GILRT_CHECK=continue it goes on, without
// what was wrong. Counting is slow then, and freed objects are kept for a while.
//
// GILRT_ERR_BUSY if it runs already, GILRT_ERR_CLOSED after gilrt_finalize, GILRT_ERR_INVALID for a value that is not
// allowed, GILRT_ERR_NOMEM or GILRT_ERR_LIMIT if the system has nothing left.
//
// Safety: `config` is NULL or points to as many bytes as its `struct_size` says.
int gilrt_init(const struct gilrt_config_t *config);

// Ends the runtime: no thread gets in any more (acquires answer GILRT_ERR_CLOSED, also those that wait already), those inside see
// GILRT_ERR_CLOSED at their next gil_poll, and the call waits until they have left: `timeout_ns` at the most, UINT64_MAX for ever.
// Pending destructors, and the unload of modules that are open, run on the calling thread, which must not be attached
// (GILRT_ERR_NESTED) or in an allow-threads region or a callback of the library (GILRT_ERR_DEADLOCK: it would wait for its own way
// back).
//
// GILRT_ERR_BUSY at the deadline: there is a guard (see gil_guard_new), or somebody is still inside, or in an allow-threads
// region, which it comes back from; the log says who. The runtime stays closing, and the call may be made again. Nothing ever
// starts the runtime again.
int gilrt_finalize(uint64_t timeout_ns);

// Attaches the calling thread: waits until it holds its interpreter's lock. Nests: each acquire needs a gil_release. The
// first acquire of a thread makes it known to the main interpreter. errno survives.
//
// May block, and may run destructors that other threads left pending. Not for signal handlers: inside one that interrupted
// this library it answers GILRT_ERR_DEADLOCK. GILRT_ERR_CLOSED once gilrt_finalize was called, GILRT_ERR_NOMEM or
// GILRT_ERR_LIMIT if the thread cannot be made known; on every error nothing was acquired.
int gil_acquire(void);

// Undoes one gil_acquire; the outermost one lets other threads in. Never blocks but for a short internal mutex, and runs no
// callbacks. errno survives.
//
// GILRT_ERR_NOT_ATTACHED, and nothing is changed, if the calling thread is not attached.
int gil_release(void);

// gil_acquire without waiting: GILRT_ERR_TIMEOUT if another thread holds the lock.
int gil_try_acquire(void);

// gil_acquire that waits `timeout_ns` nanoseconds of the monotonic clock at the most, then answers GILRT_ERR_TIMEOUT.
// 0 is gil_try_acquire, UINT64_MAX is for ever. A lock that is granted at the deadline is granted.
int gil_acquire_for(uint64_t timeout_ns);

// Whether the calling thread holds the lock. Async-signal-safe.
bool gil_held(void);

// A safepoint, to be called often by a host that runs: gives the lock to a waiter if one is due, runs what gil_call_soon
// left, and destructors that are pending. May block. errno survives.
//
// GILRT_ERR_CLOSED: the interpreter is closing, and the caller should release and leave. GILRT_ERR_NOT_ATTACHED if the
// thread is not attached. Otherwise the first answer other than 0 of what ran; GILRT_ERR_TIMEOUT if gil_interrupt was called for
// this thread since it was last told so; or GILRT_OK.
int gil_poll(void);

// Gives the lock to a waiter now, if there is one, and waits to get it back. Where there is no lock, gives way to who stops the
// world. GILRT_ERR_NOT_ATTACHED if not attached.
int gil_yield(void);

// Releases the lock whatever the depth, and returns the depth for gil_attach; 0 if the thread was not attached.
uint32_t gil_detach(void);

// Acquires the lock to the depth that gil_detach or gil_detach_unblock returned. 0 does nothing. GILRT_ERR_NESTED, and nothing
// is changed, if the thread is attached; otherwise as gil_acquire.
//
// Whatever else it answers, it ends what gil_detach_unblock began: it waits for an unblock that is under way, and afterwards
// there is none any more.
int gil_attach(uint32_t depth);

// gil_detach around a blocking call that gil_interrupt shall end: until gil_attach, called with what this returned, has come back,
// `unblock(user)` may be called, to make the blocking call return. By the thread that interrupts, and by this one, at once, if an
// interrupt is pending already; by one at a time, and any number of times. Never after gil_attach has returned, so `user` may be
// on this thread's stack, and what unblock has left behind can be taken back then.
//
// It may be called before the blocking call has begun, so what it does must last: write a byte to a pipe that the call looks at
// too, shut a socket down, set a flag under the mutex of a condition variable; a signal does not last, and who sends one calls
// gil_interrupt until the thread is back. `unblock` is brief, returns, and calls nothing of the library but gil_thread_id and
// gil_held: the rest may be refused with GILRT_ERR_DEADLOCK there.
//
// A callback that attaches inside of the blocking call may do so too: its function is then the one to be called, until it is back;
// four deep, further in that of the fourth. NULL is gil_detach. Returns 0, and leaves nothing to be called, if the thread was not attached. errno survives.
//
// Safety: `unblock` may be called with `user` as above.
uint32_t gil_detach_unblock(void (*unblock)(void *user),
                            void *user);

// Interrupts the thread with this number (gil_thread_id): its next gil_poll answers GILRT_ERR_TIMEOUT, once for any number of
// interrupts until then, and if it has detached by gil_detach_unblock, its unblock is called, by the calling thread, before this
// returns (or it is being called for another interrupt). What an interrupt means is the host's to know. From any thread, attached
// or not; blocks as long as unblock does.
//
// GILRT_ERR_INVALID if no thread has the number, or it has ended or is in no interpreter; GILRT_ERR_DEADLOCK in a signal handler
// that interrupted the library.
int gil_interrupt(uint64_t thread_id);

// What GIL_BEGIN_ALLOW_THREADS calls: releases the lock whatever the depth, for a region that the thread certainly comes
// back from; gilrt_finalize waits for it. Returns what gil_region_end needs; 0 if the thread was not attached.
uint32_t gil_region_begin(void);

// What GIL_END_ALLOW_THREADS calls: acquires the lock again, also while the interpreter closes. 0 does nothing.
void gil_region_end(uint32_t saved);

// Sets the switch interval of the current interpreter, in nanoseconds from 1,000 to 10,000,000,000 (else
// GILRT_ERR_INVALID): how long a holder runs before a waiter may ask for the lock, and the slice of
// GIL_POLICY_RESPONSIVE. From any thread.
int gil_set_switch_interval(uint64_t ns);

// The switch interval of the current interpreter, in nanoseconds.
uint64_t gil_switch_interval(void);

// Sets the calling thread's share of the lock under GIL_POLICY_RESPONSIVE: 1024 is normal, twice that counts its time
// half. From 1 to 1,048,576, else GILRT_ERR_INVALID. Makes the thread known, as gil_acquire does.
int gil_set_thread_weight(uint32_t weight);

// Has `fn(user)` called soon, attached, by the current interpreter's holder at a safepoint (gil_poll); calls run in order.
// If it returns other than 0, gil_poll returns that. Async-signal-safe, and from any thread.
//
// GILRT_ERR_LIMIT if 256 calls wait already, GILRT_ERR_INVALID if `fn` is NULL, GILRT_ERR_CLOSED after gilrt_finalize.
int gil_call_soon(int (*fn)(void *user),
                  void *user);

// The number of the calling thread, from 1 and never given twice; 0 for a thread that is not known, because it never
// acquired. Async-signal-safe.
uint64_t gil_thread_id(void);

// The calling thread's state, for the inline functions that take one. Never NULL: a thread that is not known has a static
// detached one. Valid until the thread ends; not for other threads.
gil_thread_t *gil_thread_self(void);

// What the inline acquire calls when the breaker of `t`, the calling thread's state, is set; not for anybody else.
//
// Safety: `t` came from gil_thread_self on this thread.
int gil_acquire_slow(gil_thread_t *t);

// What the inline release calls when the breaker of `t`, the calling thread's state, is set; not for anybody else.
//
// Safety: `t` came from gil_thread_self on this thread.
void gil_release_slow(gil_thread_t *t);

// Keeps a pointer of the host's for the calling thread in the current interpreter, as a host does that has thread states of its
// own. Makes the thread known, as gil_acquire does: GILRT_ERR_NOMEM or GILRT_ERR_LIMIT if that fails, GILRT_ERR_CLOSED in an
// interpreter that was closed.
int gil_thread_set_user(void *user);

// What gil_thread_set_user kept; NULL for a thread that has kept nothing in the current interpreter. Async-signal-safe.
void *gil_thread_user(void);

// The word that a host may look at by itself, instead of calling gil_poll at every safepoint: while it is 0, gil_poll would do
// nothing. Of the calling thread in the current interpreter, and valid as gil_thread_self is. Never NULL, and never 0 for a
// thread that is not known. Read it as an atomic, relaxed; never write it.
const uint32_t *gil_poll_word(void);

// The main interpreter: the process has it from the start. Never NULL.
gil_interp_t *gil_interp_main(void);

// The interpreter that the calling thread's acquires mean; the main one for a thread that is not known. Never NULL.
gil_interp_t *gil_interp_current(void);

// Makes an interpreter beside the main one: a world of objects of its own, with its own lock, the lock of another one, or none.
// Nobody has entered it. NULL for `config` means the defaults. From any thread.
//
// Interpreters that share a lock are apart in everything else: one thread at a time runs in all of them together, and each has its
// objects, its destructors and its own end.
//
// GILRT_ERR_INVALID for a value that is not allowed, and for a `share_with` that has no lock; GILRT_ERR_CLOSED if that was closed,
// and after gilrt_finalize; GILRT_ERR_NOMEM.
//
// Safety: `config` is NULL or points to as many bytes as its `struct_size` says, its name is NULL or a C string, its `share_with` NULL or an
// interpreter; `out` is NULL or valid for writing.
int gil_interp_new(const struct gil_interp_config_t *config,
                   gil_interp_t **out);

// The calling thread's acquires mean `interp` from now on. A thread that is attached is detached from the other one first,
// whatever the depth: a caller that wants to come back to it calls gil_detach before and gil_attach after. Stores the
// interpreter that was left into `previous`, unless that is NULL. A gil_thread_t * from before is of no use meanwhile:
// what acquires by it is answered GILRT_ERR_INVALID.
//
// GILRT_ERR_CLOSED if the interpreter has been closed, GILRT_ERR_NOMEM or GILRT_ERR_LIMIT if the thread cannot be made known
// to it, GILRT_ERR_INVALID for NULL.
//
// Safety: `interp` is NULL or came from gil_interp_new or gil_interp_main; `previous` is NULL or valid for writing.
int gil_interp_enter(gil_interp_t *interp,
                     gil_interp_t **previous);

// Ends an interpreter, as gilrt_finalize does for the main one: acquires in it answer GILRT_ERR_CLOSED, those inside see that at
// their next gil_poll, and the call waits until they have left: `timeout_ns` at the most, UINT64_MAX for ever. Pending destructors
// run on the calling thread, and the unload of modules that are open there. Objects that somebody still refers to live on, without
// their finalizers. A thread that had entered it enters another one with gil_interp_enter. A caller that is attached to another
// interpreter is detached while it waits.
//
// As long as there are guards (gil_guard_new), it only waits for them, and all else goes on.
//
// GILRT_ERR_BUSY at the deadline: the interpreter stays closing, and the call may be made again; the log says who holds it off.
// GILRT_ERR_NESTED if the caller is attached to it, GILRT_ERR_DEADLOCK if it has a region open there; GILRT_ERR_CLOSED if it is
// closed already, GILRT_ERR_INVALID for NULL and the main interpreter.
//
// Safety: `interp` is NULL or came from gil_interp_new or gil_interp_main.
int gil_interp_close(gil_interp_t *interp,
                     uint64_t timeout_ns);

// Makes a guard, which holds off the end of an interpreter: as long as there is one, gil_interp_close and gilrt_finalize wait, and
// threads get in and run as before, so that one which has to come in later can, on whichever thread; only new guards are refused.
// For a thread that the host did not start, or a callback that comes when it likes. A guard that is kept for ever keeps the
// interpreter: those who close it are answered GILRT_ERR_BUSY at their deadline, and the log names the thread that made it.
//
// From any thread, attached or not. Belongs to the caller until gil_guard_free, which any thread may call. In a forked child
// only the guards that the forking thread made hold anything off.
//
// GILRT_ERR_CLOSED if the interpreter is closing or closed, also if it only waits for other guards; GILRT_ERR_INVALID for NULL,
// GILRT_ERR_NOMEM, GILRT_ERR_DEADLOCK in a signal handler that interrupted the library.
//
// Safety: `interp` is NULL or came from gil_interp_new or gil_interp_main; `out` is NULL or valid for writing.
int gil_guard_new(gil_interp_t *interp,
                  gil_guard_t **out);

// Ends a guard; if it was the last and somebody waits for that, the interpreter closes. From any thread; NULL does nothing. In a
// signal handler that interrupted the library it does nothing either, and the guard stays.
//
// Safety: `guard` is NULL, or came from gil_guard_new, and is not used afterwards.
void gil_guard_free(gil_guard_t *guard);

// The mode of an interpreter, a gil_mode_t: GIL_MODE_SHARED if its lock is at present another one's too. GILRT_ERR_INVALID for
// NULL, GILRT_ERR_CLOSED for one that was closed.
//
// Safety: As gil_interp_close.
int gil_interp_mode(const gil_interp_t *interp);

// Changes the mode of an interpreter while its threads run: GIL_MODE_FREE takes its lock away, GIL_MODE_LOCKED gives it one. The
// caller may be attached to it, and is so afterwards, or not; several may change it at once, and the last one wins. Waits for the
// lock, or until all threads have stopped, as gil_stop_world does: for as long as the slowest takes to its next gil_poll or
// release. All counts stay exact; what an object is to whom is not changed by it, but that its next counts may cost more. Critical
// sections that threads are in become locks, or cease to be.
//
// GILRT_ERR_BUSY if the interpreter shares its lock, the caller has stopped its world, or a module is open there that needs the
// lock, or has objects there: see gilrt_module_open; GILRT_ERR_INVALID for NULL and for other modes; GILRT_ERR_CLOSED if it closes or was closed; GILRT_ERR_NOMEM, and then nothing is changed; GILRT_ERR_DEADLOCK in a signal
// handler that interrupted this library.
//
// Safety: As gil_interp_close.
int gil_interp_set_mode(gil_interp_t *interp,
                        int mode);

// Stops the threads of the current interpreter but the calling one, which is attached by it (as gil_acquire does): the others
// detach at their next gil_poll, gil_yield or release, and stay so. Waits for that; a thread that computes without polling keeps it
// waiting. Nests; two threads that stop at once take turns. Holding the lock is all that it takes in GIL_MODE_LOCKED: gil_poll and
// gil_yield do not give it away until the world goes on, but others get in while the caller blocks or is detached.
//
// Threads that are stopped go on counting references, as all detached threads do.
//
// As gil_acquire otherwise. Each needs a gil_resume_world.
int gil_stop_world(void);

// Undoes one gil_stop_world of the calling thread. GILRT_ERR_NOT_ATTACHED if it is not attached, GILRT_ERR_INVALID if it has
// not stopped the world.
int gil_resume_world(void);

// Makes a type of the current interpreter, which it belongs to for ever. A type that an extension makes while gilrt runs
// its load or a function of it ends with the extension; others with gil_interp_close or with their last object, whichever
// comes later: the main interpreter's live as long as the process. From any thread.
//
// GILRT_ERR_INVALID if a pointer or the name is NULL, the size is absurd or a flag is unknown; GILRT_ERR_LIMIT after 65,535 types;
// GILRT_ERR_NOMEM.
//
// Safety: `config` points to as many bytes as its `struct_size` says, its name is a C string, `out` is valid for writing.
int obj_type_new(const struct obj_type_config_t *config,
                 obj_type_t **out);

// Makes an object with one reference, which is the caller's, and `extra_bytes` more payload than the type says. The payload
// is zeroed and 16-aligned. For a type with traverse, garbage may be collected first: see obj_set_collect_threshold.
//
// GILRT_ERR_NOT_ATTACHED if the thread is not attached, GILRT_ERR_INVALID if a pointer is NULL or the type is another
// interpreter's, GILRT_ERR_NOMEM.
//
// Safety: `type` came from obj_type_new, `out` is valid for writing.
int obj_new(obj_type_t *type,
            size_t extra_bytes,
            obj_t **out);

// Takes a reference. From any thread, attached or not; NULL does nothing. Never blocks, runs no callbacks.
//
// Safety: `o` is NULL, or the caller has a reference to it.
void obj_incref(obj_t *o);

// Drops a reference of the caller's. From any thread, attached or not; NULL does nothing. Never blocks by itself.
//
// The last reference ends the object: at once on a thread that is attached to the object's interpreter, else at the next
// safepoint (gil_poll, an outermost acquire, gilrt_finalize) of one that is.
//
// Safety: `o` is NULL, or the caller has a reference to it, which it must not use afterwards.
void obj_decref(obj_t *o);

// For gilrt_inline.h: it has counted as many references as there may be, and the object lives for ever from now on, which
// the log is told; or a collector wants to know of the reference. Not to be called by anybody else.
//
// Safety: As obj_incref.
void obj_incref_slow(obj_t *o);

// For gilrt_inline.h, whose decrement has made a count 0: what is left of obj_decref. Not to be called by anybody else.
//
// Safety: The caller has made `local` 0, being the owner, or dropped the last reference of a merged object.
void obj_decref_slow(obj_t *o);

// obj_incref, and returns its argument.
//
// Safety: As obj_incref.
obj_t *obj_newref(obj_t *o);

// Takes a reference if the object lives; true if it did. The caller has none: it has found the object some other way, for
// instance in a map of its own, and sees to it that the memory stays an object's meanwhile. That is so if an object leaves the
// map in its finalizer, under the map's lock, and the caller holds that lock: never wait there for the dying one to leave, but
// put a new object in its place when this answers false. From any thread, attached or not; false for NULL. Never runs
// callbacks.
//
// False if the object is dying, and for good once its finalizer has begun, even if that revives it. Unless its type has
// OBJ_TYPE_TRY, also for no such reason, if the thread does not own the object and nobody shares it: the caller does the same as
// for a dying one, or uses a weak reference. True for an immortal object.
//
// Safety: `o` is NULL, or an object whose memory is not freed before this returns.
bool obj_try_incref(obj_t *o);

// How many references there are: a snapshot, exact when nobody counts meanwhile. SIZE_MAX for an immortal object, 0 for
// NULL.
//
// Safety: As obj_incref.
size_t obj_refcount(const obj_t *o);

// The type of an object; NULL for NULL.
//
// Safety: As obj_incref.
obj_type_t *obj_type_of(const obj_t *o);

// The name of a type; NULL for NULL. Lives as long as the type.
//
// Safety: `type` is NULL or came from obj_type_new.
const char *obj_type_name(const obj_type_t *type);

// Objects alive in the current interpreter, those that wait for their destructor included. From any thread.
int64_t obj_live_count(void);

// Objects of a type that are alive, those that wait for their destructor included; 0 for NULL. From any thread.
//
// Safety: As obj_type_name.
int64_t obj_type_live_count(const obj_type_t *type);

// Makes an object hot: from now on each thread counts it for itself, plainly, so that what all threads count costs each of them
// the same however many they are. For a few objects that live long, as types, modules and functions do: obj_refcount looks at all
// threads, and a hot object that nobody refers to any more dies in the next obj_collect or gilrt_finalize. Nothing can make it an
// ordinary one again, but for a finalizer that revives it.
//
// Does nothing to an object that is hot or immortal, or that is not counted by an owner or atomically. GILRT_ERR_NOT_ATTACHED if the
// thread is not attached, GILRT_ERR_INVALID for NULL and for an object that another thread or interpreter owns, GILRT_ERR_LIMIT
// beyond 65,536 hot objects, GILRT_ERR_NOMEM, GILRT_ERR_DEADLOCK in a signal handler that interrupted the library.
//
// Safety: As obj_incref.
int obj_make_hot(obj_t *o);

// Makes an object live for ever: from now on nobody counts it. The caller's reference is used up. GILRT_ERR_INVALID for
// NULL. From any thread.
//
// Safety: As obj_decref.
int obj_immortalize(obj_t *o);

// Whether an object lives for ever.
//
// Safety: As obj_incref.
bool obj_is_immortal(const obj_t *o);

// Makes a weak reference: it finds the object for as long as that lives, and does not keep it alive. Weak references are cleared
// when the object dies, before its finalizer runs. Each ends with its own obj_weak_free, before or after the object; two to the
// same object may be the same pointer. From any thread, attached or not. Blocks no longer than another weak reference is looked
// at.
//
// GILRT_ERR_INVALID if a pointer is NULL; GILRT_ERR_CLOSED if the finalizer of the object has begun, at whatever time (one that
// was revived by it is never found again), or the collector has found the object unreachable; GILRT_ERR_NOMEM;
// GILRT_ERR_DEADLOCK in a signal handler that interrupted the library.
//
// Safety: `o` is NULL or the caller has a reference to it, `out` is valid for writing.
int obj_weak_new(obj_t *o,
                 obj_weak_t **out);

// The object, with a new reference that is the caller's, or NULL if it is dying or dead. From any thread, attached or not; any
// number of threads may use one weak reference at once. NULL for NULL, and in a signal handler that interrupted the library.
// Never runs callbacks.
//
// Safety: `weak` is NULL, or came from obj_weak_new and is not freed before this returns.
obj_t *obj_weak_get(obj_weak_t *weak);

// Ends a weak reference; the object does not notice. From any thread, attached or not; NULL does nothing. Not in a signal
// handler.
//
// Safety: `weak` is NULL, or came from obj_weak_new, and is not used afterwards.
void obj_weak_free(obj_weak_t *weak);

// What OBJ_BEGIN_SECTION calls. Until obj_section_end no other thread is in a section for `o`, but for the times when the
// caller detaches, blocks in this library, or waits in an inner section: then all its sections are given up, and when it is
// attached again it has the innermost one, when that ends the next outer one. So no order of nesting deadlocks; what must not
// change between two statements, those must not give up. Dropping the last reference to something may run code that does.
//
// In an interpreter with a GIL, which excludes the others already, it only notes the section. In a free-threaded one it may
// block, detached meanwhile. The caller has a reference to `o` throughout. `frame` stays where it is until the end.
//
// GILRT_ERR_NOT_ATTACHED if the thread is not attached, GILRT_ERR_INVALID for NULL or an object of another interpreter: on
// every error nothing was begun, and the end does nothing.
//
// Safety: `frame` is NULL or valid for writing, `o` as for obj_incref.
int obj_section_begin(struct obj_section_t *frame,
                      obj_t *o);

// What OBJ_BEGIN_SECTION2 calls: obj_section_begin for two objects at once, in any order. The same one twice is one.
//
// Safety: As obj_section_begin.
int obj_section_begin2(struct obj_section_t *frame,
                       obj_t *a,
                       obj_t *b);

// What OBJ_END_SECTION and OBJ_END_SECTION2 call. Ends the innermost section, on the thread that began it; the next outer one,
// if it was given up meanwhile, is taken again, which may block.
//
// Safety: `frame` is NULL or what obj_section_begin or obj_section_begin2 was called with.
void obj_section_end(struct obj_section_t *frame);

// Locks an object for the calling thread, until obj_unlock. Bare: nobody gives it up, neither when the thread detaches nor when it
// ends, and two threads that lock two objects in opposite order wait for ever. It excludes other obj_lock only: no counting and
// no sections. Not recursive. Any thread, attached or not; a thread that is attached detaches while it waits. In a forked child
// the locks of other threads stay locked. errno survives.
//
// In checking mode GILRT_ERR_DEADLOCK, and a report that names the objects and the threads, if the wait could never end;
// otherwise that hangs. GILRT_ERR_DEADLOCK too in a signal handler that interrupted this library. GILRT_ERR_INVALID for NULL.
// GILRT_ERR_NOMEM in checking mode only.
//
// Safety: As obj_incref, until the object is unlocked.
int obj_lock(obj_t *o);

// Undoes obj_lock, on the same thread. A waiter gets the lock at once if it has waited for more than a millisecond, otherwise
// whoever comes first. Never blocks but for a short internal mutex. errno survives.
//
// GILRT_ERR_INVALID for NULL, an object that is not locked and, in checking mode, with a report, one that another thread has
// locked. GILRT_ERR_DEADLOCK in a signal handler that interrupted this library.
//
// Safety: As obj_incref.
int obj_unlock(obj_t *o);

// Makes a channel: a queue of references, first in, first out, between threads of any interpreters. It belongs to the process.
// `capacity` is how many references it holds for receivers that have not come yet; with 0 it holds none, and each obj_send
// waits for an obj_receive. Ends with obj_channel_free. From any thread, attached or not. Never blocks. A forked child has the
// channels as they were, and nobody who waits at them.
//
// GILRT_ERR_INVALID if `out` is NULL; GILRT_ERR_NOMEM, also for an absurd capacity: there is room for all from the beginning, so
// that sending needs no memory; GILRT_ERR_LIMIT only where there are more than 262,143 channels already; GILRT_ERR_CLOSED after
// gilrt_finalize; GILRT_ERR_DEADLOCK in a signal handler that interrupted this library.
//
// Safety: `out` is NULL or valid for writing.
int obj_channel_new(size_t capacity,
                    obj_channel_t **out);

// Hands the caller's reference to `o` to whoever receives it next, in whichever interpreter. With GILRT_OK the reference is the
// channel's, or the receiver's already; on every error it is still the caller's. The object stays its interpreter's: see
// obj_receive.
//
// While the channel is full it waits, `timeout_ns` nanoseconds of the monotonic clock at the most: 0 is not to wait,
// UINT64_MAX is for ever. Those who wait are served in the order in which they came. From any thread, attached or not: a
// thread that is attached detaches while it waits, as in GIL_BEGIN_ALLOW_THREADS, so that its sections are given up, closing
// its interpreter meanwhile is GILRT_ERR_BUSY, and destructors that others left pending may run when it is back. What ends
// such a wait early is obj_channel_close. errno survives.
//
// GILRT_ERR_TIMEOUT if nobody has made room; GILRT_ERR_CLOSED if the channel is closed or freed, before or meanwhile;
// GILRT_ERR_INVALID if `channel` or `o` is NULL, `channel` never was one or, in checking mode, with a report, `o` is dead or no object;
// GILRT_ERR_DEADLOCK in a signal handler that interrupted this library.
//
// Safety: `o` is NULL, or the caller has a reference to it.
int obj_send(obj_channel_t *channel,
             obj_t *o,
             uint64_t timeout_ns);

// Takes the reference out of a channel that was sent first: it is the caller's from now on. While the channel is empty it waits, as
// obj_send does while it is full.
//
// An object of another interpreter may be counted, sent on, held by weak references and dropped by the receiver, all of it attached
// here, there or nowhere: the last reference runs the destructor in the object's own interpreter, on a thread that is attached
// there. What is mutable in it is its interpreter's: the receiver reads what no one changes any more, or enters that interpreter.
// Sections do nothing to it here. An interpreter may close while objects of it are elsewhere; they are only counted then, and end
// without their finalizers.
//
// GILRT_ERR_TIMEOUT if nobody has sent anything; GILRT_ERR_CLOSED if the channel is closed or freed, before or meanwhile;
// GILRT_ERR_INVALID if a pointer is NULL, `channel` never was one or, in checking mode, with a report, the object has died in the
// channel, because somebody has dropped a reference too many; GILRT_ERR_DEADLOCK in a signal handler that interrupted this library.
//
// Safety: `out` is NULL or valid for writing.
int obj_receive(obj_channel_t *channel,
                uint64_t timeout_ns,
                obj_t **out);

// Closes a channel for good: whoever sends or receives, now or later, is answered GILRT_ERR_CLOSED, and the references that it
// holds are dropped as by obj_decref, so that their destructors run in their own interpreters. Who wants them to be received first
// closes when they have been: a last object that the receivers know can say so. From any thread, attached or not. Closing again
// does nothing, nor does NULL, a channel that was freed, or a signal handler that interrupted this library. Never blocks by itself,
// but may run those destructors.
void obj_channel_close(obj_channel_t *channel);

// obj_channel_close, and gives the channel's memory back. At any time: those who are inside are answered GILRT_ERR_CLOSED, and
// touch nothing of it any more; those who come later are answered the same, since an obj_channel_t pointer is a name, not an
// address, and never used again. In checking mode a channel that is freed twice is reported. A host frees its channels, or closes them,
// before gilrt_finalize: the objects in them are alive.
void obj_channel_free(obj_channel_t *channel);

// Frees the objects of the current interpreter that only refer to one another; returns how many of types with traverse it
// freed. What such objects alone referred to is freed with them, and not counted if its type has no traverse.
//
// An object is garbage if all its references come from garbage, as `traverse` shows. Its weak references are cleared, then
// finalizers run, each once in the life of its object; what they revive stays, with all that is reachable from it, and the
// rest is cleared. Objects that are immortal, that a detached thread has a reference to, or whose end has begun already are
// kept. Before that, destructors that are pending run, as in gil_poll.
//
// Collections run by themselves too, in obj_new, young objects more often than old ones: see obj_set_collect_threshold.
//
// GILRT_ERR_NOT_ATTACHED if the thread is not attached; GILRT_ERR_BUSY if a collection is under way, on whichever thread: so
// in a finalizer, a clear or a traverse that one calls. In GIL_MODE_FREE the other threads are stopped while it looks for
// garbage, as by gil_stop_world: twice, if there is some with finalizers.
int64_t obj_collect(void);

// Whether the current interpreter collects by itself, and once more at the end of the runtime: it does until it is told
// otherwise. obj_collect works either way. Returns 1 if it did before, 0 if not. From any thread.
int obj_collect_enable(bool on);

// When the current interpreter collects by itself.
//
// | generation | is collected in obj_new | default |
// |---|---|---|
// | 0, young | when so many more objects with traverse have been made than freed since the last collection | 2000 |
// | 1, middle | with the young one, after more than so many collections of that | 10 |
// | 2, old | with the others, after more than so many collections of the middle one, and if a quarter has been added to it | 10 |
//
// What survives a collection belongs to the next generation. 0 means never by itself; a generation that is never collected
// takes the older ones with it. GILRT_ERR_INVALID if there is no such generation. From any thread.
int obj_set_collect_threshold(int generation,
                              size_t allocations);

// Opens the extension module at `path` in the calling thread's interpreter: maps it, checks its ABI, and runs its load, attached.
// Each interpreter has a state of its own; where the module is open already, the same pointer is returned and counted, and load
// does not run again. Each needs its gilrt_module_close. May block: who opens what another thread is loading waits for it, detached.
//
// A module that does not declare GILRT_MODULE_FREE_THREADED turns the GIL on in an interpreter that has none, as
// gil_interp_set_mode(interp, GIL_MODE_LOCKED) does, before its load runs; the log says so once for each interpreter. It stays
// on when the module is closed, until the host turns it off; as long as code of such a module may run there, that is
// GILRT_ERR_BUSY. An interpreter that was made strict refuses the module instead.
//
// GILRT_ERR_MODULE for a missing file, a directory, a file that is no module, a load that failed, or a strict interpreter without a
// GIL; GILRT_ERR_ABI for a module compiled for another version; GILRT_ERR_DEADLOCK for a module that its own load opens, or two that
// open each other; gilrt_error_text has the sentence. GILRT_ERR_INVALID for NULL, GILRT_ERR_CLOSED after gilrt_finalize and in an
// interpreter that was closed, GILRT_ERR_NOMEM.
//
// Safety: `path` is NULL or a C string, `out` is NULL or valid for writing.
int gilrt_module_open(const char *path,
                      gilrt_library_t **out);

// Runs a function of the module in the calling thread's interpreter, attached, and returns what the function returned: 0 or a
// negative status. Any number of threads may do so at once, each with a call of its own. While it runs, the interpreter
// cannot be closed, whatever it does with the lock.
//
// The state is that of the thread's interpreter, which need not be the one that `lib` was opened in. Where nobody has opened the
// module, the first call loads it, and fails as gilrt_module_open does if that fails; what is loaded so is unloaded when nobody
// has the module open in any interpreter.
//
// GILRT_ERR_MODULE if there is no such function (gilrt_error_text lists those there are) or it returned with other acquires
// than releases or in another interpreter, which is put right; GILRT_ERR_CLOSED if `lib` or the interpreter of either is closed;
// GILRT_ERR_INVALID for NULL or a call whose struct_size is too small.
//
// Safety: `lib` came from gilrt_module_open, `function` is a C string, `call` is filled in.
int gilrt_module_call(gilrt_library_t *lib,
                      const char *function,
                      struct gilrt_call_t *call);

// Undoes one gilrt_module_open. With the last, the module ends in the interpreter that it was opened in: its unload runs there,
// attached, as soon as no call of it runs there, on whichever thread sees to that. Its code stays mapped while an object of its
// types lives, or another interpreter uses it. From any thread, whatever its interpreter; that is the same afterwards, and
// attached if it was. NULL and a module that is closed already do nothing. May block.
//
// A module that is open when its interpreter is closed, by gil_interp_close or gilrt_finalize, ends with it: its unload has run when
// they return, and what is left to do here is to give the pointer back.
//
// Safety: `lib` is NULL or came from gilrt_module_open, and is not used afterwards.
void gilrt_module_close(gilrt_library_t *lib);

// What the module says of itself: name, functions, help. NULL for NULL; valid until the module is closed.
//
// Safety: `lib` is NULL or an open module.
const struct gilrt_module_t *gilrt_module_describe(const gilrt_library_t *lib);

// Why the last gilrt_module_open or gilrt_module_call of this thread failed, in a sentence for people, where there is more
// to say than its status; empty if nothing failed so. Never NULL; valid until the next such failure on this thread.
const char *gilrt_error_text(void);

// Fills in `out` for an interpreter; NULL means the current one. From any thread, at any time; takes the lock's short
// internal mutex. GILRT_ERR_INVALID if `out` is NULL or its struct_size too small for a size.
//
// Safety: `interp` is NULL or an interpreter; `out` is NULL or points to as many bytes as its `struct_size` says.
int gilrt_stats_get(gil_interp_t *interp,
                    struct gilrt_stats_t *out);

// The gil_thread_id of the thread that holds the lock of an interpreter, or was the last to hold it; NULL means the current
// interpreter. 0 if nobody has yet, or there is no lock. It may have been another when this returns, but for the holder's own
// call. How often the lock went from one thread to another is `switches` in gilrt_stats_t. From any thread, at any time;
// async-signal-safe.
//
// Safety: `interp` is NULL or an interpreter.
uint64_t gil_last_holder(const gil_interp_t *interp);

// Has the library's log lines passed to `log`, from whichever thread they concern; NULL: to standard error again, from
// GILRT_LOG's level on. Levels: 1 error, 2 warning, 3 information. `log` must not call the library, throw or longjmp; it
// may still be running on another thread when this returns.
void gilrt_set_log(void (*log)(int level, const char *message, void *user),
                   void *user);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* GILRT_H */
