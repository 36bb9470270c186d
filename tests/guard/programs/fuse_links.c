/* A FUSE file system by the raw protocol, with one name, `l`, a symlink: fuse_links MOUNTPOINT TARGET HOW. HOW is
   `other-user`: it is that of user 65534, whom alone the kernel lets in; or an errno's name: every other lookup fails
   with it, the first one first. Says `mounted` when it can be used. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char request[1 << 20];
static char reply[8192];
static int failure, lookups;

static void fill(struct fuse_attr *attr, unsigned long node) {
  attr->ino = node;
  attr->mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFLNK | 0777;
  attr->nlink = 1;
  attr->blksize = 4096;
}

static int answer(const struct fuse_in_header *header, void *body, const char *target) {
  switch (header->opcode) {
  case FUSE_INIT: {
    struct fuse_init_out *out = body;
    out->major = FUSE_KERNEL_VERSION;
    out->minor = 31;
    out->max_write = 4096;
    return sizeof *out;
  }
  case FUSE_LOOKUP: {
    struct fuse_entry_out *out = body;
    if (failure && lookups++ % 2 == 0) return -failure;
    if (strcmp((const char *)(header + 1), "l")) return -ENOENT;
    out->nodeid = 2;
    fill(&out->attr, 2);
    return sizeof *out;
  }
  case FUSE_GETATTR: {
    struct fuse_attr_out *out = body;
    fill(&out->attr, header->nodeid);
    return sizeof *out;
  }
  case FUSE_READLINK:
    strcpy(body, target);
    return strlen(target);
  case FUSE_OPENDIR:
    return sizeof(struct fuse_open_out);
  case FUSE_RELEASEDIR:
    return 0;
  default:
    return -ENOSYS;
  }
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int number;
  } errors[] = {{"EIO", EIO}, {"EACCES", EACCES}, {"ENOENT", ENOENT}, {"ESTALE", ESTALE}};
  char options[100];
  if (argc != 4) return 2;
  for (int i = 0; i < 4; ++i)
    if (!strcmp(argv[3], errors[i].name)) failure = errors[i].number;
  int device = open("/dev/fuse", O_RDWR), user = failure ? 0 : 65534;
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d", device, user, user);
  if (mount("snapfix-test", argv[1], "fuse", 0, options)) return perror("mount"), 1;
  puts("mounted");
  fflush(stdout);
  for (;;) {
    const struct fuse_in_header *header = (const void *)request;
    struct fuse_out_header *out = (void *)reply;
    if (read(device, request, sizeof request) < 0) {
      if (errno == ENODEV) return 0; /* unmounted */
      continue;
    }
    if (header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET || header->opcode == FUSE_INTERRUPT) continue;
    memset(reply, 0, sizeof reply);
    int size = answer(header, out + 1, argv[2]);
    out->unique = header->unique;
    out->error = size < 0 ? size : 0;
    out->len = sizeof *out + (size > 0 ? size : 0);
    if (write(device, reply, out->len) < 0 && errno == ENODEV) return 0;
  }
}
