/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads lists of blocked addresses, plain or gzip, away from the engine's thread. */

/*
 * A thread of GTask's pool reads, unpacks, parses and sorts; what comes back is a counted value that nobody changes any
 * more. It is handed over under a lock of our own, which the thread sanitizer sees, unlike GTask's. Sizes are limited before and after unpacking, so that a list can be as bad as it likes.
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

typedef struct
{
  pthread_mutex_t lock;
  char           *path;     /* (nullable) */
  GBytes         *body;     /* (nullable) */
  ShoalFilter    *filter;   /* (nullable): what came of it, */
  GError         *error;    /* (nullable): or why not */
} Work;

static void
work_free (gpointer data)
{
  Work *self = data;

  pthread_mutex_destroy (&self->lock);
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
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the list of blocked addresses is too large");
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
  g_autoptr(GConverter) converter = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
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

static void
work_thread (GTask        *task,
             gpointer      source,
             gpointer      task_data,
             GCancellable *cancellable)
{
  Work *work = task_data;
  g_autoptr(GByteArray) content = NULL;

  pthread_mutex_lock (&work->lock);
  if (work->body != NULL)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (work->body, &size);

      work->filter = parse (data, size, &work->error);
    }
  else
    {
      content = read_file (work->path, &work->error);
      if (content != NULL)
        work->filter = parse (content->data, content->len, &work->error);
    }
  pthread_mutex_unlock (&work->lock);
  g_task_return_boolean (task, TRUE);
}

typedef struct
{
  ShoalFilterLoader *loader;
  ShoalFilterLoad   *load;
} Pending;

static void
work_done (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  g_autofree Pending *pending = user_data;
  ShoalFilterLoader *self = pending->loader;
  Work *work = g_task_get_task_data (G_TASK (result));

  pthread_mutex_lock (&work->lock);
  pending->load->filter = g_steal_pointer (&work->filter);
  if (work->error != NULL)
    pending->load->error = g_strdup (work->error->message);
  pthread_mutex_unlock (&work->lock);
  self->n_pending--;
  self->loaded (pending->load, self->user_data);
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
  Pending *pending = g_new (Pending, 1);
  Work *work = g_new0 (Work, 1);
  g_autoptr(GTask) task = NULL;

  *pending = (Pending){ self, load };
  pthread_mutex_init (&work->lock, NULL);
  pthread_mutex_lock (&work->lock);
  if (body != NULL)
    work->body = g_bytes_ref (body);
  else
    work->path = g_strdup (load->source);
  pthread_mutex_unlock (&work->lock);
  self->n_pending++;
  g_main_context_push_thread_default (self->context);
  task = g_task_new (NULL, NULL, work_done, pending);
  g_main_context_pop_thread_default (self->context);
  g_task_set_task_data (task, work, work_free);
  g_task_run_in_thread (task, work_thread);
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
      load->error = fetch->error != NULL ? g_strdup (fetch->error) : g_strdup_printf ("the server answered with status %u", fetch->status);
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
