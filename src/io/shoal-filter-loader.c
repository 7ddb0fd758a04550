/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads lists of blocked addresses, plain or gzip, away from the engine's thread. */

/*
 * A thread for each list reads, unpacks, parses and sorts; what comes back is a counted value that
 * nobody changes any more, and is taken once the thread has ended. Sizes are limited before and
 * after unpacking, so that a list can be as bad as it likes.
 */

#include "shoal-filter-loader.h"

#include <gio/gio.h>
#include <pthread.h>
#include <string.h>

#define FETCH_SIZE_MAX  ((gsize) 128 * 1024 * 1024)   /* bytes of a list as it is sent */
#define FETCH_TIMEOUT_S 120
#define READ_SIZE       (256u * 1024)

struct _ShoalFilterLoader
{
  GMainContext       *context;
  ShoalFilterFetchFunc fetch;
  ShoalFilterLoadFunc loaded;
  gpointer            user_data;
  gboolean            stopped;
  guint               n_pending;
};

/* One list, in the hands of its thread until that has ended. */
typedef struct
{
  ShoalFilterLoader *loader;
  ShoalFilterLoad   *load;
  pthread_t          thread;
  char              *path;     /* (nullable) */
  GBytes            *body;     /* (nullable) */
  ShoalFilter       *filter;   /* (nullable): what came of it, */
  GError            *error;    /* (nullable): or why not */
} Work;

static void
work_free (Work *self)
{
  g_free (self->path);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_clear_pointer (&self->filter, shoal_filter_unref);
  g_clear_error (&self->error);
  g_free (self);
}

/* All that comes out of the stream, up to the limit. */
static GByteArray *
read_all (GInputStream *stream,
          GError      **error)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new ();

  for (;;)
    {
      guint before = bytes->len;
      gssize n;

      if (before > SHOAL_FILTER_SIZE_MAX)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                               "the list of blocked addresses is too large");
          return NULL;
        }
      g_byte_array_set_size (bytes, before + READ_SIZE);
      n = g_input_stream_read (stream, bytes->data + before, READ_SIZE, NULL, error);
      if (n < 0)
        return NULL;
      g_byte_array_set_size (bytes, before + (guint) n);
      if (n == 0)
        return g_steal_pointer (&bytes);
    }
}

static GByteArray *
unpack (const guint8 *data,
        gsize         size,
        GError      **error)
{
  g_autoptr(GInputStream) packed = g_memory_input_stream_new_from_data (data, (gssize) size, NULL);
  g_autoptr(GConverter) converter =
    G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
  g_autoptr(GInputStream) plain = g_converter_input_stream_new (packed, converter);

  return read_all (plain, error);
}

/* Only a regular file has an end that is sure to come. */
static GByteArray *
read_file (const char *path,
           GError    **error)
{
  g_autoptr(GFile) file = g_file_new_for_path (path);
  g_autoptr(GFileInputStream) stream = NULL;

  if (g_file_query_file_type (file, G_FILE_QUERY_INFO_NONE, NULL) == G_FILE_TYPE_SPECIAL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, "%s is no regular file", path);
      return NULL;
    }
  stream = g_file_read (file, NULL, error);

  return stream != NULL ? read_all (G_INPUT_STREAM (stream), error) : NULL;
}

static ShoalFilter *
parse (const guint8 *data,
       gsize         size,
       GError      **error)
{
  g_autoptr(ShoalFilterList) list = NULL;
  g_autoptr(GByteArray) plain = NULL;

  if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b)
    {
      plain = unpack (data, size, error);
      if (plain == NULL)
        return NULL;
      data = plain->data;
      size = plain->len;
    }
  list = shoal_filter_list_parse ((const char *) data, size, error);

  return list != NULL ? shoal_filter_new (list) : NULL;
}

static gboolean
work_done (gpointer user_data)
{
  Work *work = user_data;
  ShoalFilterLoader *self = work->loader;
  ShoalFilterLoad *load = work->load;

  pthread_join (work->thread, NULL);
  load->filter = g_steal_pointer (&work->filter);
  if (work->error != NULL)
    load->error = g_strdup (work->error->message);
  work_free (work);
  self->n_pending--;
  self->loaded (load, self->user_data);

  return G_SOURCE_REMOVE;
}

