/* A module that does everything right. */
#include <stdio.h>
#include <stdlib.h>

#include <gilrt.h>

static int load(void **state) {
  *state = malloc(1);
  printf("load held=%d\n", gil_held());
  return *state ? GILRT_OK : GILRT_ERR_NOMEM;
}

static void unload(void *state) {
  free(state);
  printf("unload held=%d\n", gil_held());
}

static int greet(gilrt_call_t *call) {
  if (call->report) {
    call->report("held", gil_held(), call->user);
    call->report("arguments", call->argc, call->user);
    call->report("state", call->state != NULL, call->user);
  }
  for (int i = 0; call->say && i < call->argc; i++) call->say(call->argv[i], call->user);
  return GILRT_OK;
}

static int refuse(gilrt_call_t *call) {
  if (call->say) call->say("not today", call->user);
  return GILRT_ERR_BUSY;
}

static const gilrt_function_t functions[] = {
    {"greet", "[WORD…]: says each word", greet},
    {"refuse", "fails", refuse},
};

static const gilrt_module_t module = {.struct_size = sizeof module,
                                      .abi = GILRT_ABI,
                                      .name = "good",
                                      .load = load,
                                      .unload = unload,
                                      .functions = functions,
                                      .function_count = 2};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
