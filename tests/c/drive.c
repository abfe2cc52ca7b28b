/* Opens a module and runs one of its functions on a number of threads, as a host does; every answer is a line of its
   output. drive [-f] [-t THREADS] [-r] [-n RUNS] MODULE [FUNCTION [ARGUMENT…]]; -f is for an interpreter without a lock. */
#include "check.h"

typedef struct drive {
  gil_interp_t *interp;
  gilrt_library_t *library;
  const char *function;
  int argc;
  char **argv;
  unsigned threads;
  uint32_t flags;
  atomic_ullong progress[TEAM_MOST]; /* what each thread announced last */
} drive_t;

typedef struct seat {
  drive_t *drive;
  unsigned index;
} seat_t;

static void on_progress(uint64_t done, uint64_t total, void *user) {
  seat_t *seat = user;
  CHECK(done <= total);
  CHECK(done >= atomic_load(&seat->drive->progress[seat->index]));
  atomic_store(&seat->drive->progress[seat->index], done);
}

static void on_report(const char *name, int64_t value, void *user) {
  (void)user;
  printf("report %s %lld\n", name, (long long)value);
}

static void on_say(const char *message, void *user) {
  seat_t *seat = user;
  printf("say %u %s\n", seat->index, message);
}

static void run(unsigned index, void *argument) {
  drive_t *drive = argument;
  seat_t seat = {.drive = drive, .index = index};
  atomic_store(&drive->progress[index], 0);
  CHECK_STATUS(gil_interp_enter(drive->interp, NULL), GILRT_OK);
  gilrt_call_t call = {.struct_size = sizeof call,
                       .thread_index = index,
                       .thread_count = drive->threads,
                       .argc = drive->argc,
                       .argv = drive->argv,
                       .flags = drive->flags,
                       .progress = on_progress,
                       .report = on_report,
                       .say = on_say,
                       .user = &seat};
  int status = gilrt_module_call(drive->library, drive->function, &call);
  CHECK(!gil_held());
  printf("call %u %s\n", index, gilrt_status_name(status));
  if (status != GILRT_OK) printf("error %s\n", gilrt_error_text());
}

static void describe(const gilrt_library_t *library) {
  const gilrt_module_t *module = gilrt_module_describe(library);
  CHECK(module);
  printf("module %s\n", module->name);
  for (size_t i = 0; i < module->function_count; i++) {
    CHECK(module->functions[i].help && module->functions[i].help[0]);
    printf("function %s\n", module->functions[i].name);
  }
}

static gil_interp_t *open_free(void) {
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "driven", .mode = GIL_MODE_FREE};
  gil_interp_t *interp = NULL;
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  return interp;
}

int main(int argc, char **argv) {
  drive_t drive = {.interp = gil_interp_main(), .threads = 1};
  int option, runs = 1;
  while ((option = getopt(argc, argv, "+ft:rn:")) != -1) {
    if (option == 'f') drive.interp = open_free();
    else if (option == 't') drive.threads = (unsigned)atoi(optarg);
    else if (option == 'r') drive.flags = GILRT_CALL_RELEASE;
    else if (option == 'n') runs = atoi(optarg);
    else return 2;
  }
  CHECK(optind < argc);
  CHECK_STATUS(gil_interp_enter(drive.interp, NULL), GILRT_OK);
  int status = gilrt_module_open(argv[optind], &drive.library);
  printf("open %s\n", gilrt_status_name(status));
  if (status != GILRT_OK) {
    printf("error %s\n", gilrt_error_text());
    CHECK(!drive.library);
    return 0;
  }
  if (optind + 1 == argc) {
    describe(drive.library);
  } else {
    drive.function = argv[optind + 1];
    drive.argc = argc - optind - 2;
    drive.argv = argv + optind + 2;
    for (int i = 0; i < runs; i++) team_run(drive.threads, run, &drive);
  }
  gilrt_module_close(drive.library);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  printf("live %lld\n", (long long)obj_live_count());
  CHECK_STATUS(gil_release(), GILRT_OK);
  if (drive.interp != gil_interp_main()) {
    CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
    CHECK_STATUS(gil_interp_close(drive.interp, FOREVER), GILRT_OK);
  }
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
