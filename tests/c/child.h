/* A forked child that runs a part of a test: a check that fails there fails the whole program. */
#ifndef CHILD_H
#define CHILD_H

#include "check.h"

#include <sys/types.h>
#include <sys/wait.h>

/* The child must end well before the parent goes on; a child that hangs is ended with the program. */
static inline void in_child(void (*body)(void *argument), void *argument) {
  fflush(NULL);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    body(argument);
    fflush(NULL);
    _exit(0); /* the exit handlers are the parent's business */
  }
  int status;
  while (waitpid(child, &status, 0) < 0) CHECK_EQ(errno, EINTR);
  CHECK(WIFEXITED(status));
  CHECK_EQ(WEXITSTATUS(status), 0);
}

#endif
