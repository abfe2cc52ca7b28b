/* Compares a file with what compress made of it. The threads share two files and nothing else: each walks over all members,
   whose headers say how long they are, and decompresses every n-th. */
#ifndef DEFLATE_COMPARE_H
#define DEFLATE_COMPARE_H

#include "failure.h"
#include "member.h"

/* The call's share; the files are its arguments. `*compared` is the number of its blocks that are equal. */
int compare_files(const gilrt_call_t *call, member_pause_fn pause, uint64_t *compared, failure_t *failure);

#endif
