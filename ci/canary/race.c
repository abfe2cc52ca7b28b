/* Two threads increment a plain variable: ThreadSanitizer has to report it. */
#include <pthread.h>

static int shared;

static void *increment(void *unused) {
  for (int i = 0; i < 1000; i++) shared++;
  return unused;
}

int main(void) {
  pthread_t other;
  if (pthread_create(&other, NULL, increment, NULL)) return 0;
  increment(NULL);
  pthread_join(other, NULL);
  return 0;
}
