/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a folder in the order of a torrent. */

/*
 * Found in any order, then sorted as a whole: only whole paths compared component by component give
 * the order of the v2 file tree. Folders are never entered through a link, so the walk ends.
 */

#include "shoal-tree-walk.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shoal-error.h"
#include "shoal-path.h"
#include "shoal-torrent-writer.h"

typedef struct
{
  GPtrArray  *files;
  GPtrArray  *names;   /* components of the place where the walk is */
} Walk;

static void
tree_file_free (gpointer data)
{
  ShoalTreeFile *self = data;

  g_free (self->location);
  g_strfreev (self->path);
  g_strfreev (self->target);
  g_free (self);
}

static int
compare_files (gconstpointer a,
               gconstpointer b)
{
  const ShoalTreeFile *const *one = a;
  const ShoalTreeFile *const *other = b;

  return shoal_torrent_compare_paths ((const char *const *) (*one)->path,
                                      (const char *const *) (*other)->path);
}

static void
set_io_error (GError    **error,
              const char *path)
{
  int code = errno;
  g_autofree char *name = g_filename_display_name (path);

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: %s", name, g_strerror (code));
}

/* Where a link points, as components below the root; NULL: outside, or to the root itself. Nothing
 * of it has to be there. */
static char **
resolve_target (Walk       *self,
                const char *text)
{
  g_auto(GStrv) parts = g_strsplit (text, "/", -1);
  g_autoptr(GPtrArray) at = g_ptr_array_new ();

  if (g_path_is_absolute (text))
    return NULL;

  for (guint i = 0; i + 1 < self->names->len; i++)
    g_ptr_array_add (at, g_ptr_array_index (self->names, i));
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (parts[i][0] == '\0' || strcmp (parts[i], ".") == 0)
        continue;
      if (strcmp (parts[i], "..") != 0)
        g_ptr_array_add (at, parts[i]);
      else if (at->len > 0)
        g_ptr_array_set_size (at, (int) at->len - 1);
      else
        return NULL;
    }
  if (at->len == 0)
    return NULL;

  g_ptr_array_add (at, NULL);
  return g_strdupv ((char **) at->pdata);
}

static gboolean
add_file (Walk              *self,
          const char        *location,
          const struct stat *info,
          GError           **error)
{
  g_autofree char *text = NULL;
  ShoalTreeFile *file;
  char **target = NULL;

  if (S_ISLNK (info->st_mode))
    {
      text = g_file_read_link (location, error);
      if (text == NULL)
        return FALSE;
      target = resolve_target (self, text);
      if (target == NULL)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                       "%s: the link leaves the folder, so it cannot be in a torrent", location);
          return FALSE;
        }
    }

  file = g_new0 (ShoalTreeFile, 1);
  file->location = g_strdup (location);
  file->target = target;
  file->size = target == NULL ? (guint64) info->st_size : 0;
  file->flags = target != NULL                   ? SHOAL_FILE_SYMLINK
                : (info->st_mode & S_IXUSR) != 0 ? SHOAL_FILE_EXECUTABLE
                                                 : 0;
  g_ptr_array_add (self->names, NULL);
  file->path = g_strdupv ((char **) self->names->pdata);
  g_ptr_array_set_size (self->names, (int) self->names->len - 1);
  g_ptr_array_add (self->files, file);
  return TRUE;
}

static gboolean
walk_folder (Walk       *self,
             const char *location,
             GError    **error)
{
  g_autoptr(GDir) dir = g_dir_open (location, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;
  if (self->names->len >= SHOAL_PATH_DEPTH_MAX)
    {
      g_set_error (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE,
                   "%s: folders lie too deep in each other", location);
      return FALSE;
    }

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (location, name, NULL);
      struct stat info;
      gboolean ok = TRUE;

      if (!g_utf8_validate (name, -1, NULL))
        {
          g_autofree char *shown = g_filename_display_name (path);

          g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                       "%s: the name is not UTF-8, so it cannot be in a torrent", shown);
          return FALSE;
        }
      if (lstat (path, &info) != 0)
        {
          set_io_error (error, path);
          return FALSE;
        }

      g_ptr_array_add (self->names, (gpointer) name);
      if (S_ISDIR (info.st_mode))
        ok = walk_folder (self, path, error);
      else if (S_ISREG (info.st_mode) || S_ISLNK (info.st_mode))
        ok = add_file (self, path, &info, error);
      g_ptr_array_set_size (self->names, (int) self->names->len - 1);
      if (!ok)
        return FALSE;
    }

  return TRUE;
}

GPtrArray *
shoal_tree_walk (const char *root,
                 gboolean   *single,
                 GError    **error)
{
  g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func (tree_file_free);
  g_autoptr(GPtrArray) names = g_ptr_array_new ();
  Walk self = { .files = files, .names = names };
  struct stat info;

  /* The root itself may be reached by a link. */
  if (stat (root, &info) != 0)
    {
      set_io_error (error, root);
      return NULL;
    }

  *single = S_ISREG (info.st_mode);
  if (*single)
    {
      if (!add_file (&self, root, &info, error))
        return NULL;
    }
  else if (S_ISDIR (info.st_mode))
    {
      if (!walk_folder (&self, root, error))
        return NULL;
    }

  if (files->len == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: there are no files in it", root);
      return NULL;
    }

  g_ptr_array_sort (files, compare_files);
  return g_steal_pointer (&files);
}
