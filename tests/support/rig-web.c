/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Web servers for a rig, each as good as its switches say. */

#include "rig-web.h"

#include <string.h>

struct _RigWeb
{
  Rig         *rig;
  RigWebServer servers[RIG_WEB_MAX];
  guint        n_servers;
};

/* An answer under way; in the request's host_data. */
typedef struct
{
  RigWebServer *server;
  gboolean      told;       /* the head */
  const guint8 *data;       /* what is sent; NULL: the hint */
  guint64       at;
  guint64       size;
} Answer;

static RigWebServer *
server_of (RigWeb           *self,
           const ShoalFetch *fetch)
{
  for (guint i = 0; i < self->n_servers; i++)
    {
      g_autofree char *begin = g_strdup_printf ("http://%s/", self->servers[i].name);

      if (g_str_has_prefix (fetch->url, begin))
        return &self->servers[i];
    }
  g_error ("Nobody is at %s", fetch->url);
}

/* The piece's part that a link of BEP 17 names. */
static void
find_piece (RigWeb     *self,
            const char *url,
            Answer     *answer)
{
  const ShoalLayout *layout = self->rig->content->metainfo->layout;
  const char *piece_text = strstr (url, "&piece=");
  const char *ranges = strstr (url, "&ranges=");
  guint32 piece;

  g_assert_nonnull (strstr (url, "?info_hash=%"));
  g_assert_nonnull (piece_text);
  piece = (guint32) g_ascii_strtoull (piece_text + 7, NULL, 10);
  g_assert_cmpuint (piece, <, layout->n_pieces);
  answer->data = self->rig->content->truth + shoal_layout_piece_offset (layout, piece);
  answer->size = shoal_layout_piece_size (layout, piece);
  if (ranges != NULL)
    {
      char *end;
      guint64 first = g_ascii_strtoull (ranges + 8, &end, 10);
      guint64 last = g_ascii_strtoull (end + 1, NULL, 10);

      g_assert_cmpint (*end, ==, '-');
      g_assert_cmpuint (last, <, answer->size);
      answer->data += first;
      answer->size = last + 1 - first;
    }
}

/* The file that a link names, whole. FALSE: there is none. */
static gboolean
find_file (RigWeb       *self,
           const char   *url,
           RigWebServer *server,
           Answer       *answer)
{
  const ShoalMetainfo *metainfo = self->rig->content->metainfo;
  g_autofree char *path =
    g_uri_unescape_string (url + strlen ("http://") + strlen (server->name) + 1, NULL);

  for (guint32 file = 0; file < metainfo->layout->n_files; file++)
    if (g_strcmp0 (path, metainfo->files[file].path) == 0)
      {
        g_assert_false (metainfo->layout->file_pad[file]);
        answer->data = self->rig->content->truth + metainfo->layout->file_offset[file];
        answer->size = metainfo->layout->file_size[file];
        return TRUE;
      }

  return FALSE;
}

static void
make_part (RigWebServer *server,
           ShoalFetch   *fetch,
           Answer       *answer)
{
  guint64 total = answer->size;

  g_assert_cmpuint (fetch->range_size, >, 0);
  g_assert_cmpuint (fetch->range_first + fetch->range_size, <=, total);
  fetch->status = server->whole ? 200 : 206;
  if (!server->whole)
    {
      guint64 size = server->chatters ? total - fetch->range_first : fetch->range_size;

      fetch->has_range = TRUE;
      fetch->got_first = fetch->range_first + (server->shifts ? 1 : 0);
      fetch->got_last = fetch->range_first + size - 1;
      fetch->got_total = total + (server->grew ? 1 : 0);
      answer->data += fetch->range_first;
      answer->size = size;
    }
}

static void
make_answer (RigWeb       *self,
             RigWebServer *server,
             ShoalFetch   *fetch,
             Answer       *answer)
{
  if (server->status != 0)
    {
      fetch->status = server->status;
      fetch->retry_after_s = server->retry_after_s;
      answer->data = (const guint8 *) server->hint;
      answer->size = server->hint != NULL ? strlen (server->hint) : 0;
    }
  else if (strstr (fetch->url, "?info_hash=") != NULL)
    {
      fetch->status = 200;
      find_piece (self, fetch->url, answer);
    }
  else if ((server->missing != NULL && strstr (fetch->url, server->missing) != NULL)
           || !find_file (self, fetch->url, server, answer))
    {
      fetch->status = 404;
      answer->size = 0;
    }
  else
    {
      make_part (server, fetch, answer);
    }
  fetch->encoded = server->packs;
  fetch->content_size = answer->size;
  if (server->stops_after > 0)
    answer->size = MIN (answer->size, server->stops_after);
}

