/* The functions of native.c for OCaml, which calls C with the lock held unless the C code releases it. */
#include <caml/memory.h>
#include <caml/mlvalues.h>
#include <caml/threads.h>

#include "native.h"

value gilrt_work(value turns) { return Val_long((long)(native_work((uint64_t)Long_val(turns)) >> 2)); }

value gilrt_work_releasing(value turns) {
  uint64_t count = (uint64_t)Long_val(turns);
  caml_release_runtime_system();
  uint64_t result = native_work(count);
  caml_acquire_runtime_system();
  return Val_long((long)(result >> 2));
}

value gilrt_nothing_releasing(value unit) {
  caml_release_runtime_system();
  caml_acquire_runtime_system();
  return unit;
}

value gilrt_now(value unit) {
  (void)unit;
  return Val_long((long)native_now());
}

value gilrt_sleep_releasing(value ns) {
  uint64_t length = (uint64_t)Long_val(ns);
  caml_release_runtime_system();
  uint64_t over = native_sleep(length);
  caml_acquire_runtime_system();
  return Val_long((long)over);
}

value gilrt_pin(value index) {
  native_pin((unsigned)Long_val(index));
  return Val_unit;
}

static void *save(void) {
  caml_release_runtime_system();
  return 0;
}

static void restore(void *unused) {
  (void)unused;
  caml_acquire_runtime_system();
}

value gilrt_pairs(value count) { return Val_long((long)native_pairs(save, restore, (uint64_t)Long_val(count))); }
