/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reaches files below a folder without ever following a symbolic link out of it. */

/*
 * Every component is opened with O_NOFOLLOW relative to the one before, so nobody can swap a folder
 * for a link between a check and a use. Descriptors of folders are O_PATH: they need no permission
 * to read.
 */

#include "shoal-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

static void
close_keeping_errno (int fd)
{
  int saved = errno;

  if (fd >= 0)
    close (fd);
  errno = saved;
}

static void
forget_parent (ShoalFolder *self)
{
  if (self->parent != NULL && self->parent_fd != self->root)
    close_keeping_errno (self->parent_fd);
  g_clear_pointer (&self->parent, g_free);
  self->parent_fd = -1;
}

gboolean
shoal_folder_open (ShoalFolder *self,
                   const char  *path)
{
  g_return_val_if_fail (self != NULL && path != NULL, FALSE);

  *self = (ShoalFolder){ .root = open (path, FOLDER_FLAGS), .parent_fd = -1 };

  return self->root >= 0;
}

void
shoal_folder_close (ShoalFolder *self)
{
  if (self == NULL)
    return;

  forget_parent (self);
  close_keeping_errno (self->root);
  self->root = -1;
}

static gboolean
is_safe (const char *component)
{
  return *component != '\0' && strcmp (component, ".") != 0 && strcmp (component, "..") != 0;
}

/* The folder named by @components below the root; the root's own descriptor for none. */
static int
walk (ShoalFolder *self,
      char       **components,
      gboolean     make)
{
  int at = self->root;

  for (guint i = 0; components[i] != NULL; i++)
    {
      if (!is_safe (components[i]))
        {
          errno = EINVAL;
          return -1;
        }
    }
  for (guint i = 0; components[i] != NULL; i++)
    {
      int next = openat (at, components[i], FOLDER_FLAGS | O_NOFOLLOW);

      if (next < 0 && errno == ENOENT && make &&
          (mkdirat (at, components[i], 0777) == 0 || errno == EEXIST))
        next = openat (at, components[i], FOLDER_FLAGS | O_NOFOLLOW);
      if (at != self->root)
        close_keeping_errno (at);
      if (next < 0)
        return -1;
      at = next;
    }

  return at;
}

int
shoal_folder_parent (ShoalFolder *self,
                     const char  *path,
                     gboolean     make,
                     const char **name)
{
  g_autofree char *parent = NULL;
  const char *slash = strrchr (path, '/');

  *name = slash != NULL ? slash + 1 : path;
  if (!is_safe (*name) || *path == '/')
    {
      errno = EINVAL;
      return -1;
    }

  parent = slash != NULL ? g_strndup (path, (gsize) (slash - path)) : g_strdup ("");
  if (self->parent == NULL || strcmp (self->parent, parent) != 0)
    {
      g_auto (GStrv) components = g_strsplit (parent, "/", -1);
      int fd = walk (self, components, make);

      if (fd < 0)
        return -1;
      forget_parent (self);
      self->parent = g_steal_pointer (&parent);
      self->parent_fd = fd;
    }

  return self->parent_fd;
}

int
shoal_folder_open_file (ShoalFolder *self,
                        const char  *path,
                        int          flags)
{
  const char *name;
  int parent = shoal_folder_parent (self, path, (flags & O_CREAT) != 0, &name);
  struct stat info;
  int fd;

  if (parent < 0)
    return -1;
  /* Not blocking: a pipe in the place of a file would wait for its other end. */
  fd = openat (parent, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd >= 0 && (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode)))
    {
      close (fd);
      errno = EINVAL;
      return -1;
    }

  return fd;
}

gboolean
shoal_folder_stat (ShoalFolder *self,
                   const char  *path,
                   struct stat *info)
{
  const char *name;
  int parent = shoal_folder_parent (self, path, FALSE, &name);

  return parent >= 0 && fstatat (parent, name, info, AT_SYMLINK_NOFOLLOW) == 0;
}

gboolean
shoal_folder_unlink (ShoalFolder *self,
                     const char  *path)
{
  const char *name;
  int parent = shoal_folder_parent (self, path, FALSE, &name);

  return parent >= 0 && unlinkat (parent, name, 0) == 0;
}

/* For file systems whose rename cannot refuse: a hard link can, and where there are none either,
 * look first. */
static gboolean
rename_carefully (int         parent,
                  const char *from,
                  const char *to)
{
  struct stat info;

  if (linkat (parent, from, parent, to, 0) == 0)
    return unlinkat (parent, from, 0) == 0;
  if (errno == EEXIST)
    return FALSE;
  if (fstatat (parent, to, &info, AT_SYMLINK_NOFOLLOW) == 0)
    {
      errno = EEXIST;
      return FALSE;
    }

  return renameat (parent, from, parent, to) == 0;
}

gboolean
shoal_folder_rename (ShoalFolder *self,
                     const char  *from,
                     const char  *to)
{
  const char *from_name, *to_name;
  int parent = shoal_folder_parent (self, from, FALSE, &from_name);
  gboolean ok;
  int folder;

  if (parent < 0)
    return FALSE;
  to_name = strrchr (to, '/') != NULL ? strrchr (to, '/') + 1 : to;
  ok = renameat2 (parent, from_name, parent, to_name, RENAME_NOREPLACE) == 0;
  if (!ok && (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
    ok = rename_carefully (parent, from_name, to_name);
  if (!ok)
    return FALSE;

  folder = openat (parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0)
    {
      fsync (folder);   /* without it a power cut brings the old name back, which costs nothing but
                         * a look */
      close (folder);
    }

  return TRUE;
}
