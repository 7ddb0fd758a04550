/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the .torrent that a path or link names. */

#include "shoal-source.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "shoal-error.h"
#include "shoal-torrent-fetch.h"

gboolean
shoal_source_is_link (const char *source)
{
  return g_ascii_strncasecmp (source, "http:", 5) == 0
         || g_ascii_strncasecmp (source, "https:", 6) == 0;
}

static void
set_error (GError **error)
{
  int code = errno;

  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (code), g_strerror (code));
}

static GBytes *
read_all (int      fd,
          GError **error)
{
  g_autofree guint8 *data = NULL;
  struct stat info;
  gsize size = 0;

  if (fstat (fd, &info) != 0)
    {
      set_error (error);
      return NULL;
    }
  if (!S_ISREG (info.st_mode))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "it is not a file");
      return NULL;
    }
  if (info.st_size > SHOAL_SOURCE_SIZE_MAX)
    {
      g_set_error_literal (error, SHOAL_WIRE_ERROR, SHOAL_WIRE_ERROR_TOO_LARGE,
                           "it is over 64 MiB, which no .torrent should be");
      return NULL;
    }

  data = g_malloc ((gsize) info.st_size + 1);
  while (size < (gsize) info.st_size)
    {
      ssize_t n = read (fd, data + size, (gsize) info.st_size - size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          set_error (error);
          return NULL;
        }
      if (n == 0)
        break;
      size += (gsize) n;
    }

  return g_bytes_new_take (g_steal_pointer (&data), size);
}

GBytes *
shoal_source_load (const char *source,
                   GError    **error)
{
  g_autofree char *path = NULL;
  GBytes *bytes;
  int fd;

  if (shoal_source_is_link (source))
    return shoal_torrent_fetch (source, error);

  if (g_ascii_strncasecmp (source, "file:", 5) == 0)
    path = g_filename_from_uri (source, NULL, NULL);

  /* Nothing that one could wait for is opened: a named pipe would keep us for ever. */
  fd = open (path != NULL ? path : source, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    {
      set_error (error);
      return NULL;
    }

  bytes = read_all (fd, error);
  close (fd);
  return bytes;
}
