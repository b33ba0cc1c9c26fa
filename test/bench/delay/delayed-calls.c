/*
 * A network file system's distance, put between a program and the files below one folder: each call that such a file system would have to answer takes so long more.
 * Loaded with LD_PRELOAD, so it needs no mount, no rights and no help from the program, whichever threads it calls from.
 *
 * DELAY_ROOT    the folder; everything else is as quick as ever
 * DELAY_US      microseconds
 * DELAY_EVERY   1: also calls that a client usually answers itself (looking at what is open, closing)
 * DELAY_REPORT  a file: at the end a line "calls most-at-once" is added
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define HANDLES 65536
/* Entries that one answer to READDIR holds. */
#define LISTED 1000

static const char *root;
static size_t root_length;
static struct timespec pause_each;
static int every;
static atomic_uchar below[HANDLES];
static atomic_long calls, now, most;

#define REAL(name) \
  static __typeof__(name) *real; \
  if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  const char *microseconds = getenv("DELAY_US"), *wanted = getenv("DELAY_EVERY");
  long us = microseconds == NULL ? 0 : atol(microseconds);
  root = getenv("DELAY_ROOT");
  root_length = root == NULL ? 0 : strlen(root);
  pause_each.tv_sec = us / 1000000;
  pause_each.tv_nsec = us % 1000000 * 1000;
  every = wanted != NULL && wanted[0] == '1';
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("DELAY_REPORT");
  if (path == NULL || atomic_load(&calls) == 0) return;
  FILE *file = fopen(path, "a");
  if (file == NULL) return;
  fprintf(file, "%ld %ld\n", atomic_load(&calls), atomic_load(&most));
  fclose(file);
}

static void wait_for(long times) {
  static _Thread_local int exact;
  if (!exact) {
    exact = 1;
    prctl(PR_SET_TIMERSLACK, 1000L);
  }
  atomic_fetch_add(&calls, times);
  long at_once = atomic_fetch_add(&now, 1) + 1, seen = atomic_load(&most);
  while (at_once > seen && !atomic_compare_exchange_weak(&most, &seen, at_once)) {}
  for (; times > 0; times--) clock_nanosleep(CLOCK_MONOTONIC, 0, &pause_each, NULL);
  atomic_fetch_sub(&now, 1);
}

static int is_marked(long handle) { return handle >= 0 && handle < HANDLES && atomic_load(&below[handle]); }

static void mark(long handle, int value) {
  if (handle >= 0 && handle < HANDLES) atomic_store(&below[handle], (unsigned char)value);
}

/* Does the path lead below the root, as far as can be told from how it is written? */
static int is_below(int handle, const char *path) {
  if (path == NULL || root_length == 0) return 0;
  if (path[0] != '/') return handle == AT_FDCWD ? 0 : is_marked(handle);
  if (strncmp(path, "/proc/self/fd/", 14) == 0) return is_marked(atol(path + 14));
  return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

static int pass(int handle, const char *path) {
  int found = is_below(handle, path);
  if (found) wait_for(1);
  return found;
}

static void pass_handle(int handle) {
  if (is_marked(handle)) wait_for(1);
}

static int opened(int handle, int is_ours) {
  mark(handle, is_ours);
  return handle;
}

#define MODE_OF(flags, after) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list list; \
    va_start(list, after); \
    mode = (mode_t)va_arg(list, int); \
    va_end(list); \
  }

int open(const char *path, int flags, ...) {
  REAL(open);
  MODE_OF(flags, flags)
  int is_ours = pass(AT_FDCWD, path);
  return opened(real(path, flags, mode), is_ours);
}
int open64(const char *path, int flags, ...) {
  REAL(open64);
  MODE_OF(flags, flags)
  int is_ours = pass(AT_FDCWD, path);
  return opened(real(path, flags, mode), is_ours);
}
int openat(int handle, const char *path, int flags, ...) {
  REAL(openat);
  MODE_OF(flags, flags)
  int is_ours = pass(handle, path);
  return opened(real(handle, path, flags, mode), is_ours);
}
int openat64(int handle, const char *path, int flags, ...) {
  REAL(openat64);
  MODE_OF(flags, flags)
  int is_ours = pass(handle, path);
  return opened(real(handle, path, flags, mode), is_ours);
}

int close(int handle) {
  REAL(close);
  if (every) pass_handle(handle);
  mark(handle, 0);
  return real(handle);
}

