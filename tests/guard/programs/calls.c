/* Makes calls that change files, each under restrictions: calls SCRIPT. A script is a list of sections:

       section NAME
       DIRECTIVE ARGUMENT...      restricts: see k_directives
       call ID PATH NAME NUMBER...  see k_calls; prints `NAME ID RESULT ERRNO [what was opened]`
       end

   Each section runs in a process of its own. Where a directive fails, the section prints `NAME cannot
   DIRECTIVE ERRNO` and ends. Without a script it exits with 2, which shows that it can run. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

enum { k_most_words = 16, k_fchmodat2 = 452, k_setxattrat = 463, k_removexattrat = 466, k_file_setattr = 469 };

static const char *section = "?";
static int output = 1;
static char *words[k_most_words];
static int count;

static long number(int i) { return i < count ? (long)strtoull(words[i], 0, 0) : 0; }

static void say(const char *format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (write(output, line, length) != length) _exit(3);
}

/* ---- paths that are no plain strings ---- */

/* A string whose last byte is the last one of its memory; `ended`: which is its NUL. */
static char *at_edge(const char *text, int ended) {
  size_t page = 4096, length = strlen(text) + ended;
  char *memory = mmap(0, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(memory + 2 * page, page);
  return memcpy(memory + 2 * page - length, text, length);
}

static const char *pointer_to(char *path) {
  if (!strcmp(path, "@null")) return 0;
  if (!strcmp(path, "@bad")) return (const char *)1;
  if (!strcmp(path, "@kernel")) return (const char *)0xffff888000000000;
  if (!strcmp(path, "@empty")) return "";
  if (!strncmp(path, "@edge:", 6)) return at_edge(path + 6, 1);
  if (!strncmp(path, "@cut:", 5)) return at_edge(path + 5, 0);
  return path;
}

/* ---- calls ---- */

/* Descriptors from before the restrictions: what goes by a descriptor takes these. */
enum { k_most_held = 128 };
static struct {
  const char *path;
  int fd;
} held[k_most_held];
static int held_count;

static int held_of(const char *path) {
  for (int i = 0; i < held_count; ++i)
    if (!strcmp(held[i].path, path)) return held[i].fd;
  return -1;
}

static const char text[] = "written\n";

/* What a program finds out about a descriptor that it got, and whether it may do with it what it asked for. */
static void describe(int fd) {
  struct stat stat = {0};
  struct statvfs mount = {0};
  char link[80], target[4200] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (readlink(link, target, sizeof target - 1) < 0) strcpy(target, "?");
  const char *name = strrchr(target, '/');
  fstat(fd, &stat);
  fstatvfs(fd, &mount);
  int flags = fcntl(fd, F_GETFL), executable = 0;
  if (S_ISREG(stat.st_mode) && stat.st_size > 0) {
    void *memory = mmap(0, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    executable = memory == MAP_FAILED ? errno : 0;
    if (memory != MAP_FAILED) munmap(memory, 1);
  }
  int written = 0;
  if ((flags & O_ACCMODE) != O_RDONLY && !(flags & O_PATH) && !(flags & O_DIRECT) && S_ISREG(stat.st_mode))
    written = write(fd, text, sizeof text - 1) < 0 ? errno : 0;
  say(" flags=%o cloexec=%d mode=%o size=%ld owner=%d:%d mount=%lx execute=%d write=%d name=%s", flags,
      fcntl(fd, F_GETFD), stat.st_mode, (long)stat.st_size, stat.st_uid, stat.st_gid, mount.f_flag & 0xf, executable,
      written, name ? name + 1 : target);
}


static long openat2_call(const char *path) {
  /* number(4..): flags, mode, resolve, size, a byte of the tail */
  struct {
    struct open_how how;
    char tail[5000];
  } arguments = {{number(4), number(5), number(6)}, {0}};
  long size = count > 7 ? number(7) : (long)sizeof arguments.how;
  if (count > 8) memset(arguments.tail, number(8), sizeof arguments.tail);
  return syscall(SYS_openat2, AT_FDCWD, path, &arguments.how, size);
}

static long openat2_pointer(const char *path) { return syscall(SYS_openat2, AT_FDCWD, path, (void *)number(4), sizeof(struct open_how)); }

static const struct timespec k_times[2] = {{1500000000, 1000}, {1500000001, 2000}};
static const struct timeval k_utimes[2] = {{1500000000, 1}, {1500000001, 2}};

static int reading(const char *path) {
  int fd = held_of(words[2]);
  return fd >= 0 ? fd : open(path, O_RDONLY | O_NONBLOCK);
}
static int by_path(const char *path) {
  int fd = held_of(words[2]);
  return fd >= 0 ? fd : open(path, O_PATH);
}
static int writing(const char *path) { return open(path, O_RDWR | O_NONBLOCK); }

static const char *proc_name(int fd) {
  static __thread char out[64];
  snprintf(out, sizeof out, "/proc/self/fd/%d", fd);
  return out;
}

static long set_flags(const char *path, unsigned flag) {
  int fd = reading(path);
  long flags = 0;
  if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags)) return -1;
  flags ^= flag;
  return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static long set_fsxattr(const char *path) {
  int fd = reading(path);
  struct fsxattr attributes;
  if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attributes)) return -1;
  attributes.fsx_xflags ^= FS_XFLAG_NOATIME;
  return ioctl(fd, FS_IOC_FSSETXATTR, &attributes);
}

