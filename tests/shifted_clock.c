// A library to preload that shifts the wall clock of a process by CLOCK_SHIFT seconds.
// Monotonic clocks and sleeping stay real. libfaketime 0.9.10 breaks either CPython's time.sleep
// or its lock timeouts, depending on whether it shifts the monotonic clock too.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long shift(void) {
  static long seconds;
  static int known;
  if (!known) {
    const char *text = getenv("CLOCK_SHIFT");
    seconds = text ? atol(text) : 0;
    known = 1;
  }
  return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *result) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(clock, result);
  if (!code && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    result->tv_sec += shift();
  return code;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone) {
  (void)zone;
  struct timespec now;
  int code = clock_gettime(CLOCK_REALTIME, &now);
  if (!code) *result = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return code;
}

time_t time(time_t *result) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return (time_t)-1;
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *result, int base) {
  return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, result) ? base : 0;
}

// Deadlines by the wall clock are converted to real time, or a wait would take years. A deadline
// below 10^9 s (the year 2001) belongs to the monotonic clock.
static clockid_t unshift(const struct timespec *deadline, struct timespec *real) {
  *real = *deadline;
  if (deadline->tv_sec < 1000000000) return CLOCK_MONOTONIC;
  real->tv_sec -= shift();
  return CLOCK_REALTIME;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline) {
  struct timespec real;
  clockid_t clock = unshift(deadline, &real);
  return pthread_cond_clockwait(condition, mutex, clock, &real);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline) {
  struct timespec real;
  clockid_t clock = unshift(deadline, &real);
  return sem_clockwait(semaphore, clock, &real);
}
