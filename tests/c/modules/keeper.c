/* Makes an object and gives it to the host; its finalizer is this module's code and sets an int of the host. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include <gilrt.h>

static obj_type_t *type;

static void finalize(obj_t *self) { atomic_fetch_add(*OBJ_PAYLOAD(self, atomic_int *), 1); }

static int load(void **state) {
  (void)state;
  const obj_type_config_t config = {
      .struct_size = sizeof config, .name = "kept", .payload_size = sizeof(atomic_int *), .finalize = finalize};
  return obj_type_new(&config, &type);
}

/* ARGUMENT: the address of the int, as %p writes it. Reports the object's address; its reference is the host's. */
static int make(gilrt_call_t *call) {
  void *where;
  obj_t *object;
  if (call->argc != 1 || sscanf(call->argv[0], "%p", &where) != 1) return GILRT_ERR_INVALID;
  int status = obj_new(type, 0, &object);
  if (status != GILRT_OK) return status;
  *OBJ_PAYLOAD(object, void *) = where;
  call->report("object", (int64_t)(intptr_t)object, call->user);
  return GILRT_OK;
}

static const gilrt_function_t functions[] = {{"make", "ADDRESS: makes an object that outlives the module", make}};

static const gilrt_module_t module = {.struct_size = sizeof module,
                                      .abi = GILRT_ABI,
                                      .name = "keeper",
                                      .load = load,
                                      .functions = functions,
                                      .function_count = 1};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
