/* The calls of a run need not run at the same time: of two threads' calls of deflate and of legacy one may be over before the
   other begins. Meanwhile another run is refused, and afterwards it is not. The arguments: the two modules and a folder. */
#include "check.h"

#include <sys/stat.h>

static char said[512];

static void on_say(const char *message, void *user) {
  (void)user;
  snprintf(said, sizeof said, "%s", message);
}

static void on_report(const char *name, int64_t value, void *user) {
  (void)name;
  *(int64_t *)user += value;
}

/* One of two threads' calls; what the run reported, all together, or a status. */
static int64_t half(gilrt_library_t *library, const char *function, unsigned index, const char *first, const char *second) {
  char arguments[2][512];
  int64_t sum = 0;
  snprintf(arguments[0], sizeof arguments[0], "%s", first);
  snprintf(arguments[1], sizeof arguments[1], "%s", second ? second : "");
  char *argv[] = {arguments[0], arguments[1], NULL};
  gilrt_call_t call = {.struct_size = sizeof call, .thread_index = index, .thread_count = 2, .argc = second ? 2 : 1,
                       .argv = argv, .report = on_report, .say = on_say, .user = &sum};
  int status = gilrt_module_call(library, function, &call);
  return status == GILRT_OK ? sum : status;
}

static void compress(gilrt_library_t *deflate, const char *folder) {
  char in[300], out[300], other[300];
  struct stat made;
  snprintf(in, sizeof in, "%s/turns.bytes", folder);
  snprintf(out, sizeof out, "%s/turns.gz", folder);
  snprintf(other, sizeof other, "%s/turns.other.gz", folder);
  FILE *file = fopen(in, "w");
  CHECK(file);
  for (int i = 0; i < 100000; i++) fprintf(file, "line %d\n", i);
  CHECK_EQ(fclose(file), 0);

  for (unsigned first = 0; first < 2; first++) {
    CHECK_EQ(half(deflate, "compress", first, in, out), 0);
    CHECK_EQ(half(deflate, "compress", first, in, other), GILRT_ERR_BUSY);
    CHECK(strstr(said, "another file is being compressed"));
    CHECK(half(deflate, "compress", 1 - first, in, out) > 0);
    /* 1,088,890 bytes are nine blocks of 128 KiB, of which each half compares every second. */
    CHECK_EQ(half(deflate, "check", 0, in, out), 5);
    CHECK_EQ(half(deflate, "check", 1, in, out), 4);
  }

  /* Two calls with one index make half of the blocks twice and the others never. */
  CHECK_EQ(half(deflate, "compress", 0, in, out), 0);
  CHECK_EQ(half(deflate, "compress", 0, in, out), GILRT_ERR_INVALID);
  CHECK(strstr(said, "same index"));
  CHECK(stat(out, &made) != 0 && errno == ENOENT);
}

static void insert(gilrt_library_t *legacy, const char *folder) {
  char file[300];
  snprintf(file, sizeof file, "%s/turns.db", folder);
  CHECK_EQ(half(legacy, "insert", 1, "100", NULL), 0);
  CHECK_EQ(half(legacy, "insert", 0, "100", file), GILRT_ERR_BUSY);
  CHECK(strstr(said, "one run at a time"));
  CHECK(half(legacy, "insert", 0, "100", NULL) > 200);
  CHECK_EQ(half(legacy, "insert", 0, "100", file), 0);
  CHECK(half(legacy, "insert", 1, "100", file) > 200);
}

int main(int argc, char **argv) {
  gilrt_library_t *deflate, *legacy;
  CHECK_EQ(argc, 4);
  CHECK_STATUS(gilrt_module_open(argv[1], &deflate), GILRT_OK);
  CHECK_STATUS(gilrt_module_open(argv[2], &legacy), GILRT_OK);
  compress(deflate, argv[3]);
  insert(legacy, argv[3]);
  gilrt_module_close(deflate);
  gilrt_module_close(legacy);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
