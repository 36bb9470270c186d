/* Ways to a shared file past a guard that looks at calls one by one: leaks WAY FILE [ARGUMENT...]. Prints what
   became of it. Exit code: 0 it went its way, 1 it was refused (with the errno's name), 2 no arguments (it can run),
   77 this kernel has no such way. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { k_memfd_secret = 447, k_io_uring_setup = 425, k_io_uring_enter = 426, k_io_uring_register = 427, k_open_tree = 428 };

static const char *file;
static char **rest;
static int rest_count;
static const char text[] = "LEAK\n";

static int refused(const char *what) {
  printf("%s: %s\n", what, strerrorname_np(errno));
  return 1;
}

static int absent(const char *what) {
  printf("%s: %s\n", what, strerrorname_np(errno));
  return 77;
}

static int append(int fd, const char *what) {
  if (fd < 0) return refused(what);
  return write(fd, text, sizeof text - 1) == sizeof text - 1 ? 0 : refused("write");
}

/* ---- descriptors that no call of the filter's opens ---- */

static int by_fanotify(void) {
  int group = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDWR | O_APPEND | O_LARGEFILE);
  if (group < 0) return errno == ENOSYS ? absent("fanotify_init") : refused("fanotify_init");
  if (fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, file)) return refused("fanotify_mark");
  close(open(file, O_RDONLY));
  struct fanotify_event_metadata event;
  if (read(group, &event, sizeof event) < (ssize_t)sizeof event) return refused("read");
  return event.fd < 0 ? refused("event") : append(event.fd, "event");
}

struct ring {
  int fd;
  struct io_uring_params params;
};

/* ring FILE COMMAND...: makes a ring and runs the command, which has it as descriptor 99. */
static int make_ring(void) {
  struct io_uring_params params = {0};
  int fd = syscall(k_io_uring_setup, 4, &params);
  if (fd < 0) return absent("io_uring_setup");
  dup2(fd, 99);
  char *text = malloc(sizeof params * 2 + 1);
  for (size_t i = 0; i < sizeof params; ++i) sprintf(text + 2 * i, "%02x", ((unsigned char *)&params)[i]);
  setenv("RING", text, 1);
  execvp(rest[0], rest);
  return refused("exec");
}

