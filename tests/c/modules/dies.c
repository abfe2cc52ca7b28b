/*
 * A module whose second worker comes to grief in the middle of its part, in the way that it is told. The others do theirs: of
 * `draw`, rows of a picture in the colour of their number.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gilrt.h>

#define WIDTH 8u
#define ROWS 6u /* of each part */

static volatile int *volatile nowhere; /* the compiler is not to know that it is NULL */

static int write_rows(int fd, const gilrt_call_t *call, unsigned rows) {
  char header[64];
  unsigned char row[WIDTH * 3];
  int length = snprintf(header, sizeof header, "P6\n%u %u\n255\n", WIDTH, ROWS * call->thread_count);
  if (pwrite(fd, header, (size_t)length, 0) != length) return GILRT_ERR_INVALID;
  memset(row, (int)call->thread_index + 1, sizeof row);
  for (unsigned y = 0; y < rows; y++) {
    off_t at = length + (off_t)sizeof row * (off_t)(call->thread_index * ROWS + y);
    if (pwrite(fd, row, sizeof row, at) != (ssize_t)sizeof row) return GILRT_ERR_INVALID;
  }
  /* The whole picture is there, whoever has come how far; what nobody has written is black. */
  return ftruncate(fd, length + (off_t)sizeof row * (off_t)(ROWS * call->thread_count)) ? GILRT_ERR_INVALID : GILRT_OK;
}

/* A child that keeps all that its parent has open, but for what a test reads to the end. Its number is written to `path`. */
static void leave_a_child(const char *path) {
  pid_t child = fork();
  if (child == 0) {
    close(1);
    close(2);
    alarm(600); /* whoever runs the test kills it long before */
    pause();
    _exit(0);
  }
  FILE *file = fopen(path, "w");
  if (!file) return;
  fprintf(file, "%ld", (long)child);
  fclose(file);
}

static int come_to_grief(const gilrt_call_t *call) {
  const char *how = call->argv[2];
  if (strcmp(how, "kill") == 0) raise(SIGKILL);
  if (strcmp(how, "segv") == 0) *nowhere = 1;
  if (strcmp(how, "exit") == 0) exit(3);
  if (strcmp(how, "leave") == 0) exit(0);
  if (strcmp(how, "orphan") == 0 && call->argc == 4) {
    leave_a_child(call->argv[3]);
    raise(SIGKILL);
  }
  call->say("the second worker does not want to", call->user);
  return GILRT_ERR_BUSY;
}

static int draw(gilrt_call_t *call) {
  if (call->argc != 3 && call->argc != 4) return GILRT_ERR_INVALID;
  int fd = open(call->argv[1], O_WRONLY | O_CLOEXEC);
  if (fd < 0) return GILRT_ERR_INVALID;
  int status = write_rows(fd, call, call->thread_index == 1 ? ROWS / 2 : ROWS);
  close(fd);
  return status == GILRT_OK && call->thread_index == 1 ? come_to_grief(call) : status;
}

/* The second worker never comes back, and says that it has begun by making a file. */
static int hang(gilrt_call_t *call) {
  if (call->argc != 1) return GILRT_ERR_INVALID;
  if (call->thread_index != 1) return GILRT_OK;
  GIL_BEGIN_ALLOW_THREADS
  int fd = open(call->argv[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd >= 0) close(fd);
  for (;;) pause();
  GIL_END_ALLOW_THREADS
  return GILRT_OK;
}

static int descriptors(gilrt_call_t *call) {
  DIR *folder = opendir("/proc/self/fd");
  int64_t open = -1; /* the folder's own */
  if (!folder) return GILRT_ERR_INVALID;
  for (struct dirent *entry; (entry = readdir(folder));) open += entry->d_name[0] != '.';
  closedir(folder);
  call->report("descriptors", open, call->user);
  return GILRT_OK;
}

static const gilrt_function_t functions[] = {
    {"draw", "IN OUT HOW [FILE]: the second worker dies by kill, segv, exit, leave or orphan, or fails", draw},
    {"hang", "FILE: the second worker makes the file and never comes back", hang},
    {"descriptors", "reports how many are open", descriptors},
};

static const gilrt_module_t module = {.struct_size = sizeof module,
                                      .abi = GILRT_ABI,
                                      .name = "dies",
                                      .flags = GILRT_MODULE_FREE_THREADED,
                                      .functions = functions,
                                      .function_count = sizeof functions / sizeof functions[0]};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