static void *
work_thread (void *data)
{
  Work *work = data;
  g_autoptr(GSource) done = g_idle_source_new ();
  g_autoptr(GByteArray) content = NULL;

  if (work->body != NULL)
    {
      gsize size;
      const guint8 *bytes = g_bytes_get_data (work->body, &size);

      work->filter = parse (bytes, size, &work->error);
    }
  else
    {
      content = read_file (work->path, &work->error);
      if (content != NULL)
        work->filter = parse (content->data, content->len, &work->error);
    }
  g_source_set_priority (done, G_PRIORITY_DEFAULT);
  g_source_set_callback (done, work_done, work, NULL);
  g_source_attach (done, work->loader->context);

  return NULL;
}

ShoalFilterLoader *
shoal_filter_loader_new (ShoalFilterFetchFunc fetch,
                         ShoalFilterLoadFunc  loaded,
                         gpointer             user_data)
{
  ShoalFilterLoader *self = g_new0 (ShoalFilterLoader, 1);

  self->context = g_main_context_ref_thread_default ();
  self->fetch = fetch;
  self->loaded = loaded;
  self->user_data = user_data;

  return self;
}

void
shoal_filter_loader_stop (ShoalFilterLoader *self)
{
  self->stopped = TRUE;
  while (self->n_pending > 0)
    g_main_context_iteration (self->context, TRUE);
}

void
shoal_filter_loader_free (ShoalFilterLoader *self)
{
  if (self == NULL)
    return;

  shoal_filter_loader_stop (self);
  g_main_context_unref (self->context);
  g_free (self);
}

static void
begin_work (ShoalFilterLoader *self,
            ShoalFilterLoad   *load,
            GBytes            *body)
{
  Work *work = g_new0 (Work, 1);
  int error;

  work->loader = self;
  work->load = load;
  if (body != NULL)
    work->body = g_bytes_ref (body);
  else
    work->path = g_strdup (load->source);
  error = pthread_create (&work->thread, NULL, work_thread, work);
  if (error == 0)
    {
      self->n_pending++;
      return;
    }
  work_free (work);
  load->error = g_strdup (g_strerror (error));
  self->loaded (load, self->user_data);
}

/* The list of a link on its way. */
typedef struct
{
  ShoalFetch         fetch;
  ShoalFilterLoader *loader;
  ShoalFilterLoad   *load;
} ListFetch;

static void
list_fetched (ShoalDone *done,
              gint64     now_us)
{
  ListFetch *list = (ListFetch *) done;
  ShoalFilterLoader *self = list->loader;
  ShoalFilterLoad *load = list->load;
  ShoalFetch *fetch = &list->fetch;

  if (fetch->body != NULL && fetch->status / 100 == 2 && !self->stopped)
    {
      begin_work (self, load, fetch->body);
    }
  else
    {
      load->error = fetch->error != NULL
                      ? g_strdup (fetch->error)
                      : g_strdup_printf ("the server answered with status %u", fetch->status);
      self->loaded (load, self->user_data);
    }
  shoal_fetch_free (fetch);
}

void
shoal_filter_loader_load (ShoalFilterLoader *self,
                          ShoalFilterLoad   *load)
{
  ListFetch *list;

  if (self->stopped)
    {
      load->error = g_strdup ("Shoal is being stopped");
      self->loaded (load, self->user_data);
      return;
    }
  if (g_path_is_absolute (load->source))
    {
      begin_work (self, load, NULL);
      return;
    }

  list = g_new0 (ListFetch, 1);
  list->loader = self;
  list->load = load;
  list->fetch.done.func = list_fetched;
  list->fetch.use = SHOAL_FETCH_LINK;
  list->fetch.url = g_strdup (load->source);
  list->fetch.max_size = FETCH_SIZE_MAX;
  list->fetch.timeout_s = FETCH_TIMEOUT_S;
  self->fetch (&list->fetch, self->user_data);
}