static long set_version(const char *path) {
  int fd = reading(path), version = 77;
  return fd < 0 ? -1 : ioctl(fd, _IOW('v', 2, long), &version);
}

static long new_name(char *out, const char *path) {
  snprintf(out, 4200, "%.4100s.new", path);
  return 0;
}

/* -2: there is no such call. */
static long make(const char *call, const char *path) {
  char fresh[4200];
  int fd;
#define CALL(name) if (!strcmp(call, name))
  CALL("open") return syscall(SYS_open, path, number(4), number(5));
  CALL("openat") return syscall(SYS_openat, AT_FDCWD, path, number(4), number(5));
  CALL("openat-folder") return syscall(SYS_openat, open(".", O_PATH), path, number(4), number(5));
  CALL("openat-closed") return syscall(SYS_openat, 999, path, number(4), number(5));
  CALL("openat2") return openat2_call(path);
  CALL("openat2-pointer") return openat2_pointer(path);
  CALL("creat") return syscall(SYS_creat, path, number(4));
  CALL("reopen") return (fd = reading(path)) < 0 ? -1 : open(proc_name(fd), number(4));
  CALL("reopen-path") return (fd = by_path(path)) < 0 ? -1 : open(proc_name(fd), number(4));
  CALL("truncate") return truncate(path, number(4));
  CALL("ftruncate") return (fd = writing(path)) < 0 ? -1 : ftruncate(fd, number(4));
  CALL("fallocate") return (fd = writing(path)) < 0 ? -1 : fallocate(fd, number(4), number(5), number(6));
  CALL("mmap") {
    if ((fd = writing(path)) < 0) return -1;
    char *memory = mmap(0, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return -1;
    memory[0] = 'M';
    return msync(memory, 4, MS_SYNC);
  }
  CALL("chmod") return syscall(SYS_chmod, path, number(4));
  CALL("fchmod") return (fd = reading(path)) < 0 ? -1 : fchmod(fd, number(4));
  CALL("fchmod-path") return (fd = by_path(path)) < 0 ? -1 : syscall(SYS_fchmod, fd, number(4));
  CALL("fchmodat") return syscall(SYS_fchmodat, AT_FDCWD, path, number(4));
  CALL("fchmodat2") return syscall(k_fchmodat2, AT_FDCWD, path, number(4), number(5));
  CALL("fchmodat2-empty") return (fd = by_path(path)) < 0 ? -1 : syscall(k_fchmodat2, fd, "", number(4), AT_EMPTY_PATH);
  CALL("chmod-proc") return (fd = by_path(path)) < 0 ? -1 : chmod(proc_name(fd), number(4));
  CALL("chown") return syscall(SYS_chown, path, number(4), number(5));
  CALL("lchown") return syscall(SYS_lchown, path, number(4), number(5));
  CALL("fchown") return (fd = reading(path)) < 0 ? -1 : fchown(fd, number(4), number(5));
  CALL("fchownat") return fchownat(AT_FDCWD, path, number(4), number(5), number(6));
  CALL("fchownat-empty") return (fd = by_path(path)) < 0 ? -1 : fchownat(fd, "", number(4), number(5), AT_EMPTY_PATH);
  CALL("utime") return syscall(SYS_utime, path, &(struct utimbuf){1500000000, 1500000001});
  CALL("utime-now") return syscall(SYS_utime, path, 0);
  CALL("utimes") return syscall(SYS_utimes, path, k_utimes);
  CALL("utimes-now") return syscall(SYS_utimes, path, 0);
  CALL("futimesat") return syscall(SYS_futimesat, AT_FDCWD, path, k_utimes);
  CALL("utimensat") return syscall(SYS_utimensat, AT_FDCWD, path, k_times, number(4));
  CALL("utimensat-now") return syscall(SYS_utimensat, AT_FDCWD, path, 0, number(4));
  CALL("utimensat-omit") return syscall(SYS_utimensat, AT_FDCWD, path, ((struct timespec[2]){{0, UTIME_OMIT}, {0, UTIME_OMIT}}), 0);
  CALL("utimensat-wrong") return syscall(SYS_utimensat, AT_FDCWD, path, ((struct timespec[2]){{0, 2000000000}, {0, 0}}), 0);
  CALL("utimensat-empty") return (fd = by_path(path)) < 0 ? -1 : syscall(SYS_utimensat, fd, "", k_times, AT_EMPTY_PATH);
  CALL("futimens") return (fd = reading(path)) < 0 ? -1 : futimens(fd, k_times);
  CALL("futimens-now") return (fd = reading(path)) < 0 ? -1 : futimens(fd, 0);
  CALL("setxattr") return setxattr(path, words[4], "1", 1, number(5));
  CALL("lsetxattr") return lsetxattr(path, words[4], "1", 1, number(5));
  CALL("fsetxattr") return (fd = reading(path)) < 0 ? -1 : fsetxattr(fd, words[4], "1", 1, number(5));
  CALL("setxattr-pointer") return setxattr(path, words[4], (void *)1, 1, 0);
  CALL("setxattr-huge") return setxattr(path, words[4], "1", 70000, 0);
  CALL("removexattr") return removexattr(path, words[4]);
  CALL("lremovexattr") return lremovexattr(path, words[4]);
  CALL("fremovexattr") return (fd = reading(path)) < 0 ? -1 : fremovexattr(fd, words[4]);
  CALL("setxattrat") {
    struct { uint64_t value; uint32_t size, flags; } arguments = {(uintptr_t) "1", 1, 0};
    return syscall(k_setxattrat, AT_FDCWD, path, 0, words[4], &arguments, sizeof arguments);
  }
  CALL("removexattrat") return syscall(k_removexattrat, AT_FDCWD, path, 0, words[4]);
  CALL("file_setattr") {
    struct { uint64_t flags; uint32_t rest[4]; } attributes = {0x40 /* noatime */, {0}};
    return syscall(k_file_setattr, AT_FDCWD, path, &attributes, sizeof attributes, 0);
  }
  CALL("link") return syscall(SYS_link, path, (new_name(fresh, words[2]), fresh));
  CALL("link-there") return syscall(SYS_link, path, words[4]);
  CALL("linkat") return linkat(AT_FDCWD, path, AT_FDCWD, (new_name(fresh, words[2]), fresh), number(4));
  CALL("linkat-empty") return (fd = by_path(path)) < 0 ? -1 : linkat(fd, "", AT_FDCWD, (new_name(fresh, words[2]), fresh), AT_EMPTY_PATH);
  CALL("linkat-proc") return (fd = by_path(path)) < 0 ? -1 : linkat(AT_FDCWD, proc_name(fd), AT_FDCWD, (new_name(fresh, words[2]), fresh), AT_SYMLINK_FOLLOW);
  CALL("access") return syscall(SYS_access, path, number(4));
  CALL("faccessat") return syscall(SYS_faccessat, AT_FDCWD, path, number(4));
  CALL("faccessat2") return syscall(SYS_faccessat2, AT_FDCWD, path, number(4), number(5));
  CALL("setflags") return set_flags(path, number(4));
  CALL("fssetxattr") return set_fsxattr(path);
  CALL("setversion") return set_version(path);
  errno = ENOTSUP;
  return -2;
}

static int gives_descriptor(const char *call) {
  return !strncmp(call, "open", 4) || !strncmp(call, "reopen", 6) || !strcmp(call, "creat");
}

/* call ID PATH NAME NUMBER... */
static void call(void) {
  errno = 0;
  const char *name = words[3];
  long result = make(name, pointer_to(words[2]));
  int error = result < 0 ? errno : 0;
  int is_descriptor = result >= 0 && gives_descriptor(name);
  say("%s %s %ld %d", section, words[1], is_descriptor ? 0 : result, error);
  if (is_descriptor) describe(result);
  say("\n");
  /* What this call has opened, and nothing from before it. */
  syscall(SYS_close_range, held_count ? held[held_count - 1].fd + 1 : 3, ~0U, 0);
}

/* ---- directives: each returns 0, or -1 and errno ---- */

static int write_text(const char *path, const char *what) {
  int fd = open(path, O_WRONLY | O_CREAT, 0644);
  int result = fd >= 0 && write(fd, what, strlen(what)) == (ssize_t)strlen(what) ? 0 : -1;
  int error = errno;
  close(fd);
  errno = error;
  return result;
}

static int own_mounts(void) {
  return unshare(CLONE_NEWNS) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) ? -1 : 0;
}