static int use_ring(void) {
  struct io_uring_params params;
  const char *text = getenv("RING");
  if (!text) return 3;
  for (size_t i = 0; i < sizeof params; ++i) sscanf(text + 2 * i, "%2hhx", (unsigned char *)&params + i);
  int ring = 99;
  if (rest_count > 0 && !strcmp(rest[0], "register")) {
    /* IORING_REGISTER_FILES: what a ring holds already may be used as well. */
    int fds[1] = {open(file, O_RDONLY)};
    return syscall(k_io_uring_register, ring, 2, fds, 1) < 0 ? refused("io_uring_register") : 0;
  }
  char *sq = mmap(0, params.sq_off.array + params.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  char *cq = mmap(0, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
  struct io_uring_sqe *entry = mmap(0, params.sq_entries * sizeof *entry, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
  if (sq == MAP_FAILED || cq == MAP_FAILED || (void *)entry == MAP_FAILED) return refused("mmap");
  memset(entry, 0, sizeof *entry);
  entry->opcode = IORING_OP_OPENAT;
  entry->fd = AT_FDCWD;
  entry->addr = (uintptr_t)file;
  entry->open_flags = O_WRONLY | O_APPEND;
  *(unsigned *)(sq + params.sq_off.array) = 0;
  __atomic_store_n((unsigned *)(sq + params.sq_off.tail), 1, __ATOMIC_RELEASE);
  if (syscall(k_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0) return refused("io_uring_enter");
  int result = ((struct io_uring_cqe *)(cq + params.cq_off.cqes))->res;
  if (result < 0) return errno = -result, refused("open");
  return append(result, "open");
}

/* Through a mount that is in no namespace. */
static int by_detached_mount(void) {
  int tree = syscall(k_open_tree, AT_FDCWD, ".", 1 /* OPEN_TREE_CLONE */);
  if (tree < 0) return absent("open_tree");
  return append(openat(tree, file, O_WRONLY | O_APPEND), "open");
}

static int by_detached_file(void) {
  char name[64];
  int tree = syscall(k_open_tree, AT_FDCWD, file, 1 /* OPEN_TREE_CLONE */);
  if (tree < 0) return absent("open_tree");
  snprintf(name, sizeof name, "/proc/self/fd/%d", tree);
  return append(open(name, O_WRONLY | O_APPEND), "open");
}

/* handle FILE OTHER: a handle of OTHER, another name of the file, opened with O_PATH and again through /proc. */
static int by_handle(void) {
  struct {
    struct file_handle head;
    char bytes[MAX_HANDLE_SZ];
  } handle = {{MAX_HANDLE_SZ}};
  int mount;
  char name[64];
  close(open(rest[0], O_RDONLY)); /* the kernel's dentry of that name is at hand */
  if (name_to_handle_at(AT_FDCWD, rest[0], &handle.head, &mount, 0)) return refused("name_to_handle_at");
  int folder = open(".", O_RDONLY);
  int fd = open_by_handle_at(folder, &handle.head, O_PATH);
  if (fd < 0) return refused("open_by_handle_at");
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  return append(open(name, O_WRONLY | O_APPEND), "open");
}

/* ---- paths that the guard cannot read, or not as the kernel will ---- */

static int in_secret_memory(void) {
  int fd = syscall(k_memfd_secret, 0);
  if (fd < 0) return absent("memfd_secret");
  if (ftruncate(fd, 4096)) return absent("ftruncate");
  char *path = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (path == MAP_FAILED) return absent("mmap");
  strcpy(path, file);
  if (rest_count > 0 && !strcmp(rest[0], "truncate")) return truncate(path, 1) ? refused("truncate") : 0;
  if (rest_count > 0 && !strcmp(rest[0], "chmod")) return chmod(path, 0600) ? refused("chmod") : 0;
  if (rest_count > 0 && !strcmp(rest[0], "how")) {
    struct open_how *how = (void *)(path + 2048);
    *how = (struct open_how){.flags = O_WRONLY | O_APPEND};
    return append(syscall(SYS_openat2, AT_FDCWD, file, how, sizeof *how), "open");
  }
  return append(open(path, O_WRONLY | O_APPEND), "open");
}

static int plainly(void) { return append(open(file, O_WRONLY | O_APPEND), "open"); }

/* ---- races: another thread changes what the call names between the guard's look and the kernel's ---- */

static atomic_int stop;
static char *volatile memory; /* a page of its own */
static long rounds_of_race;
static volatile struct open_how race_how;

static int race_call(const char *call, const char *path) {
  int fd = -1;
  if (!strcmp(call, "truncate")) return truncate(path, 1);
  if (!strcmp(call, "chmod")) return chmod(path, 0600);
  if (!strcmp(call, "utimensat")) return utimensat(AT_FDCWD, path, (struct timespec[2]){{1, 1}, {1, 1}}, 0);
  if (!strcmp(call, "setxattr")) return syscall(SYS_setxattr, path, "user.leak", "1", 1, 0);
  if (!strcmp(call, "open")) fd = open(path, O_WRONLY | O_APPEND);
  if (!strcmp(call, "create")) fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (!strcmp(call, "openat2")) {
    struct open_how how = {.flags = O_WRONLY | O_APPEND};
    fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  }
  if (!strcmp(call, "openat2-how")) fd = syscall(SYS_openat2, AT_FDCWD, path, (void *)&race_how, sizeof race_how);
  if (fd < 0) return -1;
  ssize_t written = write(fd, text, sizeof text - 1);
  (void)written;
  return close(fd);
}

static atomic_long race_round;

/* The name of this round's shared file, or in its place a private one's, as long. */
static void name_of_round(char *out, int is_shared) { sprintf(out, is_shared ? "%s.%04ld" : "%s-0000", file, race_round); }

/* In one store: half of each name would be a third one, which is in nobody's folder, and who makes a file has a race with
   whoever gives a file its name (isolation.md). */
static void *flip_names(void *unused) {
  union {
    char name[sizeof(uint64_t)];
    uint64_t word;
  } next = {{0}};
  for (int i = 0; !stop; ++i) {
    name_of_round(next.name, i % 2);
    atomic_store((_Atomic uint64_t *)memory, next.word);
  }
  return unused;
}

static void *flip_protection(void *unused) {
  for (int i = 0; !stop; ++i) mprotect(memory, 4096, i % 2 ? PROT_READ | PROT_WRITE : PROT_NONE);
  mprotect(memory, 4096, PROT_READ | PROT_WRITE);
  return unused;
}

static int flip(void *(*flipper)(void *)) {
  enum { k_tries = 8 };
  pthread_t thread;
  int names = flipper == flip_names;
  memory = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  name_of_round(memory, 1);
  race_how.flags = O_RDONLY;
  if (names) pthread_create(&thread, 0, flipper, 0);
  for (race_round = 0; race_round < atol(rest[1]); ++race_round) {
    if (!names) {
      name_of_round(memory, 1);
      stop = 0;
      pthread_create(&thread, 0, flipper, 0);
    }
    for (int i = 0; i < k_tries; ++i) race_call(rest[0], memory);
    if (!names) {
      stop = 1;
      pthread_join(thread, 0);
    }
  }
  stop = 1;
  if (names) pthread_join(thread, 0);
  return 0;
}

/* race-rename FILE CALL COUNT: a thread renames the shared files FILE.0000, FILE.0001 ... onto the private file FILE. */
static pthread_barrier_t barrier;

static void *rename_onto(void *unused) {
  char name[4096];
  for (long i = 0; i < rounds_of_race; ++i) {
    snprintf(name, sizeof name, "%s.%04ld", file, i);
    pthread_barrier_wait(&barrier);
    for (volatile int pause = 0; pause < (i % 50) * 400; ++pause) {}
    rename(name, file);
    pthread_barrier_wait(&barrier);
  }
  return unused;
}

static int race_renames(void) {
  pthread_t thread;
  rounds_of_race = atol(rest[1]);
  pthread_barrier_init(&barrier, 0, 2);
  pthread_create(&thread, 0, rename_onto, 0);
  for (long i = 0; i < rounds_of_race; ++i) {
    /* A private file, made anew: whether it is there, or the shared one, is what the two race for. */
    unlink(file);
    close(open(file, O_WRONLY | O_CREAT | O_EXCL, 0644));
    pthread_barrier_wait(&barrier);
    race_call(rest[0], file);
    pthread_barrier_wait(&barrier);
  }
  pthread_join(thread, 0);
  return 0;
}

/* undo FILE COUNT: first a shared file, FILE.0000 ..., is renamed onto FILE, then private ones, while others open FILE
   for writing. Whoever makes the shared one private must not remove one that came later. */
static void *open_for_writing(void *unused) {
  while (!stop) {
    int fd = open(file, O_WRONLY | O_APPEND);
    if (fd >= 0) close(fd);
  }
  return unused;
}

static int race_undo(void) {
  enum { k_openers = 2, k_own = 12 };
  pthread_t threads[k_openers];
  int own[k_own];
  char name[4096], own_name[4096];
  long lost = 0, replaced = 0;
  struct stat stat, there;
  for (int i = 0; i < k_openers; ++i) pthread_create(&threads[i], 0, open_for_writing, 0);
  for (race_round = 0; race_round < atol(rest[0]); ++race_round) {
    for (int k = 0; k < k_own; ++k) {
      snprintf(own_name, sizeof own_name, "%s-%d", file, k);
      own[k] = open(own_name, O_WRONLY | O_CREAT | O_EXCL, 0644);
    }
    name_of_round(name, 1);
    rename(name, file);
    usleep(race_round % 2 * race_round % 7 * 500);
    for (volatile int pause = 0; pause < race_round % 60 * 20000; ++pause) {}
    for (int k = 0; k < k_own; ++k) {
      snprintf(own_name, sizeof own_name, "%s-%d", file, k);
      rename(own_name, file);
      for (volatile int pause = 0; pause < race_round % 7 * 20000; ++pause) {}
      lost += fstat(own[k], &stat) == 0 && stat.st_nlink == 0;
    }
    int stands = 0; /* what was held up may still be at it */
    for (int wait = 0; wait < 100 && !stands; ++wait) {
      usleep(20000);
      stands = !fstat(own[k_own - 1], &stat) && !lstat(file, &there) && there.st_ino == stat.st_ino;
    }
    if (stat.st_nlink == 0) ++lost;
    else if (!stands) ++replaced;
    for (int k = 0; k < k_own; ++k) close(own[k]);
  }
  stop = 1;
  for (int i = 0; i < k_openers; ++i) pthread_join(threads[i], 0);
  printf("%ld lost, %ld replaced\n", lost, replaced);
  return lost + replaced != 0;
}

/* cached FILE COUNT: openat2 with RESOLVE_CACHED of FILE.0000 ..., which another thread looks up at the same time. */
static void *look_up(void *unused) {
  char name[4096];
  struct stat stat;
  for (long i = 0; i < rounds_of_race; ++i) {
    snprintf(name, sizeof name, "%s.%04ld", file, i);
    pthread_barrier_wait(&barrier);
    for (volatile int pause = 0; pause < (i % 50) * 100; ++pause) {}
    lstat(name, &stat);
    pthread_barrier_wait(&barrier);
  }
  return unused;
}

static int race_cached(void) {
  pthread_t thread;
  char name[4096];
  long opened = 0, again = 0;
  rounds_of_race = atol(rest[0]);
  pthread_barrier_init(&barrier, 0, 2);
  pthread_create(&thread, 0, look_up, 0);
  for (long i = 0; i < rounds_of_race; ++i) {
    struct open_how how = {.flags = O_WRONLY | O_APPEND, .resolve = RESOLVE_CACHED};
    snprintf(name, sizeof name, "%s.%04ld", file, i);
    pthread_barrier_wait(&barrier);
    int fd = syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof how);
    again += fd < 0 && errno == EAGAIN;
    if (fd >= 0 && append(fd, "open") == 0) ++opened;
    pthread_barrier_wait(&barrier);
    close(fd);
  }
  pthread_join(thread, 0);
  printf("%ld opened, %ld EAGAIN\n", opened, again);
  return 0;
}

/* ---- ioctls that change a file through a descriptor for reading ---- */

/* ioctl FILE REQUEST VALUE */
static int by_ioctl(void) {
  int fd = open(file, O_RDONLY);
  long value[64] = {strtoll(rest[1], 0, 0)};
  return ioctl(fd, strtoul(rest[0], 0, 0), value) ? refused("ioctl") : 0;
}

/* ---- memory that makes the guard wait ---- */

/* stuck FILE OTHER COUNT: COUNT threads name a file in a page that nobody brings; then OTHER is opened for writing. */
static void *call_with_page(void *page) {
  return (void *)(long)truncate(page, 1);
}

static void give_up(int signal) {
  static const char words[] = "the others wait\n";
  ssize_t written = write(1, words, sizeof words - 1);
  (void)written;
  (void)signal;
  _exit(1);
}

static int stuck_callers(void) {
  int count = atoi(rest[1]);
  int faults = syscall(SYS_userfaultfd, O_CLOEXEC);
  if (faults < 0) return absent("userfaultfd");
  struct uffdio_api api = {.api = UFFD_API};
  size_t size = 4096UL * count;
  char *pages = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_register all = {.range = {(uintptr_t)pages, size}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &all)) return absent("UFFDIO_REGISTER");
  pthread_t threads[256];
  for (int i = 0; i < count; ++i) pthread_create(&threads[i], 0, call_with_page, pages + 4096UL * i);
  usleep(200000);
  signal(SIGALRM, give_up);
  alarm(rest_count > 2 ? atoi(rest[2]) : 30);
  for (int i = 0; i < 20; ++i) {
    int fd = open(rest[0], O_WRONLY | O_APPEND);
    if (fd < 0 || write(fd, "x", 1) != 1) return refused("open");
    close(fd);
  }
  alarm(0);
  char page[4096] = "";
  snprintf(page, sizeof page, "%s", file);
  for (int i = 0; i < count; ++i) {
    struct uffdio_copy copy = {.dst = (uintptr_t)pages + 4096UL * i, .src = (uintptr_t)page, .len = 4096};
    ioctl(faults, UFFDIO_COPY, &copy);
  }
  alarm(30);
  int done = 0;
  for (int i = 0; i < count; ++i) {
    void *result;
    pthread_join(threads[i], &result);
    done += result == 0;
  }
  printf("%d of %d\n", done, count);
  return 0;
}

/* ---- answers ---- */

/* opens FOLDER THREADS SECONDS: every open gives the file that it names, or an errno. */
static atomic_long opens, wrong, failed;
static atomic_long progress[64];
static char *first_wrong;

static void *open_again_and_again(void *number) {
  long me = (long)number;
  char name[4096];
  for (long i = 0; !stop; ++i) {
    struct stat asked, got;
    snprintf(name, sizeof name, "%s/f%ld.%ld", file, me, i % 40);
    if (stat(name, &asked) && errno != EINTR) {
      ++failed;
      continue;
    }
    int flags = i % 3 == 0 ? O_RDWR : i % 3 == 1 ? O_WRONLY | O_APPEND : O_WRONLY | O_CREAT;
    int fd = i % 4 == 3 ? (int)syscall(SYS_openat2, AT_FDCWD, name, &(struct open_how){.flags = O_WRONLY}, sizeof(struct open_how))
                        : open(name, flags, 0644);
    ++opens;
    ++progress[me];
    if (fd < 0) {
      ++failed;
      continue;
    }
    /* A shared file has got another inode by now: look again. */
    if (fd < 3 || fstat(fd, &got) || stat(name, &asked) || asked.st_ino != got.st_ino) {
      if (!wrong++) asprintf(&first_wrong, "%s is descriptor %d, inode %lu for %lu", name, fd, got.st_ino, asked.st_ino);
      if (fd < 3) continue;
    }
    close(fd);
  }
  return 0;
}

static int open_all_the_time(void) {
  int threads = atoi(rest[0]);
  pthread_t ids[64];
  for (long i = 0; i < threads; ++i) pthread_create(&ids[i], 0, open_again_and_again, (void *)i);
  /* Until its standard input ends. */
  char byte;
  while (read(0, &byte, 1) > 0) {}
  stop = 1;
  alarm(60);
  for (int i = 0; i < threads; ++i) pthread_join(ids[i], 0);
  printf("%ld opens, %ld failed, %ld wrong%s%s\n", (long)opens, (long)failed, (long)wrong, wrong ? ": " : "",
         wrong ? first_wrong : "");
  return wrong != 0;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  file = argv[2];
  rest = argv + 3;
  rest_count = argc - 3;
#define WAY(name) if (!strcmp(argv[1], name))
  WAY("plain") return plainly();
  WAY("fanotify") return by_fanotify();
  WAY("ring") return make_ring();
  WAY("use-ring") return use_ring();
  WAY("detached-mount") return by_detached_mount();
  WAY("detached-file") return by_detached_file();
  WAY("handle") return by_handle();
  WAY("secret") return in_secret_memory();
  WAY("flip-names") return flip(flip_names);
  WAY("flip-protection") return flip(flip_protection);
  WAY("race-rename") return race_renames();
  WAY("undo") return race_undo();
  WAY("cached") return race_cached();
  WAY("ioctl") return by_ioctl();
  WAY("stuck") return stuck_callers();
  WAY("opens") return open_all_the_time();
  return 3;
}
