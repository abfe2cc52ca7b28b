/* membarrier is taken away by a seccomp filter: the lock excludes and everybody gets in, whether it was denied from the
   start, so that there never is a bias, or while one exists that must still be revoked (A6).
   no_membarrier WHEN ERROR: start or later; ENOSYS or EPERM. */
#include "check.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define THREADS 4u
#define ROUNDS 20000u

static uint64_t plain; /* guarded by the lock */
static atomic_int inside;
static atomic_bool filtered, alone, others_done;

/* For all threads of the process, those that exist included. */
static void deny_membarrier(int error) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((unsigned)error & SECCOMP_RET_DATA)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
  CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  CHECK_EQ(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program), 0);
  CHECK_EQ(syscall(SYS_membarrier, 0, 0, 0), -1);
  CHECK_EQ(errno, error);
}

static void touch(void) {
  CHECK(gil_held());
  CHECK_EQ(atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed), 0);
  plain++;
  CHECK_EQ(atomic_fetch_sub_explicit(&inside, 1, memory_order_relaxed), 1);
}

static void compete(unsigned index, void *unused) {
  (void)unused;
  for (unsigned i = 0; i < ROUNDS; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    touch();
    CHECK_STATUS(gil_release(), GILRT_OK);
    if (i % 4000 == index * 1000) sleep_us(2000); /* now and then the others are fewer, and one may be alone */
  }
}

static uint64_t revocations(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats.revocations;
}

/* Owns the bias, comes and goes by plain stores, and goes on doing so until the others have had the lock. */
static void *be_alone(void *rounds) {
  for (uint64_t i = 0; !atomic_load_explicit(&others_done, memory_order_relaxed); i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    touch();
    CHECK_STATUS(gil_release(), GILRT_OK);
    ++*(uint64_t *)rounds;
    if (i == 5000) {
      atomic_store(&alone, true);
      AWAIT(atomic_load(&filtered));
    }
  }
  return NULL;
}

static void the_filter_comes_later(int error) {
  pthread_t owner;
  uint64_t rounds = 0;
  CHECK_EQ(pthread_create(&owner, NULL, be_alone, &rounds), 0);
  AWAIT(atomic_load(&alone));
  deny_membarrier(error);
  CHECK_EQ(revocations(), 0);
  atomic_store(&filtered, true);
  team_run(THREADS, compete, NULL);
  CHECK(revocations() > 0); /* of a bias from before the filter */
  atomic_store(&others_done, true);
  CHECK_EQ(pthread_join(owner, NULL), 0);
  CHECK_EQ(plain, THREADS * ROUNDS + rounds);
}

static void the_filter_is_there_from_the_start(int error) {
  deny_membarrier(error);
  for (unsigned i = 0; i < 5000; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    touch();
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  team_run(THREADS, compete, NULL);
  CHECK_EQ(revocations(), 0); /* nothing to revoke */
  CHECK_EQ(plain, THREADS * ROUNDS + 5000);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 3);
  int error = strcmp(argv[2], "EPERM") == 0 ? EPERM : ENOSYS;
  if (strcmp(argv[1], "later") == 0) the_filter_comes_later(error);
  else the_filter_is_there_from_the_start(error);
  CHECK_EQ(waiting_threads(), 0);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
