/* The inline functions find the state of the interpreter that was entered last, in one C function too. */
#include "check.h"
#include <gilrt_inline.h>
int main(void) {
  gil_interp_t *w[2]; gil_interp_config_t c = {.struct_size = sizeof c, .name = "w"};
  CHECK_STATUS(gil_interp_new(&c, &w[0]), GILRT_OK); CHECK_STATUS(gil_interp_new(&c, &w[1]), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK); CHECK_STATUS(gil_release(), GILRT_OK); /* known to main */
  int bad = 0, wrong = 0;
  for (int n = 0; n < 10; n++) {
    CHECK_STATUS(gil_interp_enter(w[n & 1], NULL), GILRT_OK);
    if (gil_thread_self_inline() != gil_thread_self()) wrong++;
    int r = gil_acquire_inline();
    if (r != GILRT_OK) { bad++; continue; }
    gil_release_inline();
  }
  CHECK_EQ(bad, 0);
  CHECK_EQ(wrong, 0);
  return 0;
}