/* bind FROM TO [FLAGS]: of mount(2) */
static int bind_mount(void) {
  if (mount(words[1], words[2], 0, MS_BIND, 0)) return -1;
  return count > 3 ? mount(0, words[2], 0, MS_REMOUNT | MS_BIND | number(3), 0) : 0;
}

static int remount(void) { return mount(0, words[1], 0, MS_REMOUNT | MS_BIND | number(2), 0); }

static struct __user_cap_data_struct outer[2]; /* the capabilities that this program began with */

/* A new user namespace gives all of them: no more than there were, as bubblewrap has it. */
static int only_outer_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (geteuid() != 0) return 0;
  if (syscall(SYS_capget, &header, data)) return -1;
  for (int i = 0; i < 2; ++i) {
    data[i].effective &= outer[i].effective;
    data[i].permitted &= outer[i].effective;
    data[i].inheritable = 0;
  }
  return syscall(SYS_capset, &header, data);
}

/* users INSIDE OUTSIDE: a user namespace that knows this one user. */
static int own_users(void) {
  char map[64];
  if (unshare(CLONE_NEWUSER)) return -1;
  if (count < 3) return 0;
  snprintf(map, sizeof map, "%ld %ld 1", number(1), number(2));
  if (write_text("/proc/self/setgroups", "deny") || write_text("/proc/self/uid_map", map)) return -1;
  if (write_text("/proc/self/gid_map", map)) return -1;
  return number(2) == 0 ? only_outer_capabilities() : 0;
}

