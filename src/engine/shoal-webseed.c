/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A web server that has a torrent's files (BEP 19) or hands out its pieces (BEP 17): links,
 * answers, patience. */

/*
 * Nothing here asks for anything: shoal-swarm-web*.c does, and asks this for the link, for what an
 * answer is worth and for when to ask again. A file that is not there, or has another size there,
 * costs the seed the pieces of that file. A failure costs time, twice as much with every one in a
 * row. Only who sends what nobody asked for, or wrong data, is given up.
 */

#include "shoal-webseed.h"

#include <string.h>

#define HTTP_OK                  200u
#define HTTP_PARTIAL             206u
#define HTTP_RANGE_NOT_SATISFIED 416u
#define HTTP_TOO_MANY            429u
#define HTTP_UNAVAILABLE         503u

/* Whoever may not give a file will not give it in a minute either. */
static const guint16 gone[] = { 401, 403, 404, 405, 410, 451 };

/* --- Life --- */

ShoalWebseed *
shoal_webseed_new (ShoalWebseedKind kind,
                   const char      *url,
                   guint            contributor)
{
  ShoalWebseed *self;

  if (g_ascii_strncasecmp (url, "http://", 7) != 0 && g_ascii_strncasecmp (url, "https://", 8) != 0)
    return NULL;

  self = g_new0 (ShoalWebseed, 1);
  self->kind = kind;
  self->url = g_strdup (url);
  self->contributor = contributor;
  self->max_lanes = 1;

  return self;
}

void
shoal_webseed_free (ShoalWebseed *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->bits, shoal_bitfield_free);
  g_free (self->url);
  g_free (self->why);
  g_free (self);
}

gboolean
shoal_webseed_is_ready (const ShoalWebseed *self,
                        gint64              now_us)
{
  return !self->useless && self->until_us <= now_us;
}

gboolean
shoal_webseed_has_piece (const ShoalWebseed *self,
                         guint32             piece)
{
  return self->bits == NULL || shoal_bitfield_get (self->bits, piece);
}

/* --- Links --- */

/* The path begins with the torrent's name: a folder of files, or the file. */
char *
shoal_webseed_file_url (const ShoalWebseed  *self,
                        const ShoalMetainfo *metainfo,
                        guint32              file)
{
  GString *url = g_string_new (self->url);
  g_auto(GStrv) parts = NULL;

  g_return_val_if_fail (file < metainfo->layout->n_files, g_string_free (url, FALSE));

  if (!metainfo->single && !g_str_has_suffix (self->url, "/"))
    g_string_append_c (url, '/');
  else if (metainfo->single && !g_str_has_suffix (self->url, "/"))
    return g_string_free (url, FALSE);

  parts = g_strsplit (metainfo->files[file].path, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (url, '/');
      g_string_append_uri_escaped (url, parts[i], NULL, FALSE);
    }

  return g_string_free (url, FALSE);
}

char *
shoal_webseed_piece_url (const ShoalWebseed  *self,
                         const ShoalMetainfo *metainfo,
                         guint32              piece,
                         guint32              first,
                         guint32              size)
{
  GString *url = g_string_new (self->url);

  g_string_append_c (url, strchr (self->url, '?') != NULL ? '&' : '?');
  g_string_append (url, "info_hash=");
  for (guint i = 0; i < SHOAL_SHA1_SIZE; i++)
    g_string_append_printf (url, "%%%02X", metainfo->hash.v1.bytes[i]);
  g_string_append_printf (url, "&piece=%u", piece);
  if (size < shoal_layout_piece_size (metainfo->layout, piece))
    g_string_append_printf (url, "&ranges=%u-%u", first, first + size - 1);

  return g_string_free (url, FALSE);
}

/* --- Patience --- */

static void
say_why (ShoalWebseed *self,
         const char   *why)
{
  g_free (self->why);
  self->why = g_strdup (why);
  g_debug ("web seed %s: %s", self->url, why);
}

void
shoal_webseed_worked (ShoalWebseed *self)
{
  self->n_fails = 0;
  self->max_lanes = MIN (self->max_lanes + 1, SHOAL_WEBSEED_LANES);
  g_clear_pointer (&self->why, g_free);
}

void
shoal_webseed_failed (ShoalWebseed *self,
                      const char   *why,
                      gint64        now_us)
{
  gint64 wait_us = SHOAL_WEBSEED_RETRY_US << MIN (self->n_fails, 8);

  self->n_fails++;
  self->max_lanes = 1;
  self->until_us = now_us + MIN (wait_us, SHOAL_WEBSEED_RETRY_MAX_US);
  say_why (self, why);
}

