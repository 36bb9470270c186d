// Changes a file by one call: writer CALL FILE. By the libc's function, or, raw-CALL, by the number.
// Without arguments it exits with 2, which shows that it can run.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

enum { k_openat2 = 437, k_fchmodat2 = 452, k_setxattrat = 463, k_io_uring_setup = 425, k_io_uring_enter = 426 };

struct how {
  uint64_t flags, mode, resolve;
};

static char path[4096];
static const char text[] = "written by the program\n";

static int append(int fd) {
  return fd < 0 || write(fd, text, sizeof text - 1) != sizeof text - 1 ? -1 : 0;
}

static int overwrite(int fd) {
  return fd < 0 || pwrite(fd, text, sizeof text - 1, 0) != sizeof text - 1 ? -1 : 0;
}

static int append_at(const char *name) {
  return append(open(name, O_WRONLY | O_APPEND));
}

static int stream(const char *mode) {
  FILE *file = fopen(path, mode);
  return !file || fputs(text, file) < 0 || fclose(file) != 0 ? -1 : 0;
}

static int map(void) {
  int fd = open(path, O_RDWR);
  char *memory = fd < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    return -1;
  }
  memcpy(memory, "MAPPED", 6);
  return msync(memory, 8, MS_SYNC);
}

static const struct timeval k_times[2] = {{1500000000, 1000}, {1500000001, 2000}};
static const struct timespec k_ns_times[2] = {{1500000000, 1000}, {1500000001, 2000}};

static int by_libc(const char *call) {
#define CALL(name) !strcmp(call, name)
  if (CALL("open")) return append_at(path);
  if (CALL("open-trunc-reading")) return open(path, O_RDONLY | O_TRUNC) < 0 ? -1 : 0;
  if (CALL("creat")) return append(creat(path, 0600));
  if (CALL("fopen-a")) return stream("a");
  if (CALL("fopen-r+")) return stream("r+");
  if (CALL("fopen-w")) return stream("w");
  if (CALL("truncate")) return truncate(path, 9);
  if (CALL("ftruncate")) return ftruncate(open(path, O_RDWR), 9);
  if (CALL("posix_fallocate")) return posix_fallocate(open(path, O_RDWR), 0, 9000);
  if (CALL("mmap")) return map();
  if (CALL("utime")) return utime(path, &(struct utimbuf){1500000000, 1500000001});
  if (CALL("utimes")) return utimes(path, k_times);
  if (CALL("lutimes")) return lutimes(path, k_times);
  if (CALL("futimes")) return futimes(open(path, O_RDONLY), k_times);
  if (CALL("futimens")) return futimens(open(path, O_RDONLY), k_ns_times);
  if (CALL("utimensat")) return utimensat(AT_FDCWD, path, k_ns_times, AT_SYMLINK_NOFOLLOW);
  if (CALL("futimesat")) return syscall(SYS_futimesat, AT_FDCWD, path, k_times);
  if (CALL("chmod")) return chmod(path, 0751);
  if (CALL("fchmod")) return fchmod(open(path, O_RDONLY), 0751);
  if (CALL("fchmodat")) return fchmodat(AT_FDCWD, path, 0751, 0);
  if (CALL("chown")) return chown(path, 12, 34);
  if (CALL("lchown")) return lchown(path, 12, 34);
  if (CALL("fchown")) return fchown(open(path, O_RDONLY), 12, 34);
  if (CALL("fchownat-empty")) return fchownat(open(path, O_PATH), "", 12, 34, AT_EMPTY_PATH);
  if (CALL("setxattr")) return setxattr(path, "user.one", "1", 1, 0);
  if (CALL("lsetxattr")) return lsetxattr(path, "user.one", "1", 1, 0);
  if (CALL("fsetxattr")) return fsetxattr(open(path, O_RDONLY), "user.one", "1", 1, 0);
  if (CALL("link")) return link(path, "linked") ? -1 : append_at("linked");
  if (CALL("linkat-empty")) return linkat(open(path, O_RDONLY), "", AT_FDCWD, "linked", AT_EMPTY_PATH) ? -1 : append_at("linked");
  errno = ENOTSUP;
  return -1;
}

