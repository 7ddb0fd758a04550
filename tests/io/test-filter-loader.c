/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists from files and from memory: plain, packed, cut off, no list at all. */

#include "shoal-filter-loader.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  GMainContext      *context;
  ShoalFilterLoader *loader;
  ShoalFilterLoad   *loaded;   /* (nullable) */
  GBytes            *body;     /* (nullable): what is at every link */
  char              *dir;
} Fixture;

static void
on_loaded (ShoalFilterLoad *load,
           gpointer         user_data)
{
  Fixture *self = user_data;

  g_assert_null (self->loaded);
  self->loaded = load;
}

static void
on_fetch (ShoalFetch *request,
          gpointer    user_data)
{
  Fixture *self = user_data;

  request->status = self->body != NULL ? 200 : 404;
  if (self->body != NULL)
    request->body = g_bytes_ref (self->body);
  request->done.func (&request->done, 0);
}

static void
set_up (Fixture      *self,
        gconstpointer data)
{
  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->loader = shoal_filter_loader_new (on_fetch, on_loaded, self);
  self->dir = g_dir_make_tmp ("shoal-filter-XXXXXX", NULL);
}

static void
tear_down (Fixture      *self,
           gconstpointer data)
{
  shoal_filter_loader_free (self->loader);
  g_clear_pointer (&self->loaded, shoal_filter_load_free);
  g_rmdir (self->dir);
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
  g_free (self->dir);
}

static ShoalFilterLoad *
load (Fixture    *self,
      const char *source,
      GBytes     *body)
{
  g_clear_pointer (&self->loaded, shoal_filter_load_free);
  self->body = body;
  shoal_filter_loader_load (self->loader, shoal_filter_load_new (source));
  while (self->loaded == NULL)
    g_main_context_iteration (self->context, TRUE);

  return self->loaded;
}

static GBytes *
pack (const char *text)
{
  g_autoptr(GConverter) converter =
    G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1));
  g_autoptr(GInputStream) plain =
    g_memory_input_stream_new_from_data (text, (gssize) strlen (text), NULL);
  g_autoptr(GInputStream) packed = g_converter_input_stream_new (plain, converter);
  g_autoptr(GByteArray) bytes = g_byte_array_new ();
  guint8 part[64];
  gssize n;

  while ((n = g_input_stream_read (packed, part, sizeof part, NULL, NULL)) > 0)
    g_byte_array_append (bytes, part, (guint) n);
  g_assert_cmpint (n, ==, 0);

  return g_bytes_new (bytes->data, bytes->len);
}

static const char list_text[] = "a:1.0.0.0-1.0.0.255\n2.0.0.0/8\n";

static void
check_list (const ShoalFilterLoad *loaded)
{
  ShoalAddr addr;

  g_assert_cmpstr (loaded->error, ==, NULL);
  g_assert_nonnull (loaded->filter);
  g_assert_cmpuint (shoal_filter_size (loaded->filter), ==, 2);
  g_assert_true (shoal_addr_parse (&addr, "2.3.4.5:1", 0));
  g_assert_true (shoal_filter_blocks (loaded->filter, &addr));
}

static void
test_memory (Fixture      *self,
             gconstpointer data)
{
  g_autoptr(GBytes) plain = g_bytes_new_static (list_text, strlen (list_text));
  g_autoptr(GBytes) packed = pack (list_text);
  g_autoptr(GBytes) cut = g_bytes_new_from_bytes (packed, 0, g_bytes_get_size (packed) - 9);
  g_autoptr(GBytes) page = g_bytes_new_static ("<html>", 6);

  check_list (load (self, "http://list.test/", plain));
  check_list (load (self, "http://list.test/", packed));
  g_assert_nonnull (load (self, "http://list.test/", cut)->error);
  g_assert_null (self->loaded->filter);
  g_assert_nonnull (load (self, "http://list.test/", page)->error);
  g_assert_nonnull (load (self, "http://list.test/", NULL)->error);
}

static void
test_files (Fixture      *self,
            gconstpointer data)
{
  g_autofree char *path = g_build_filename (self->dir, "list", NULL);
  g_autoptr(GBytes) packed = pack (list_text);

  g_assert_nonnull (load (self, path, NULL)->error);
  g_assert_nonnull (load (self, self->dir, NULL)->error);
  g_assert_nonnull (load (self, "/dev/zero", NULL)->error);
  g_assert_true (g_file_set_contents (path, list_text, -1, NULL));
  check_list (load (self, path, NULL));
  g_assert_true (g_file_set_contents (path, g_bytes_get_data (packed, NULL),
                                      (gssize) g_bytes_get_size (packed), NULL));
  check_list (load (self, path, NULL));
  g_unlink (path);
}

/* What is under way at the end is answered. */
static void
test_end (Fixture      *self,
          gconstpointer data)
{
  g_autoptr(GBytes) plain = g_bytes_new_static (list_text, strlen (list_text));

  self->body = plain;
  shoal_filter_loader_load (self->loader, shoal_filter_load_new ("http://list.test/"));
  shoal_filter_loader_stop (self->loader);
  g_assert_nonnull (self->loaded);
  g_assert_nonnull (self->loaded->filter);
  g_clear_pointer (&self->loaded, shoal_filter_load_free);
  shoal_filter_loader_load (self->loader, shoal_filter_load_new ("http://list.test/"));
  g_assert_nonnull (self->loaded->error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/io/filter-loader/memory", Fixture, NULL, set_up, test_memory, tear_down);
  g_test_add ("/io/filter-loader/files", Fixture, NULL, set_up, test_files, tear_down);
  g_test_add ("/io/filter-loader/end", Fixture, NULL, set_up, test_end, tear_down);
  return g_test_run ();
}
