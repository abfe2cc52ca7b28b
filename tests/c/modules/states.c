/* A module whose state knows its interpreter, and that tells its host, through a witness, of all that runs. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gilrt.h>

#include "witness.h"

typedef struct state {
  gil_interp_t *home;
  obj_type_t *type;
} state_t;

static witness_t *witness(void) {
  const char *where = getenv(WITNESS_VARIABLE);
  void *found = NULL;
  if (!where || sscanf(where, "%p", &found) != 1) abort();
  return found;
}

static void pause_a_little(void) { nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL); }

static bool is_at_home(const state_t *state) { return gil_held() && gil_interp_current() == state->home; }

static const char *the_other(const witness_t *w) {
  static const char here = 0;
  Dl_info info;
  if (!w->files[1]) return w->files[0];
  if (!dladdr(&here, &info)) abort();
  return strcmp(info.dli_fname, w->files[0]) == 0 ? w->files[1] : w->files[0];
}

static int load(void **out) {
  witness_t *w = witness();
  state_t *state = calloc(1, sizeof *state);
  if (!state) return GILRT_ERR_NOMEM;
  state->home = gil_interp_current();
  if (!gil_held()) atomic_fetch_add(&w->wrong, 1);
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "state's", .payload_size = 8};
  int status = obj_type_new(&config, &state->type);
  atomic_fetch_add(&w->loading, 1);
  GIL_BEGIN_ALLOW_THREADS
  while (atomic_load(&w->loading) < atomic_load(&w->meet)) pause_a_little();
  while (atomic_load(&w->hold)) pause_a_little();
  GIL_END_ALLOW_THREADS
  if (w->files[0]) {
    gilrt_library_t *other = NULL;
    int answer = gilrt_module_open(the_other(w), &other);
    if (answer == GILRT_ERR_DEADLOCK) atomic_fetch_add(&w->deadlocks, 1);
    else if (answer != GILRT_OK) status = answer;
    gilrt_module_close(other);
  }
  if (!is_at_home(state)) atomic_fetch_add(&w->wrong, 1);
  if (atomic_load(&w->fails) > 0) {
    atomic_fetch_sub(&w->fails, 1);
    status = GILRT_ERR_BUSY;
  }
  if (status != GILRT_OK) {
    free(state);
    return status;
  }
  atomic_fetch_add(&w->loads, 1);
  *out = state;
  return GILRT_OK;
}

static void unload(void *argument) {
  state_t *state = argument;
  if (!is_at_home(state)) atomic_fetch_add(&witness()->wrong, 1);
  atomic_fetch_add(&witness()->unloads, 1);
  free(state);
}

static int look(gilrt_call_t *call) {
  if (!is_at_home(call->state)) atomic_fetch_add(&witness()->wrong, 1);
  atomic_fetch_add(&witness()->calls, 1);
  return GILRT_OK;
}

/* It lets go of the lock as code does that knows of no regions. */
static int linger(gilrt_call_t *call) {
  look(call);
  gil_release();
  while (atomic_load(&witness()->hold)) pause_a_little();
  int status = gil_acquire();
  if (status != GILRT_OK) return status;
  if (!is_at_home(call->state)) atomic_fetch_add(&witness()->wrong, 1);
  return GILRT_OK;
}

static int make(gilrt_call_t *call) {
  obj_t *object;
  int status = obj_new(((state_t *)call->state)->type, 0, &object);
  if (status == GILRT_OK) call->report("object", (int64_t)(intptr_t)object, call->user);
  return status;
}

static int stray(gilrt_call_t *call) {
  (void)call;
  return gil_interp_enter(gil_interp_main(), NULL);
}

static const gilrt_function_t functions[] = {
    {"look", "looks whether its state is that of the interpreter", look},
    {"linger", "stays, detached, for as long as the witness says", linger},
    {"make", "makes an object, which is the host's", make},
    {"stray", "returns in the main interpreter, wherever it was called", stray},
};

static const gilrt_module_t module = {.struct_size = sizeof module,
                                      .abi = GILRT_ABI,
                                      .name = "states",
#ifndef NEEDS_GIL
                                      .flags = GILRT_MODULE_FREE_THREADED,
#endif
                                      .load = load,
                                      .unload = unload,
                                      .functions = functions,
                                      .function_count = sizeof functions / sizeof functions[0]};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