static int by_number(const char *call) {
  static struct how how = {O_WRONLY | O_APPEND, 0, 0};
#ifdef SYS_open
  if (CALL("open")) return append(syscall(SYS_open, path, O_WRONLY | O_APPEND, 0));
  if (CALL("creat")) return append(syscall(SYS_creat, path, 0600));
#endif
  if (CALL("openat")) return append(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND, 0));
  if (CALL("openat2")) return append(syscall(k_openat2, AT_FDCWD, path, &how, sizeof how));
  if (CALL("openat2-beneath")) {
    how.resolve = 0x08; // RESOLVE_BENEATH
    return append(syscall(k_openat2, open(".", O_PATH), path, &how, sizeof how));
  }
  if (CALL("openat2-in-root")) {
    char rooted[4200] = "/../";
    how.resolve = 0x10; // RESOLVE_IN_ROOT
    return append(syscall(k_openat2, open(".", O_PATH), strcat(rooted, path), &how, sizeof how));
  }
  if (CALL("truncate")) return syscall(SYS_truncate, path, 9L);
#ifdef SYS_truncate64
  if (CALL("truncate64")) return syscall(SYS_truncate64, path, 9, 0);
  if (CALL("chown16")) return syscall(SYS_chown, path, 12, 34);
  if (CALL("lchown16")) return syscall(SYS_lchown, path, 12, 0xffff);
  if (CALL("fchown16")) return syscall(SYS_fchown, open(path, O_RDONLY), 12, 34);
  if (CALL("chown32")) return syscall(SYS_chown32, path, 12, 34);
  if (CALL("utimensat_time64")) {
    static const int64_t times[4] = {1500000000, 1000, 1500000001, 2000};
    return syscall(SYS_utimensat_time64, AT_FDCWD, path, times, 0);
  }
#else
  if (CALL("chown")) return syscall(SYS_chown, path, 12, 34);
#endif
  if (CALL("utime")) return syscall(SYS_utime, path, (long[]){1500000000, 1500000001});
  if (CALL("utimes")) return syscall(SYS_utimes, path, (long[]){1500000000, 1000, 1500000001, 2000});
  if (CALL("futimesat")) return syscall(SYS_futimesat, AT_FDCWD, path, (long[]){1500000000, 1000, 1500000001, 2000});
  if (CALL("futimesat-null")) return syscall(SYS_futimesat, open(path, O_RDONLY), 0, (long[]){1500000000, 1000, 1500000001, 2000});
  if (CALL("utimensat-null")) return syscall(SYS_utimensat, open(path, O_RDONLY), 0, (long[]){1500000000, 1000, 1500000001, 2000}, 0);
  if (CALL("utimensat-empty")) return syscall(SYS_utimensat, open(path, O_PATH), "", (long[]){1500000000, 1000, 1500000001, 2000}, AT_EMPTY_PATH);
  if (CALL("fchmodat2")) return syscall(k_fchmodat2, AT_FDCWD, path, 0751, AT_SYMLINK_NOFOLLOW);
  if (CALL("fchmodat2-empty")) return syscall(k_fchmodat2, open(path, O_PATH), "", 0751, AT_EMPTY_PATH);
  if (CALL("setxattrat")) {
    static struct { uint64_t value; uint32_t size, flags; } arguments = {0, 1, 0};
    arguments.value = (uintptr_t)"1";
    return syscall(k_setxattrat, AT_FDCWD, path, 0, "user.one", &arguments, sizeof arguments);
  }
  if (CALL("setxattrat-empty")) {
    static struct { uint64_t value; uint32_t size, flags; } arguments = {0, 1, 0};
    arguments.value = (uintptr_t)"1";
    return syscall(k_setxattrat, open(path, O_RDONLY), "", AT_EMPTY_PATH, "user.one", &arguments, sizeof arguments);
  }
  if (CALL("link")) return syscall(SYS_link, path, "linked") ? -1 : append_at("linked");
  if (CALL("linkat-proc")) {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", open(path, O_RDONLY));
    return syscall(SYS_linkat, AT_FDCWD, name, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW) ? -1 : append_at("linked");
  }
  if (CALL("setflags")) {
    int fd = open(path, O_RDONLY);
    long flags = 0;
    if (ioctl(fd, _IOR('f', 1, long), &flags)) return -1;
    flags |= 0x80; // no atime
    return ioctl(fd, _IOW('f', 2, long), &flags);
  }
  errno = ENOTSUP;
  return -1;
}

