/* inject REPORT PROCESS POINT ACTION COMMAND...
 *
 * Runs COMMAND and counts the system calls below that it makes itself, each process for itself: it is process 0, its first
 * fork 1, and so on; threads count for their process, programs that it executes not at all. Call number POINT of PROCESS kills
 * that process (ACTION kill) or returns an error in place of being made (ACTION is the errno); POINT 0 is none. REPORT gets
 * one line a counted call up to that one:
 *
 *     <process> <number> <! if it changes something, else -> <name> <path or -> <what was done: pass, kill, or the errno's name>
 *
 * The exit code is COMMAND's, 128 + the signal that killed it, or 124 where it did not end within 20 s.
 *
 * Only these calls stop at all (SECCOMP_RET_TRACE), so that a run takes milliseconds. Counting begins where the dynamic
 * loader is done: a breakpoint at the program's entry tells. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "this is for x86-64"
#endif

enum { no_path = -1 };

static const struct {
  long number;
  const char* name;
  int changes; /* something that outlives the process */
  int path;    /* the argument that names it */
} k_calls[] = {
    {SYS_open, "open", 0, 0},
    {SYS_openat, "openat", 0, 1},
    {SYS_openat2, "openat2", 0, 1},
    {SYS_creat, "creat", 1, 0},
    {SYS_mkdir, "mkdir", 1, 0},
    {SYS_mkdirat, "mkdirat", 1, 1},
    {SYS_rmdir, "rmdir", 1, 0},
    {SYS_link, "link", 1, 1},
    {SYS_linkat, "linkat", 1, 3},
    {SYS_symlink, "symlink", 1, 1},
    {SYS_symlinkat, "symlinkat", 1, 2},
    {SYS_rename, "rename", 1, 1},
    {SYS_renameat, "renameat", 1, 3},
    {SYS_renameat2, "renameat2", 1, 3},
    {SYS_unlink, "unlink", 1, 0},
    {SYS_unlinkat, "unlinkat", 1, 1},
    {SYS_chmod, "chmod", 1, 0},
    {SYS_fchmod, "fchmod", 1, no_path},
    {SYS_fchmodat, "fchmodat", 1, 1},
    {SYS_chown, "chown", 1, 0},
    {SYS_fchown, "fchown", 1, no_path},
    {SYS_fchownat, "fchownat", 1, 1},
    {SYS_utimensat, "utimensat", 1, 1},
    {SYS_setxattr, "setxattr", 1, 0},
    {SYS_fsetxattr, "fsetxattr", 1, no_path},
    {SYS_fremovexattr, "fremovexattr", 1, no_path},
    {SYS_truncate, "truncate", 1, 0},
    {SYS_ftruncate, "ftruncate", 1, no_path},
    {SYS_write, "write", 1, no_path},
    {SYS_writev, "writev", 1, no_path},
    {SYS_pwrite64, "pwrite64", 1, no_path},
    {SYS_copy_file_range, "copy_file_range", 1, no_path},
    {SYS_ioctl, "ioctl", 0, no_path},
    {SYS_fcntl, "fcntl", 0, no_path},
    {SYS_fsync, "fsync", 0, no_path},
    {SYS_read, "read", 0, no_path},
    {SYS_pread64, "pread64", 0, no_path},
    {SYS_getdents64, "getdents64", 0, no_path},
    {SYS_lseek, "lseek", 0, no_path},
    {SYS_stat, "stat", 0, 0},
    {SYS_lstat, "lstat", 0, 0},
    {SYS_fstat, "fstat", 0, no_path},
    {SYS_newfstatat, "newfstatat", 0, 1},
    {SYS_statx, "statx", 0, 1},
    {SYS_statfs, "statfs", 0, 0},
    {SYS_fstatfs, "fstatfs", 0, no_path},
    {SYS_access, "access", 0, 0},
    {SYS_faccessat, "faccessat", 0, 1},
    {SYS_readlink, "readlink", 0, 0},
    {SYS_readlinkat, "readlinkat", 0, 1},
    {SYS_getcwd, "getcwd", 0, no_path},
    {SYS_chdir, "chdir", 0, 0},
    {SYS_mmap, "mmap", 0, no_path},
    {SYS_memfd_create, "memfd_create", 0, 0},
    {SYS_pipe2, "pipe2", 0, no_path},
    {SYS_socketpair, "socketpair", 0, no_path},
    {SYS_signalfd4, "signalfd4", 0, no_path},
    {SYS_sendto, "sendto", 0, no_path},
    {SYS_recvfrom, "recvfrom", 0, no_path},
    {SYS_sendmsg, "sendmsg", 0, no_path},
    {SYS_recvmsg, "recvmsg", 0, no_path},
    {SYS_dup, "dup", 0, no_path},
    {SYS_dup2, "dup2", 0, no_path},
    {SYS_clone, "clone", 0, no_path},
    {SYS_clone3, "clone3", 0, no_path},
    {SYS_vfork, "vfork", 0, no_path},
    {SYS_execve, "execve", 0, 0},
    {SYS_wait4, "wait4", 0, no_path},
    {SYS_poll, "poll", 0, no_path},
};
enum { k_count = sizeof k_calls / sizeof *k_calls };