/* The rest of the section runs in a child. */
static int go_on_in_child(void) {
  int status = 0;
  pid_t pid = fork();
  if (pid <= 0) {
    if (pid == 0) alarm(60);
    return pid;
  }
  waitpid(pid, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 4);
}

static int own_pids(void) { return unshare(CLONE_NEWPID) || go_on_in_child() ? -1 : 0; }

static int change_root(void) { return chroot(words[1]) || chdir("/") ? -1 : 0; }

/* landlock HANDLED [ALLOWED FOLDER]...: LANDLOCK_ACCESS_FS_*; nothing is allowed but that. */
static int restrict_by_landlock(void) {
  struct landlock_ruleset_attr attributes = {.handled_access_fs = number(1)};
  int rules = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (rules < 0) return -1;
  for (int i = 2; i + 1 < count; i += 2) {
    struct landlock_path_beneath_attr beneath = {number(i), open(words[i + 1], O_PATH | O_CLOEXEC)};
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0)) return -1;
    close(beneath.parent_fd);
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, rules, 0)) return -1;
  return close(rules);
}

static int in_other_thread(void);
static int go_on_in_thread(void);

/* drop CAPABILITY... */
static int drop_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data)) return -1;
  for (int i = 1; i < count; ++i) {
    int capability = number(i);
    data[capability / 32].effective &= ~(1U << capability % 32);
    data[capability / 32].permitted &= ~(1U << capability % 32);
    data[capability / 32].inheritable &= ~(1U << capability % 32);
  }
  return syscall(SYS_capset, &header, data);
}

static int drop_all_but_nothing(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0}};
  return syscall(SYS_capset, &header, none);
}

static int set_groups(void) {
  gid_t groups[k_most_words];
  for (int i = 1; i < count; ++i) groups[i - 1] = number(i);
  return setgroups(count - 1, groups);
}

