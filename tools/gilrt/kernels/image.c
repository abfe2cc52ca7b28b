/* The module `image` blurs a picture in two parts: by bare threads that run its compiled filter and know no libgilrt, by threads
   that let go of the lock, in an interpreter without one, in an interpreter for each, and in a process for each.

   The arguments are the module, the picture to read, the one to write, and the radius. Each has a CPU of its own, and what it
   takes to begin and to end is part of the time, whoever works. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <gilrt.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "crew.h"
#include "filter.h"
#include "kernel.h"
#include "pin.h"
#include "ppm.h"

kernel_t kernel_image_bare, kernel_image_release, kernel_image_free, kernel_image_interps, kernel_image_processes;

enum { MODULE, PICTURE, RESULT, RADIUS };

/* What the module computes with. */
typedef struct code {
  __typeof__(&filter_new) filter_new;
  __typeof__(&filter_take) filter_take;
  __typeof__(&filter_make) filter_make;
  __typeof__(&filter_free) filter_free;
  __typeof__(&ppm_open) ppm_open;
  __typeof__(&ppm_create) ppm_create;
  __typeof__(&ppm_read_row) ppm_read_row;
  __typeof__(&ppm_write_row) ppm_write_row;
  __typeof__(&ppm_close) ppm_close;
} code_t;

typedef struct scene {
  const kernel_task_t *task;
  code_t code;
  gil_interp_t *interp;
  gilrt_library_t *module;
  uint32_t flags;
  bool done[KERNEL_MOST_THREADS];
} scene_t;

static int find(const kernel_task_t *task, code_t *code) {
  void *module = dlopen(task->arguments[MODULE], RTLD_NOW | RTLD_LOCAL);
  if (!module) return ENOENT;
#define FIND(name) (*(void **)&code->name = dlsym(module, #name))
  bool complete = FIND(filter_new) && FIND(filter_take) && FIND(filter_make) && FIND(filter_free) && FIND(ppm_open) &&
                  FIND(ppm_create) && FIND(ppm_read_row) && FIND(ppm_write_row) && FIND(ppm_close);
#undef FIND
  return complete ? 0 : ENOENT;
}

/* As the module's own loop, less what it says to a host. */
static bool filter_rows(const code_t *code, filter_t *filter, const ppm_t *in, const ppm_t *out, uint32_t first, uint32_t end) {
  ppm_error_t error;
  uint32_t next = first > filter->radius ? first - filter->radius : 0;
  for (uint32_t y = first; y < end; y++) {
    for (; next < in->height && next <= y + filter->radius; next++) {
      if (code->ppm_read_row(in, next, filter->row, &error)) return false;
      code->filter_take(filter, next);
    }
    code->filter_make(filter, y);
    if (code->ppm_write_row(out, y, filter->row, &error)) return false;
  }
  return true;
}

static bool filter_part(const scene_t *scene, unsigned index) {
  const code_t *code = &scene->code;
  char **arguments = scene->task->arguments;
  uint32_t count = scene->task->threads, radius = (uint32_t)strtoul(arguments[RADIUS], NULL, 10);
  ppm_t in, out;
  ppm_error_t error;
  filter_t filter;
  bool done = false;
  if (code->ppm_open(&in, arguments[PICTURE], &error)) return false;
  if (!code->ppm_create(&out, arguments[RESULT], &in, &error)) {
    if (code->filter_new(&filter, FILTER_BLUR, radius, in.width, in.height)) {
      done = filter_rows(code, &filter, &in, &out, (uint32_t)((uint64_t)in.height * index / count),
                         (uint32_t)((uint64_t)in.height * (index + UINT64_C(1)) / count));
      code->filter_free(&filter);
    }
    code->ppm_close(&out);
  }
  code->ppm_close(&in);
  return done;
}

static void bare(unsigned index, void *user) {
  scene_t *scene = user;
  spread(index);
  if (crew_ready()) scene->done[index] = filter_part(scene, index);
}