// The numbers and registers of i386, from whatever program this is: its pointers fit, being static.
static int by_interrupt(const char *call) {
  long number, second, third = 0, result;
  static long times[2];
  if (CALL("open")) number = 5, second = O_WRONLY | O_APPEND;
  else if (CALL("creat")) number = 8, second = 0600;
  else if (CALL("chmod")) number = 15, second = 0751;
  else if (CALL("chown16")) number = 182, second = 12, third = 34;
  else if (CALL("chown32")) number = 212, second = 12, third = 34;
  else if (CALL("truncate")) number = 92, second = 9;
  else if (CALL("utime")) number = 30, ((int32_t *)times)[0] = 1500000000, ((int32_t *)times)[1] = 1500000001, second = (long)times;
  else return errno = ENOTSUP, -1;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"((long)path), "c"(second), "d"(third) : "memory");
  if (result < 0) return errno = -result, -1;
  return number == 5 || number == 8 ? append((int)result) : 0;
}

// An open by way of a ring; the write is an ordinary one.
static int by_ring(void) {
  struct io_uring_params params = {0};
  int ring = syscall(k_io_uring_setup, 4, &params);
  if (ring < 0) {
    printf("refused: %s\n", strerror(errno));
    return 0;
  }
  char *sq = mmap(0, params.sq_off.array + params.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  char *cq = mmap(0, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
  struct io_uring_sqe *entry = mmap(0, params.sq_entries * sizeof *entry, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
  if (sq == MAP_FAILED || cq == MAP_FAILED || (void *)entry == MAP_FAILED) return -1;
  memset(entry, 0, sizeof *entry);
  entry->opcode = IORING_OP_OPENAT;
  entry->fd = AT_FDCWD;
  entry->addr = (uintptr_t)path;
  entry->open_flags = O_WRONLY | O_APPEND;
  *(unsigned *)(sq + params.sq_off.array) = 0;
  __atomic_store_n((unsigned *)(sq + params.sq_off.tail), 1, __ATOMIC_RELEASE);
  if (syscall(k_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0) return -1;
  return append(((struct io_uring_cqe *)(cq + params.cq_off.cqes))->res);
}

static int by_handle(int flags) {
  struct { struct file_handle head; char rest[128]; } handle = {{128}};
  int mount;
  if (name_to_handle_at(AT_FDCWD, path, &handle.head, &mount, 0)) return -1;
  int fd = open_by_handle_at(open(".", O_RDONLY), &handle.head, flags);
  if (fd < 0 && errno == EOPNOTSUPP) {
    printf("refused: %s\n", strerror(errno));
    return 0;
  }
  if (flags != O_RDONLY) return append(fd);
  char buffer[64] = "";
  if (read(fd, buffer, sizeof buffer - 1) < 0) return -1;
  return puts(buffer) < 0;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  snprintf(path, sizeof path, "%s", argv[2]);
  const char *call = argv[1];
  int result;
  if (CALL("io_uring")) result = by_ring();
  else if (CALL("by-handle-reading")) result = by_handle(O_RDONLY);
  else if (CALL("by-handle")) result = by_handle(O_WRONLY | O_APPEND);
#ifdef __x86_64__
  else if (CALL("x32-open")) result = append(syscall(0x40000000 + SYS_open, path, O_WRONLY | O_APPEND, 0));
#endif
  else if (!strncmp(call, "raw-", 4)) result = by_number(call + 4);
  else if (!strncmp(call, "int80-", 6)) result = by_interrupt(call + 6);
  else result = by_libc(call);
  if (result) fprintf(stderr, "%s: %s\n", call, strerror(errno));
  return result ? 1 : 0;
}
