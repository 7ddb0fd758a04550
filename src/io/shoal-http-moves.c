/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where web servers have sent us on to, for a while: not every range of a file shall be asked for
 * at the old place first. */

/*
 * Only what was followed once, past every check, is kept. Links come from torrents and places from
 * servers: both are bounded in number and size, and a place that stops answering as it should is
 * forgotten by whoever asked there.
 */

#include "shoal-http-moves.h"

#include <string.h>

struct _ShoalHttpMoves
{
  GHashTable *by_url;     /* link to Move (both owned) */
};

typedef struct
{
  GUri  *to;
  gint64 until_us;
} Move;

static void
move_free (gpointer data)
{
  Move *self = data;

  g_uri_unref (self->to);
  g_free (self);
}

ShoalHttpMoves *
shoal_http_moves_new (void)
{
  ShoalHttpMoves *self = g_new0 (ShoalHttpMoves, 1);

  self->by_url = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, move_free);

  return self;
}

void
shoal_http_moves_free (ShoalHttpMoves *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->by_url);
  g_free (self);
}

static void
make_room (ShoalHttpMoves *self)
{
  GHashTableIter iter;
  gpointer url;
  gpointer value;
  gpointer first = NULL;
  gint64 until_us = G_MAXINT64;

  if (g_hash_table_size (self->by_url) < SHOAL_HTTP_MOVES_MAX)
    return;
  g_hash_table_iter_init (&iter, self->by_url);
  while (g_hash_table_iter_next (&iter, &url, &value))
    {
      const Move *move = value;

      if (first != NULL && move->until_us >= until_us)
        continue;
      first = url;
      until_us = move->until_us;
    }
  g_hash_table_remove (self->by_url, first);
}

void
shoal_http_moves_keep (ShoalHttpMoves *self,
                       const char     *url,
                       GUri           *to,
                       gboolean        permanent,
                       gint64          now_us)
{
  g_autofree char *text = g_uri_to_string (to);
  Move *move;

  if (strlen (url) > SHOAL_HTTP_MOVE_SIZE_MAX || strlen (text) > SHOAL_HTTP_MOVE_SIZE_MAX)
    return;
  if (!g_hash_table_contains (self->by_url, url))
    make_room (self);
  move = g_new0 (Move, 1);
  move->to = g_uri_ref (to);
  move->until_us = permanent ? G_MAXINT64 : now_us + SHOAL_HTTP_MOVE_US;
  g_hash_table_replace (self->by_url, g_strdup (url), move);
}

GUri *
shoal_http_moves_find (ShoalHttpMoves *self,
                       const char     *url,
                       gint64          now_us)
{
  const Move *move = g_hash_table_lookup (self->by_url, url);

  if (move == NULL)
    return NULL;
  if (move->until_us > now_us)
    return g_uri_ref (move->to);
  g_hash_table_remove (self->by_url, url);

  return NULL;
}

void
shoal_http_moves_forget (ShoalHttpMoves *self,
                         const char     *url)
{
  g_hash_table_remove (self->by_url, url);
}

void
shoal_http_moves_clear (ShoalHttpMoves *self)
{
  g_hash_table_remove_all (self->by_url);
}