static bool call(const scene_t *scene, gilrt_library_t *module, unsigned index) {
  gilrt_call_t call = {.struct_size = sizeof call,
                       .thread_index = index,
                       .thread_count = scene->task->threads,
                       .argc = 3,
                       .argv = scene->task->arguments + PICTURE,
                       .flags = scene->flags};
  return gilrt_module_call(module, "blur", &call) == GILRT_OK;
}

/* Whatever interpreter is current: opens the module there, does the part, closes it. */
static bool open_and_call(const scene_t *scene, unsigned index) {
  gilrt_library_t *module;
  if (gilrt_module_open(scene->task->arguments[MODULE], &module)) return false;
  bool done = call(scene, module, index);
  gilrt_module_close(module);
  return done;
}

static void in_one_interpreter(unsigned index, void *user) {
  scene_t *scene = user;
  spread(index);
  if (!crew_ready()) return;
  scene->done[index] = gil_interp_enter(scene->interp, NULL) == GILRT_OK && call(scene, scene->module, index);
}

static void in_one_of_its_own(unsigned index, void *user) {
  scene_t *scene = user;
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "image", .mode = GIL_MODE_LOCKED};
  gil_interp_t *interp;
  spread(index);
  if (!crew_ready() || gil_interp_new(&config, &interp) || gil_interp_enter(interp, NULL)) return;
  bool done = open_and_call(scene, index);
  gil_interp_enter(gil_interp_main(), NULL);
  scene->done[index] = gil_interp_close(interp, UINT64_MAX) == GILRT_OK && done;
}

static int run(const kernel_task_t *task, kernel_result_t *result, scene_t *scene, void (*body)(unsigned, void *)) {
  int error = crew_run(task->threads, body, NULL, scene, &result->elapsed_ns);
  for (unsigned i = 0; i < task->threads; i++) result->witness += scene->done[i];
  result->done = task->threads;
  return error ? error : result->witness == result->done ? 0 : ECANCELED;
}

int kernel_image_bare(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task};
  int error = find(task, &scene.code);
  return error ? error : run(task, result, &scene, bare);
}

static int run_in(gil_interp_t *interp, uint32_t flags, const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task, .interp = interp, .flags = flags};
  gil_interp_enter(interp, NULL);
  int error = gilrt_module_open(task->arguments[MODULE], &scene.module) ? ENOENT : 0;
  if (!error) error = run(task, result, &scene, in_one_interpreter);
  gilrt_module_close(scene.module);
  gil_interp_enter(gil_interp_main(), NULL);
  return error;
}

int kernel_image_release(const kernel_task_t *task, kernel_result_t *result) {
  return run_in(gil_interp_main(), GILRT_CALL_RELEASE, task, result);
}

int kernel_image_free(const kernel_task_t *task, kernel_result_t *result) {
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "image", .mode = GIL_MODE_FREE};
  gil_interp_t *interp;
  if (gil_interp_new(&config, &interp)) return ENOMEM;
  int error = run_in(interp, 0, task, result);
  return gil_interp_close(interp, UINT64_MAX) == GILRT_OK ? error : EBUSY;
}

int kernel_image_interps(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task};
  return run(task, result, &scene, in_one_of_its_own);
}

/* A copy of this process for each part. */
int kernel_image_processes(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task};
  pid_t children[KERNEL_MOST_THREADS];
  unsigned made = 0;
  uint64_t start = now_ns();
  for (; made < task->threads && (children[made] = fork()) >= 0; made++) {
    if (children[made] != 0) continue;
    spread(made);
    _exit(open_and_call(&scene, made) ? 0 : 1);
  }
  for (unsigned i = 0; i < made; i++) {
    int status = 1;
    while (waitpid(children[i], &status, 0) < 0 && errno == EINTR) {
    }
    result->witness += status == 0;
  }
  result->elapsed_ns = now_ns() - start;
  result->done = task->threads;
  return made < task->threads ? EAGAIN : result->witness == result->done ? 0 : ECANCELED;
}