static void fail(const char* what) {
  perror(what);
  exit(126);
}

/* ---- who is traced ---- */

struct thread {
  pid_t id;
  int is_own;   /* it is COMMAND itself, or was forked by it and has executed nothing else */
  int is_known; /* whoever made it has said so */
  int is_here;  /* it stands at its first stop */
  int process;  /* its number */
};
static struct thread g_threads[256];

static struct thread* find(pid_t id) {
  struct thread* unused = NULL;
  for (struct thread* at = g_threads; at < g_threads + 256; ++at) {
    if (at->id == id) {
      return at;
    }
    unused = at->id == 0 && unused == NULL ? at : unused;
  }
  if (unused == NULL) {
    fail("too many threads");
  }
  *unused = (struct thread){.id = id};
  return unused;
}

/* ---- the program's entry ---- */

static unsigned long g_entry, g_entry_code;

static void stop_at_entry(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/auxv", pid);
  const int fd = open(path, O_RDONLY);
  Elf64_auxv_t entry;
  while (read(fd, &entry, sizeof entry) == sizeof entry) {
    if (entry.a_type == AT_ENTRY) {
      g_entry = entry.a_un.a_val;
    }
  }
  close(fd);
  errno = 0;
  g_entry_code = (unsigned long)ptrace(PTRACE_PEEKTEXT, pid, g_entry, 0);
  if (g_entry == 0 || errno != 0 ||
      ptrace(PTRACE_POKETEXT, pid, g_entry, (g_entry_code & ~0xFFUL) | 0xCC) != 0) {
    fail("breakpoint");
  }
}

static void go_on_from_entry(pid_t pid) {
  struct user_regs_struct registers;
  ptrace(PTRACE_GETREGS, pid, 0, &registers);
  registers.rip = g_entry;
  if (ptrace(PTRACE_POKETEXT, pid, g_entry, g_entry_code) != 0 ||
      ptrace(PTRACE_SETREGS, pid, 0, &registers) != 0) {
    fail("entry");
  }
}

/* ---- the calls ---- */

static FILE* g_report;
static long g_point, g_numbers[256];
static int g_process, g_processes = 1, g_is_done;
static int g_kills, g_error;

/* The text at that address. */
static void read_text(pid_t thread, unsigned long address, char* out, size_t size) {
  struct iovec to = {out, size - 1}, from = {(void*)address, size - 1};
  ssize_t got = address == 0 ? -1 : process_vm_readv(thread, &to, 1, &from, 1, 0);
  if (got < 0) { /* it may lie at the end of what is mapped */
    to.iov_len = from.iov_len = 4096 - address % 4096 < size - 1 ? 4096 - address % 4096 : size - 1;
    got = address == 0 ? -1 : process_vm_readv(thread, &to, 1, &from, 1, 0);
  }
  out[got > 0 ? got : 0] = '\0';
}

/* What a call names: a path, or that of its descriptor. */
static void path_of(pid_t thread, int call, const unsigned long* arguments, char* out, size_t size) {
  out[0] = '\0';
  if (k_calls[call].path != no_path) {
    read_text(thread, arguments[k_calls[call].path], out, size);
  }
  if (out[0] == '\0') {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", thread, (int)arguments[k_calls[call].number == SYS_mmap ? 4 : 0]);
    const ssize_t got = readlink(link, out, size - 1);
    out[got > 0 ? got : 0] = '\0';
  }
  for (char* c = out; *c != '\0'; ++c) {
    *c = *c <= ' ' || *c > '~' ? '?' : *c;
  }
  if (*out == '\0') {
    strcpy(out, "-");
  }
}

/* A look at another process, or at what a seccomp filter reports: how many there are is no matter of the command. */
static int is_of_others(const char* path) {
  return (strncmp(path, "/proc/", 6) == 0 && path[6] >= '0' && path[6] <= '9') ||
         strncmp(path, "anon_inode:seccomp", 18) == 0;
}

static int changes(int call, const unsigned long* arguments) {
  switch (k_calls[call].number) {
  case SYS_open:
    return (arguments[1] & (O_CREAT | O_TRUNC)) != 0;
  case SYS_openat:
    return (arguments[2] & (O_CREAT | O_TRUNC)) != 0;
  case SYS_ioctl:
    return arguments[1] == FICLONE;
  default:
    return k_calls[call].changes;
  }
}

