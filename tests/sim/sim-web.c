/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Web servers that have the torrent's file; how good one is stands in its link. */

#include "sim-web.h"

#include <string.h>

#define STEP_US    100000
#define CHUNK_SIZE 8192u      /* read at once from the content */

/* An answer under way; the request's host_data. */
typedef struct
{
  guint64  at;
  guint64  end;
  guint64  rate;
  guint64  lies;
  guint64  breaks;
  gboolean stalls;
} Answer;

void
sim_web_add_seeds (SimTorrent        *torrent,
                   const char *const *urls)
{
  gsize size;
  const char *bytes = g_bytes_get_data (torrent->bytes, &size);
  GString *text = g_string_new_len (bytes, (gssize) size - 1);
  g_autoptr(GError) error = NULL;

  g_string_append (text, "8:url-listl");
  for (guint i = 0; urls[i] != NULL; i++)
    g_string_append_printf (text, "%zu:%s", strlen (urls[i]), urls[i]);
  g_string_append (text, "ee");
  g_bytes_unref (torrent->bytes);
  torrent->bytes = g_string_free_to_bytes (text);
  shoal_metainfo_unref (torrent->metainfo);
  torrent->metainfo = shoal_metainfo_parse (torrent->bytes, &error);
  g_assert_no_error (error);
}

static guint64
switch_of (const char *url,
           const char *name)
{
  g_autofree char *key = g_strconcat (name, "=", NULL);
  const char *at = strstr (url, key);

  return at != NULL ? g_ascii_strtoull (at + strlen (key), NULL, 10) : 0;
}

static SimTorrent *
torrent_of (SimWorld *world)
{
  return g_ptr_array_index (world->torrents, 0);
}

/* FALSE: there is no body. */
static gboolean
begin (SimWorld   *world,
       ShoalFetch *fetch)
{
  Answer *answer = g_new0 (Answer, 1);

  fetch->host_data = answer;
  answer->rate = switch_of (fetch->url, "rate");
  answer->lies = switch_of (fetch->url, "lies");
  answer->breaks = switch_of (fetch->url, "breaks");
  answer->stalls = shoal_rng_below (&world->rng, 100) < switch_of (fetch->url, "stalls");
  answer->at = fetch->range_first;
  answer->end = fetch->range_first + fetch->range_size;
  g_assert (fetch->range_size > 0 && answer->end <= torrent_of (world)->size);

  if (shoal_rng_below (&world->rng, 100) < switch_of (fetch->url, "fails"))
    {
      fetch->status = 503;
      fetch->retry_after_s = (guint) shoal_rng_below (&world->rng, 20);
    }
  else
    {
      fetch->status = 206;
      fetch->has_range = TRUE;
      fetch->got_first = answer->at;
      fetch->got_last = answer->end - 1;
      fetch->got_total = torrent_of (world)->size;
      fetch->content_size = fetch->range_size;
    }

  return fetch->sink->head (fetch, world->now_us) && fetch->status == 206;
}

/* @offset of any kind. */
static void
read_content (const SimTorrent *torrent,
              guint64           offset,
              guint8           *out,
              gsize             size)
{
  guint8 bytes[CHUNK_SIZE + 16];
  guint64 first = offset / 8 * 8;

  g_assert (size <= CHUNK_SIZE);
  sim_torrent_fill (torrent, first, bytes, (gsize) (offset - first) + size);
  memcpy (out, bytes + (offset - first), size);
}

static gboolean
send_chunk (SimWorld   *world,
            ShoalFetch *fetch,
            guint64    *budget,
            guint64    *received)
{
  Answer *answer = fetch->host_data;
  gsize size = 0;
  guint8 *room = fetch->sink->room (fetch, &size, world->now_us);

  if (room == NULL)
    return FALSE;
  size = (gsize) MIN (MIN (MIN (size, CHUNK_SIZE), answer->end - answer->at), *budget);
  read_content (torrent_of (world), answer->at, room, size);
  if (answer->lies > 0 && shoal_rng_below (&world->rng, answer->lies) == 0)
    room[size - 1] ^= 0x40;
  answer->at += size;
  *budget -= size;
  *received += size;
  sim_world_mix (world, answer->at);
  fetch->sink->came (fetch, size, world->now_us);

  return TRUE;
}

gint64
sim_web_step (SimWorld   *world,
              ShoalFetch *fetch,
              guint64    *received)
{
  Answer *answer = fetch->host_data;
  guint64 budget;

  if (fetch->cancelled)
    return 0;
  if (answer == NULL)
    return begin (world, fetch) ? world->now_us + 1 : 0;
  if (answer->stalls)
    return world->now_us + STEP_US;

  budget = MAX (answer->rate * STEP_US / G_USEC_PER_SEC, 1);
  while (budget > 0 && answer->at < answer->end && !fetch->cancelled)
    {
      if (!send_chunk (world, fetch, &budget, received))
        break;
      if (answer->breaks > 0 && shoal_rng_below (&world->rng, 100) < answer->breaks)
        {
          fetch->error = g_strdup ("the connection broke");
          return 0;
        }
    }

  return fetch->cancelled || answer->at == answer->end ? 0 : world->now_us + STEP_US;
}