static int set_ids(void) { return setresgid(number(2), number(2), number(2)) || setresuid(number(1), number(1), number(1)) ? -1 : 0; }
static int set_effective_ids(void) { return setresuid(-1, number(1), -1); }
static int set_fsuid(void) { setfsuid(number(1)); return setfsuid(-1) == (int)number(1) ? 0 : -1; }
static int set_fsgid(void) { setfsgid(number(1)); return setfsgid(-1) == (int)number(1) ? 0 : -1; }
static int set_securebits(void) { return prctl(PR_SET_SECUREBITS, number(1), 0, 0, 0); }
static int set_limit(void) {
  struct rlimit limit = {number(2), number(2)};
  return setrlimit(number(1), &limit);
}
static int set_dumpable(void) { return prctl(PR_SET_DUMPABLE, number(1), 0, 0, 0); }
static int set_umask(void) { umask(number(1)); return 0; }
static int change_folder(void) { return chdir(words[1]); }
static int hold(void) {
  int fd = open(words[1], number(2));
  if (fd < 0 || held_count == k_most_held) return -1;
  held[held_count].path = words[1];
  held[held_count++].fd = fd;
  return 0;
}
static int mount_proc(void) { return mount("proc", words[1], "proc", 0, 0); }
static int mount_tmpfs(void) { return mount("tmpfs", words[1], "tmpfs", 0, 0); }
static int sync_files(void) { return unshare(CLONE_FILES); }
static int sync_folder(void) { return unshare(CLONE_FS); }

static const struct {
  const char *name;
  int (*run)(void);
} k_directives[] = {
    {"mounts", own_mounts}, {"bind", bind_mount}, {"remount", remount}, {"users", own_users}, {"pids", own_pids}, {"chroot", change_root},
    {"landlock", restrict_by_landlock}, {"other-thread", in_other_thread}, {"thread", go_on_in_thread},
    {"fork", go_on_in_child}, {"drop", drop_capabilities}, {"drop-all", drop_all_but_nothing}, {"groups", set_groups},
    {"ids", set_ids}, {"effective", set_effective_ids}, {"fsuid", set_fsuid}, {"fsgid", set_fsgid},
    {"securebits", set_securebits}, {"limit", set_limit}, {"dumpable", set_dumpable}, {"umask", set_umask},
    {"cd", change_folder}, {"hold", hold}, {"proc", mount_proc}, {"tmpfs", mount_tmpfs}, {"own-files", sync_files},
    {"own-folder", sync_folder},
};

static int direct(void) {
  for (size_t i = 0; i < sizeof k_directives / sizeof k_directives[0]; ++i)
    if (!strcmp(words[0], k_directives[i].name)) return k_directives[i].run();
  errno = ENOTSUP;
  return -1;
}

/* ---- the script ---- */

static char *left; /* what is still to be read of it */

static int next_line(void) {
  char *line = strsep(&left, "\n");
  count = 0;
  for (char *word; line && (word = strsep(&line, " "));)
    if (*word && count < k_most_words) words[count++] = word;
  return left != 0;
}

/* To the end of the section. */
static void run_section(void) {
  while (next_line()) {
    if (count == 0) continue;
    if (!strcmp(words[0], "end")) return;
    if (!strcmp(words[0], "call")) {
      call();
    } else if (direct()) {
      say("%s cannot %s %d\n", section, words[0], errno);
      return;
    }
  }
}

static void *rest_in_thread(void *unused) {
  run_section();
  return unused;
}

/* The rest of the section runs in a new thread, and what is restricted from here on is that one alone. */
static int go_on_in_thread(void) {
  pthread_t thread;
  if (pthread_create(&thread, 0, rest_in_thread, 0)) return -1;
  pthread_join(thread, 0);
  _exit(0);
}

static pthread_barrier_t barrier;
static int other_error;

static void *restrict_and_stay(void *unused) {
  other_error = direct() ? errno : 0;
  pthread_barrier_wait(&barrier);
  pause();
  return unused;
}

/* other-thread DIRECTIVE...: for a thread that does nothing else. */
static int in_other_thread(void) {
  pthread_t thread;
  --count;
  memmove(words, words + 1, count * sizeof *words);
  pthread_barrier_init(&barrier, 0, 2);
  if (pthread_create(&thread, 0, restrict_and_stay, 0)) return -1;
  pthread_barrier_wait(&barrier);
  errno = other_error;
  return errno ? -1 : 0;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  int fd = open(argv[1], O_RDONLY);
  struct stat stat;
  if (fd < 0 || fstat(fd, &stat)) return 3;
  left = calloc(1, stat.st_size + 1);
  if (read(fd, left, stat.st_size) != stat.st_size) return 3;
  close(fd);
  signal(SIGXFSZ, SIG_IGN);
  umask(022);
  syscall(SYS_capget, &(struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, 0}, outer);
  while (next_line()) {
    if (count < 2 || strcmp(words[0], "section")) continue; /* the lines of a section that its child has read */
    section = words[1];
    pid_t pid = fork();
    if (pid == 0) {
      alarm(60);
      run_section();
      _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (status) say("%s died %d\n", section, status);
  }
  return 0;
}
