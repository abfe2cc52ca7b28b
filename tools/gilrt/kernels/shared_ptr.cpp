/* The counted pointer of C++. Its library counts without atomics as long as the process has had one thread only, which no
   host of a runtime has: so a thread is started first. */
#include <memory>
#include <thread>

extern "C" {
#include "times.h"
kernel_t kernel_count_shared_ptr;
}

int kernel_count_shared_ptr(const kernel_task_t *task, kernel_result_t *result) {
  static std::shared_ptr<int> first;
  std::thread([] {}).join();
  first = std::make_shared<int>(1);
  TIMES(task, result, std::shared_ptr<int> another(first); SECTION(); another.reset(); SECTION());
  if (first.use_count() != 1) result->witness = 0;
  first.reset();
  return 0;
}
