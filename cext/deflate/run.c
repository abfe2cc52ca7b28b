#define _POSIX_C_SOURCE 200809L

#include "run.h"

#include <stdlib.h>
#include <unistd.h>

#include "blocks.h"

/* Opens the files and makes room for the members. What has been opened or made when it fails, `end` takes back. */
static int begin(job_t *job, const char *in, const char *out, failure_t *failure) {
  job->input.fd = job->output.fd = -1;
  job->in = strdup(in);
  job->out = strdup(out);
  if (!job->in || !job->out) return failure_set(failure, GILRT_ERR_NOMEM, "not enough memory for two file names");
  int status = file_open(&job->input, job->in, failure);
  if (status != GILRT_OK) return status;
  job->blocks = block_count(job->input.size);
  if (job->blocks <= SIZE_MAX / sizeof *job->members) job->members = calloc(job->blocks, sizeof *job->members);
  if (!job->members)
    return failure_set(failure, GILRT_ERR_NOMEM, "not enough memory for %llu blocks", (unsigned long long)job->blocks);
  return file_create(&job->output, job->out, &job->input, failure);
}

/* The last call has left: nobody else knows the job. */
static void end(job_t *job) {
  failure_t *failure = &job->failure;
  if (job->input.fd >= 0) file_close(&job->input);
  if (job->output.fd >= 0) {
    if (file_finish(&job->output, failure) == GILRT_OK && failure->status == GILRT_OK && job->next < job->blocks)
      failure_set(failure, GILRT_ERR_INVALID, "%s is not whole: a thread's index is missing", job->out);
    if (failure->status != GILRT_OK && job->output.is_regular) unlink(job->out);
  }
  for (uint64_t i = job->next; job->members && i < job->blocks; i++) free(job->members[i].bytes);
  free(job->members);
  free(job->in);
  free(job->out);
}

static bool is_another(const job_t *job, uint32_t threads, const char *in, const char *out, int level) {
  if (job->joined == job->threads || job->threads != threads || job->level != level) return true;
  /* Names are missing only where there was no memory for them, and then the run has failed. */
  return job->in && job->out && (strcmp(job->in, in) != 0 || strcmp(job->out, out) != 0);
}

int run_join(run_t *run, uint32_t threads, const char *in, const char *out, int level, bool *joined, failure_t *failure) {
  job_t *job = &run->job;
  pthread_mutex_lock(&run->mutex);
  *joined = job->joined == 0 || !is_another(job, threads, in, out, level);
  if (*joined) {
    if (job->joined++ == 0) {
      job->threads = threads;
      job->level = level;
      begin(job, in, out, &job->failure);
    }
    *failure = job->failure;
  } else {
    failure_set(failure, GILRT_ERR_BUSY, "another file is being compressed: one at a time");
  }
  pthread_mutex_unlock(&run->mutex);
  return failure->status;
}

/* Writes what is next for as long as it is there. With the mutex, which it gives up while it writes. */
static void write_members(run_t *run) {
  job_t *job = &run->job;
  job->writing = true;
  while (job->failure.status == GILRT_OK && job->next < job->blocks && job->members[job->next].bytes) {
    member_t member = job->members[job->next];
    job->members[job->next++].bytes = NULL;
    job->written += member.size;
    pthread_mutex_unlock(&run->mutex);
    failure_t failure = {.status = GILRT_OK};
    file_write(&job->output, member.bytes, member.size, &failure);
    free(member.bytes);
    pthread_mutex_lock(&run->mutex);
    if (job->failure.status == GILRT_OK) job->failure = failure;
  }
  job->writing = false;
}

int run_add(run_t *run, uint64_t block, uint8_t *member, size_t size, failure_t *failure) {
  job_t *job = &run->job;
  pthread_mutex_lock(&run->mutex);
  if (block < job->next || job->members[block].bytes) {
    free(member);
    if (job->failure.status == GILRT_OK)
      failure_set(&job->failure, GILRT_ERR_INVALID, "two threads have the same index, and made block %llu",
                  (unsigned long long)block);
  } else {
    job->members[block] = (member_t){.bytes = member, .size = size};
    if (!job->writing) write_members(run);
  }
  *failure = job->failure;
  pthread_mutex_unlock(&run->mutex);
  return failure->status;
}

bool run_leave(run_t *run, failure_t *failure, run_figures_t *figures) {
  job_t *job = &run->job;
  pthread_mutex_lock(&run->mutex);
  if (failure->status != GILRT_OK && job->failure.status == GILRT_OK) job->failure = *failure;
  bool over = ++job->left == job->threads;
  if (over) {
    end(job);
    *failure = job->failure;
    *figures = (run_figures_t){.read = job->input.size, .written = job->written, .blocks = job->blocks};
    *job = (job_t){.joined = 0};
  }
  pthread_mutex_unlock(&run->mutex);
  return over && failure->status == GILRT_OK;
}
