/* A FUSE file system by the raw protocol: fuse_server MOUNTPOINT LOG. Every name is an empty file that takes
   what is written to it; before it answers a lookup, the server appends a line to LOG. It makes the file
   `mounted` beside the mount point when it can be used. */
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
static char reply[4096];

static void fill(struct fuse_attr *attr, unsigned long node)
{
  attr->ino = node;
  attr->mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
  attr->nlink = 1;
  attr->blksize = 4096;
}

static int answer(const struct fuse_in_header *header, void *body, const char *log)
{
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
    int file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file < 0 || write(file, "lookup\n", 7) != 7)
      return -EIO;
    close(file);
    out->nodeid = 2;
    fill(&out->attr, 2);
    return sizeof *out;
  }
  case FUSE_GETATTR:
  case FUSE_SETATTR: {
    struct fuse_attr_out *out = body;
    fill(&out->attr, header->nodeid);
    return sizeof *out;
  }
  case FUSE_OPEN:
  case FUSE_OPENDIR:
    return sizeof(struct fuse_open_out);
  case FUSE_WRITE: {
    const struct fuse_write_in *in = (const void *)(header + 1);
    ((struct fuse_write_out *)body)->size = in->size;
    return sizeof(struct fuse_write_out);
  }
  case FUSE_FLUSH:
  case FUSE_RELEASE:
  case FUSE_RELEASEDIR:
    return 0;
  default:
    return -ENOSYS;
  }
}

int main(int argc, char **argv)
{
  char options[100];
  char ready[4096];
  int device = open("/dev/fuse", O_RDWR);
  if (argc != 3 || device < 0)
    return 1;
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (mount("snapfix-test", argv[1], "fuse", 0, options) != 0)
    return 1;
  snprintf(ready, sizeof ready, "%.*s/mounted", (int)(strrchr(argv[1], '/') - argv[1]), argv[1]);
  close(open(ready, O_WRONLY | O_CREAT | O_EXCL, 0644));
  for (;;) {
    const struct fuse_in_header *header = (const void *)request;
    struct fuse_out_header *out = (void *)reply;
    int size;
    if (read(device, request, sizeof request) < 0) {
      if (errno == ENODEV) /* unmounted */
        return 0;
      continue;
    }
    if (header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET ||
        header->opcode == FUSE_INTERRUPT)
      continue;
    memset(reply, 0, sizeof reply);
    size = answer(header, out + 1, argv[2]);
    out->unique = header->unique;
    out->error = size < 0 ? size : 0;
    out->len = sizeof *out + (size > 0 ? size : 0);
    if (write(device, reply, out->len) < 0 && errno == ENODEV)
      return 0;
  }
}