void
shoal_webseed_later (ShoalWebseed *self,
                     guint         after_s,
                     gint64        now_us)
{
  shoal_webseed_failed (self, "it is busy", now_us);
  if (after_s > 0)
    self->until_us = now_us + (gint64) MIN (after_s, SHOAL_WEBSEED_AFTER_MAX_S) * G_USEC_PER_SEC;
}

void
shoal_webseed_give_up (ShoalWebseed *self,
                       const char   *why)
{
  if (self->useless)
    return;
  self->useless = TRUE;
  say_why (self, why);
  g_info ("a web seed is given up: %s", why);
}

void
shoal_webseed_lacks (ShoalWebseed      *self,
                     const ShoalLayout *layout,
                     guint32            file,
                     gint64             now_us)
{
  guint32 first, end;

  shoal_layout_file_pieces (layout, file, &first, &end);
  if (self->bits == NULL)
    {
      self->bits = shoal_bitfield_new (layout->n_pieces);
      shoal_bitfield_set_all (self->bits);
    }
  for (guint32 piece = first; piece < end; piece++)
    shoal_bitfield_clear (self->bits, piece);
  if (!shoal_bitfield_is_empty (self->bits))
    return;

  g_clear_pointer (&self->bits, shoal_bitfield_free);
  self->max_lanes = 1;
  self->until_us = now_us + SHOAL_WEBSEED_EMPTY_US;
  say_why (self, "nothing of the torrent is there");
}

/* --- Answers --- */

static ShoalWebseedVerdict
useless (ShoalWebseed *self,
         const char   *why)
{
  shoal_webseed_give_up (self, why);

  return SHOAL_WEBSEED_USELESS;
}

static ShoalWebseedVerdict
judge_part (ShoalWebseed     *self,
            const ShoalFetch *fetch,
            guint64           file_size)
{
  if (!fetch->has_range)
    return useless (self, "it does not say which part it sends");
  if (fetch->got_total != SHOAL_SIZE_UNKNOWN && fetch->got_total != file_size)
    return SHOAL_WEBSEED_GONE;
  if (fetch->got_first != fetch->range_first)
    return useless (self, "it sends another part than was asked for");

  return SHOAL_WEBSEED_TAKE;
}

static ShoalWebseedVerdict
judge_whole (ShoalWebseed     *self,
             const ShoalFetch *fetch,
             guint64           file_size)
{
  if (fetch->content_size != SHOAL_SIZE_UNKNOWN && fetch->content_size != file_size)
    return SHOAL_WEBSEED_GONE;
  if (fetch->range_first > 0)
    return useless (self, "it does not send parts of files");

  return SHOAL_WEBSEED_TAKE;
}

ShoalWebseedVerdict
shoal_webseed_judge (ShoalWebseed     *self,
                     const ShoalFetch *fetch,
                     guint64           file_size,
                     gint64            now_us)
{
  g_autofree char *why = NULL;

  if (fetch->status == HTTP_OK || fetch->status == HTTP_PARTIAL)
    {
      if (fetch->encoded)
        return useless (self, "its answers are compressed");

      return fetch->status == HTTP_PARTIAL && self->kind == SHOAL_WEBSEED_FILES
               ? judge_part (self, fetch, file_size)
               : judge_whole (self, fetch, file_size);
    }
  if (fetch->status == HTTP_RANGE_NOT_SATISFIED)
    return SHOAL_WEBSEED_GONE;
  for (guint i = 0; i < G_N_ELEMENTS (gone); i++)
    if (fetch->status == gone[i])
      return SHOAL_WEBSEED_GONE;
  if (fetch->status == HTTP_UNAVAILABLE && self->kind == SHOAL_WEBSEED_PIECES
      && fetch->retry_after_s == 0)
    return SHOAL_WEBSEED_HINT;
  if (fetch->status == HTTP_UNAVAILABLE || fetch->status == HTTP_TOO_MANY)
    {
      shoal_webseed_later (self, fetch->retry_after_s, now_us);
      return SHOAL_WEBSEED_LATER;
    }
  why = g_strdup_printf ("it answers with status %u", fetch->status);
  shoal_webseed_failed (self, why, now_us);

  return SHOAL_WEBSEED_LATER;
}
