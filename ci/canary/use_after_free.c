/* Reads memory that was freed: AddressSanitizer has to report it. */
#include <stdlib.h>

int main(void) {
  int *volatile number = malloc(sizeof *number);
  if (!number) return 0;
  *number = 7;
  free(number);
  return *number == 8;
}