static void
end (RigWeb     *self,
     guint       index,
     const char *error)
{
  ShoalFetch *fetch = g_ptr_array_index (self->rig->fake->fetches, index);
  guint status = fetch->status;

  g_clear_pointer (&fetch->host_data, g_free);
  fake_host_answer_fetch (self->rig->fake, index, status, NULL, 0, error, self->rig->now_us);
}

/* FALSE: it is over. */
static gboolean
serve_one (RigWeb *self,
           guint   index)
{
  ShoalFetch *fetch = g_ptr_array_index (self->rig->fake->fetches, index);
  RigWebServer *server = server_of (self, fetch);
  Answer *answer = fetch->host_data;
  guint64 left = server->rate > 0 ? server->rate : G_MAXUINT64;

  if (fetch->cancelled)
    {
      end (self, index, "cancelled");
      return FALSE;
    }
  if (answer == NULL)
    {
      answer = fetch->host_data = g_new0 (Answer, 1);
      server->n_requests++;
      make_answer (self, server, fetch, answer);
      if (!fetch->sink->head (fetch, self->rig->now_us))
        {
          end (self, index, "of no use");
          return FALSE;
        }
      return TRUE;
    }

  while (!server->silent && left > 0 && answer->at < answer->size && !fetch->cancelled)
    {
      gsize size = 0;
      guint8 *room = fetch->sink->room (fetch, &size, self->rig->now_us);

      if (room == NULL)
        return TRUE;
      size = (gsize) MIN (MIN (size, left), answer->size - answer->at);
      memcpy (room, answer->data + answer->at, size);
      if (server->lies)
        room[0] ^= 1;
      answer->at += size;
      left -= size;
      server->n_bytes += size;
      fetch->sink->came (fetch, size, self->rig->now_us);
    }
  if (fetch->cancelled || (!server->silent && answer->at == answer->size))
    {
      end (self, index, server->stops_after > 0 ? "the connection broke" : NULL);
      return FALSE;
    }

  return TRUE;
}

static void
serve (Rig     *rig,
       gpointer data)
{
  RigWeb *self = data;
  GPtrArray *fetches = rig->fake->fetches;
  guint n_under_way[RIG_WEB_MAX] = { 0 };

  for (guint i = 0; i < fetches->len; i++)
    {
      ShoalFetch *fetch = g_ptr_array_index (fetches, i);

      if (fetch->use == SHOAL_FETCH_SEED && !fetch->cancelled)
        {
          RigWebServer *server = server_of (self, fetch);

          server->n_at_once = MAX (server->n_at_once, ++n_under_way[server - self->servers]);
        }
    }
  /* What begins meanwhile is answered in the next turn. */
  for (guint i = 0, n = fetches->len; i < n;)
    {
      if (((ShoalFetch *) g_ptr_array_index (fetches, i))->use != SHOAL_FETCH_SEED
          || serve_one (self, i))
        i++;
      else
        n--;
    }
}

RigWeb *
rig_web_new (Rig *rig)
{
  RigWeb *self = g_new0 (RigWeb, 1);

  self->rig = rig;
  rig->fake->keeps_seeds = TRUE;
  rig->serve = serve;
  rig->serve_data = self;

  return self;
}

void
rig_web_free (RigWeb *self)
{
  for (guint i = 0; i < self->rig->fake->fetches->len; i++)
    {
      ShoalFetch *fetch = g_ptr_array_index (self->rig->fake->fetches, i);

      g_clear_pointer (&fetch->host_data, g_free);
    }
  self->rig->fake->keeps_seeds = FALSE;
  self->rig->serve = NULL;
  g_free (self);
}

RigWebServer *
rig_web_add (RigWeb     *self,
             const char *name)
{
  RigWebServer *server = &self->servers[self->n_servers++];

  g_assert_cmpuint (self->n_servers, <=, RIG_WEB_MAX);
  server->name = name;

  return server;
}

void
rig_web_start (RigWeb  *self,
               gboolean pieces)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);
  gsize size;
  const char *torrent = g_bytes_get_data (self->rig->content->torrent, &size);
  GString *more = g_string_new (NULL);
  GString *list = g_string_new (pieces ? "9:httpseedsl" : "8:url-listl");

  for (guint i = 0; i < self->n_servers; i++)
    {
      g_autofree char *url = g_strdup_printf ("http://%s/%s", self->servers[i].name,
                                              pieces ? "seed" : "");

      g_string_append_printf (list, "%zu:%s", strlen (url), url);
    }
  g_string_append_c (list, 'e');
  /* "httpseeds" stands before "info", "url-list" behind it; the order is not asked for when
   * reading. */
  g_string_append_len (more, torrent, (gssize) size - 1);
  g_string_append_printf (more, "%se", list->str);
  g_string_free (list, TRUE);

  command->add = shoal_add_options_new ();
  command->add->dir = g_strdup ("/");
  command->add->metainfo = g_string_free_to_bytes (more);
  rig_send (self->rig, command);
  g_assert_no_error (self->rig->reply);
}