static void at_call(pid_t thread) {
  struct user_regs_struct registers;
  const int process = find(thread)->process;
  if (!find(thread)->is_own || g_is_done || ptrace(PTRACE_GETREGS, thread, 0, &registers) != 0) {
    return;
  }
  const unsigned long arguments[] = {registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8};
  int call = 0;
  while (call < k_count && (unsigned long)k_calls[call].number != registers.orig_rax) {
    ++call;
  }
  if (call == k_count) {
    return;
  }
  char path[512];
  path_of(thread, call, arguments, path, sizeof path);
  if (is_of_others(path)) {
    return;
  }
  const long number = ++g_numbers[process];
  const int waits = k_calls[call].number == SYS_wait4 || k_calls[call].number == SYS_poll;
  const int now = process == g_process && number == g_point && (!waits || g_kills || g_error == EINTR); /* else for ever */
  fprintf(g_report, "%d %ld %c %s %s %s\n", process, number, changes(call, arguments) ? '!' : '-', k_calls[call].name, path,
          !now ? "pass" : g_kills ? "kill" : strerrorname_np(g_error));
  if (!now) {
    return;
  }
  g_is_done = 1;
  if (g_kills) {
    kill(thread, SIGKILL);
    return;
  }
  registers.orig_rax = -1UL;
  registers.rax = (unsigned long)-(long)g_error;
  if (ptrace(PTRACE_SETREGS, thread, 0, &registers) != 0) {
    fail("set the result");
  }
}

static void install_filter(void) {
  struct sock_filter code[k_count + 6];
  int n = 0;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < k_count; ++i) {
    code[n++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)k_calls[i].number, (unsigned char)(k_count - i), 0);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  struct sock_fprog program = {(unsigned short)n, code};
  if (geteuid() != 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  }
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    fail("seccomp");
  }
}

/* ---- the run ---- */

static void late(int signal) {
  (void)signal;
  _exit(124); /* PTRACE_O_EXITKILL takes all of them along */
}

static pid_t start(char** command) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) {
    fail("pipe");
  }
  const pid_t pid = fork();
  if (pid < 0) {
    fail("fork");
  }
  if (pid == 0) {
    char byte;
    if (read(ready[0], &byte, 1) != 1) {
      _exit(126);
    }
    install_filter();
    execv(command[0], command);
    fail(command[0]);
  }
  if (ptrace(PTRACE_SEIZE, pid, 0,
             PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                 PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0) {
    fail("ptrace");
  }
  if (write(ready[1], "", 1) != 1) {
    fail("write");
  }
  close(ready[0]);
  close(ready[1]);
  return pid;
}

int main(int argc, char** argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: inject REPORT PROCESS POINT kill|ERRNO COMMAND...\n");
    return 126;
  }
  g_report = fopen(argv[1], "we");
  g_process = atoi(argv[2]);
  g_point = atol(argv[3]);
  g_kills = strcmp(argv[4], "kill") == 0;
  g_error = atoi(argv[4]);
  if (g_report == NULL) {
    fail(argv[1]);
  }
  setvbuf(g_report, NULL, _IOLBF, 0);
  signal(SIGALRM, late);
  alarm(20);
  const pid_t command = start(argv + 5);
  find(command)->is_known = 1;
  int is_started = 0, code = 126, status;
  for (pid_t thread; (thread = waitpid(-1, &status, __WALL)) > 0;) {
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      find(thread)->id = 0;
      if (thread == command) {
        code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
      continue;
    }
    int signal = WSTOPSIG(status);
    unsigned long born;
    switch (status >> 16) {
    case PTRACE_EVENT_SECCOMP:
      at_call(thread);
      signal = 0;
      break;
    case PTRACE_EVENT_EXEC:
      if (thread == command && !is_started) {
        is_started = 1;
        stop_at_entry(thread);
      } else {
        find(thread)->is_own = 0;
      }
      signal = 0;
      break;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      ptrace(PTRACE_GETEVENTMSG, thread, 0, &born);
      find((pid_t)born)->process = find(thread)->process;
      if (find(thread)->is_own && status >> 16 != PTRACE_EVENT_CLONE) {
        find((pid_t)born)->process = g_processes++ % 256;
      }
      find((pid_t)born)->is_own = find(thread)->is_own;
      find((pid_t)born)->is_known = 1;
      if (find((pid_t)born)->is_here) { /* it was here first */
        ptrace(PTRACE_CONT, (pid_t)born, 0, 0);
      }
      signal = 0;
      break;
    case PTRACE_EVENT_STOP:
      if (signal != SIGTRAP) {
        ptrace(PTRACE_LISTEN, thread, 0, 0);
        continue;
      }
      if (!find(thread)->is_known) {
        find(thread)->is_here = 1;
        continue;
      }
      signal = 0;
      break;
    default:
      if (signal == SIGTRAP && thread == command && g_entry_code != 0) {
        go_on_from_entry(thread);
        g_entry_code = 0;
        find(thread)->is_own = 1;
        signal = 0;
      }
    }
    ptrace(PTRACE_CONT, thread, 0, signal);
  }
  fclose(g_report);
  return code;
}
