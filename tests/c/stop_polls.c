/* Who has stopped the world may poll and yield: nobody else gets in before it resumes, with a lock as without one. */
#include "check.h"

#define OK(call) CHECK_STATUS(call, GILRT_OK)

static atomic_bool stopped, over;

static void *come_and_go(void *argument) {
  (void)argument;
  while (!over) {
    OK(gil_acquire());
    CHECK(!stopped);
    CHECK(gil_poll() == 0);
    CHECK(!stopped);
    OK(gil_release());
  }
  return NULL;
}

int main(int argc, char **argv) {
  gilrt_config_t config = {.struct_size = sizeof config};
  if (argc > 1) config.mode = atoi(argv[1]);
  if (argc > 2) config.policy = atoi(argv[2]);
  OK(gilrt_init(&config));
  pthread_t t[2];
  for (int i = 0; i < 2; i++) CHECK(pthread_create(&t[i], NULL, come_and_go, NULL) == 0);
  for (int i = 0; i < 20; i++) {
    OK(gil_stop_world());
    stopped = true;
    uint64_t until = now_ns() + MILLISECONDS(12);
    while (now_ns() < until) {
      CHECK(gil_poll() == 0);
      OK(gil_yield());
    }
    stopped = false;
    OK(gil_resume_world());
    sleep_us(1000);
  }
  over = true;
  for (int i = 0; i < 2; i++) CHECK(pthread_join(t[i], NULL) == 0);
  OK(gilrt_finalize(FOREVER));
  return 0;
}
