/* Overflows a signed integer: UndefinedBehaviorSanitizer has to report it. */
#include <limits.h>

int main(void) {
  volatile int largest = INT_MAX;
  return largest + 1 == 0;
}