long syscall(long number, ...) {
  REAL(syscall);
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long);
  long e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  if (number == SYS_openat2 || number == SYS_openat) {
    int is_ours = pass((int)a, (const char *)b);
    return opened((int)real(number, a, b, c, d, e, f), is_ours);
  }
  if (number == SYS_statx) {
    const char *path = (const char *)b;
    if (path == NULL || path[0] != 0) pass((int)a, path);
    else if (every) pass_handle((int)a);
  }
  return real(number, a, b, c, d, e, f);
}

int statx(int handle, const char *path, int flags, unsigned mask, struct statx *answer) {
  REAL(statx);
  if (path == NULL || path[0] != 0) pass(handle, path);
  else if (every) pass_handle(handle);
  return real(handle, path, flags, mask, answer);
}

#define BY_PATH(result, name, parameters, names, at, path) \
  result name parameters { \
    REAL(name); \
    pass(at, path); \
    return real names; \
  }
#define BY_HANDLE(result, name, parameters, names, handle) \
  result name parameters { \
    REAL(name); \
    pass_handle(handle); \
    return real names; \
  }
#define LOOKED_AT(name, type) \
  int name(int handle, struct type *answer) { \
    REAL(name); \
    if (every) pass_handle(handle); \
    return real(handle, answer); \
  }

BY_PATH(int, stat, (const char *path, struct stat *answer), (path, answer), AT_FDCWD, path)
BY_PATH(int, lstat, (const char *path, struct stat *answer), (path, answer), AT_FDCWD, path)
BY_PATH(int, stat64, (const char *path, struct stat64 *answer), (path, answer), AT_FDCWD, path)
BY_PATH(int, lstat64, (const char *path, struct stat64 *answer), (path, answer), AT_FDCWD, path)
BY_PATH(int, fstatat, (int at, const char *path, struct stat *answer, int flags), (at, path, answer, flags), at, path)
BY_PATH(int, statfs, (const char *path, struct statfs *answer), (path, answer), AT_FDCWD, path)
BY_PATH(int, access, (const char *path, int mode), (path, mode), AT_FDCWD, path)
BY_PATH(ssize_t, readlink, (const char *path, char *into, size_t size), (path, into, size), AT_FDCWD, path)
BY_PATH(ssize_t, readlinkat, (int at, const char *path, char *into, size_t size), (at, path, into, size), at, path)
BY_PATH(ssize_t, llistxattr, (const char *path, char *list, size_t size), (path, list, size), AT_FDCWD, path)
BY_PATH(ssize_t, lgetxattr, (const char *path, const char *name, void *value, size_t size), (path, name, value, size), AT_FDCWD, path)
LOOKED_AT(fstat, stat)
LOOKED_AT(fstat64, stat64)
BY_HANDLE(int, fstatfs, (int handle, struct statfs *answer), (handle, answer), handle)
BY_HANDLE(ssize_t, flistxattr, (int handle, char *list, size_t size), (handle, list, size), handle)
BY_HANDLE(ssize_t, fgetxattr, (int handle, const char *name, void *value, size_t size), (handle, name, value, size), handle)
BY_HANDLE(ssize_t, read, (int handle, void *into, size_t size), (handle, into, size), handle)
BY_HANDLE(ssize_t, pread, (int handle, void *into, size_t size, off_t at), (handle, into, size, at), handle)
BY_HANDLE(ssize_t, pread64, (int handle, void *into, size_t size, off64_t at), (handle, into, size, at), handle)
BY_HANDLE(ssize_t, readv, (int handle, const struct iovec *list, int count), (handle, list, count), handle)
BY_HANDLE(ssize_t, preadv, (int handle, const struct iovec *list, int count, off_t at), (handle, list, count, at), handle)
BY_HANDLE(ssize_t, preadv64, (int handle, const struct iovec *list, int count, off64_t at), (handle, list, count, at), handle)

/* Where data and holes lie is a question to the server; moving about is not. */
#define SEEK(name, type) \
  type name(int handle, type at, int whence) { \
    REAL(name); \
    if (every || whence == SEEK_DATA || whence == SEEK_HOLE) pass_handle(handle); \
    return real(handle, at, whence); \
  }
SEEK(lseek, off_t)
SEEK(lseek64, off64_t)

/* A listing: opened, then answer by answer. Node lists by `scandir`, whose own calls cannot be met. */
#define LISTING(name, type) \
  int name(const char *path, struct type ***list, int (*wanted)(const struct type *), \
           int (*order)(const struct type **, const struct type **)) { \
    REAL(name); \
    int is_ours = pass(AT_FDCWD, path); \
    int found = real(path, list, wanted, order); \
    if (is_ours) wait_for(1 + (found > 0 ? found / LISTED : 0)); \
    return found; \
  }
LISTING(scandir, dirent)
LISTING(scandir64, dirent64)
