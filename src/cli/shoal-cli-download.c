/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shoal-cli download: fetches torrents, and seeds them if asked to. */

#include "shoal-cli-commands.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "shoal-cli-options.h"
#include "shoal-cli-report.h"
#include "shoal-error-text.h"
#include "shoal-error.h"
#include "shoal-magnet.h"
#include "shoal-metainfo.h"
#include "shoal-session.h"
#include "shoal-source.h"

/* What the engine tells of a torrent may come before the answer to its adding, so it is noted by id
 * first, and every change ends in settle(), which says what is to be said and looks whether all is
 * done. */

#define TICK_MS       1000
#define TERMINAL_MS   500
#define STOP_MS       3000   /* for goodbyes after a signal */

typedef struct
{
  char    *dir;
  char   **peers;
  gboolean sequential;
  gboolean super_seeding;
  char    *select;
  gboolean seed;
  double   seed_ratio;     /* < 0: not given */
  double   seed_time;
  gboolean json;
  gboolean quiet;
  char   **sources;
} Arguments;

/* What is known of a torrent of the session. */
typedef struct
{
  char    *name;
  char    *hash;
  gboolean complete;
} Seen;

/* One SOURCE. */
typedef struct
{
  char    *source;
  GBytes  *torrent;        /* nullable: a link */
  guint64  id;             /* 0: not answered yet */
  gboolean metadata_told;
  gboolean complete_told;
  gint64   complete_us;
  gboolean seeded;
  gboolean failed;
  gboolean alias;          /* the same torrent as an earlier one */
} Item;

typedef struct
{
  const Arguments *arguments;
  ShoalSession    *session;
  GMainLoop       *loop;
  GPtrArray       *items;       /* of Item */
  GHashTable      *seen;        /* id (guint64) to Seen */
  ShoalExit        exit;
  gboolean         quitting;
  gboolean         signalled;
} Download;

typedef struct
{
  Download *download;
  Item     *item;
} Adding;

static void
arguments_clear (Arguments *self)
{
  g_free (self->dir);
  g_strfreev (self->peers);
  g_free (self->select);
  g_strfreev (self->sources);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static void
item_free (gpointer data)
{
  Item *self = data;

  g_free (self->source);
  g_clear_pointer (&self->torrent, g_bytes_unref);
  g_free (self);
}

static void
seen_free (gpointer data)
{
  Seen *self = data;

  g_free (self->name);
  g_free (self->hash);
  g_free (self);
}

static Seen *
see (Download *self,
     guint64   id)
{
  Seen *seen = g_hash_table_lookup (self->seen, &id);

  if (seen == NULL)
    {
      seen = g_new0 (Seen, 1);
      g_hash_table_insert (self->seen, g_memdup2 (&id, sizeof id), seen);
    }

  return seen;
}

static Item *
item_of (Download *self,
         guint64   id)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      Item *item = g_ptr_array_index (self->items, i);

      if (item->id == id && !item->alias)
        return item;
    }

  return NULL;
}

/* --- Saying --- */

static void
say_event (Download   *self,
           const char *event,
           const Seen *seen,
           gboolean    with_hash)
{
  if (self->arguments->json)
    shoal_cli_report_event_json (event, seen->name, seen->hash);
  else if (!self->arguments->quiet)
    shoal_cli_report_event (event, seen->name, with_hash ? seen->hash : NULL);
}

static ShoalTorrent *
torrent_of (Download *self,
            Item     *item)
{
  return item->id != 0 && !item->alias
           ? shoal_torrent_list_lookup (shoal_session_get_torrents (self->session), item->id)
           : NULL;
}

static void
say_progress (Download *self)
{
  g_autoptr(GPtrArray) torrents = g_ptr_array_new ();

  for (guint i = 0; i < self->items->len; i++)
    {
      ShoalTorrent *torrent = torrent_of (self, g_ptr_array_index (self->items, i));

      if (torrent != NULL)
        g_ptr_array_add (torrents, torrent);
    }
  if (self->arguments->json)
    shoal_cli_report_json (self->session, torrents);
  else if (!self->arguments->quiet)
    shoal_cli_report_line (self->session, torrents);
}

/* --- Ending --- */

static void
quit_cb (GObject      *object,
         GAsyncResult *result,
         gpointer      user_data)
{
  Download *self = user_data;

  shoal_session_quit_finish (SHOAL_SESSION (object), result, NULL);
  g_main_loop_quit (self->loop);
}

static void
quit (Download *self)
{
  if (self->quitting)
    return;

  self->quitting = TRUE;
  shoal_cli_progress_clear ();
  shoal_session_quit_async (self->session, quit_cb, self);
}

static gboolean
too_late_cb (gpointer user_data)
{
  _exit (((Download *) user_data)->exit);
}

static gboolean
take_signal (Download *self,
             ShoalExit exit)
{
  if (self->signalled)
    _exit (exit);

  self->signalled = TRUE;
  if (!self->quitting)
    {
      self->exit = exit;
      g_timeout_add (STOP_MS, too_late_cb, self);
      quit (self);
    }

  return G_SOURCE_CONTINUE;
}

static gboolean
interrupt_cb (gpointer user_data)
{
  return take_signal (user_data, SHOAL_EXIT_INTERRUPT);
}

static gboolean
terminate_cb (gpointer user_data)
{
  return take_signal (user_data, SHOAL_EXIT_TERMINATE);
}

static void
item_failed (Download *self,
             Item     *item,
             ShoalExit exit)
{
  item->failed = TRUE;
  /* What was wrong from the beginning is the more useful answer. */
  self->exit = MAX (self->exit, exit);
}

static void
settle_item (Download *self,
             Item     *item)
{
  Seen *seen;

  if (item->id == 0 || item->alias)
    return;

  seen = see (self, item->id);
  if (seen->name != NULL && !item->metadata_told)
    {
      item->metadata_told = TRUE;
      say_event (self, "metadata", seen, TRUE);
    }
  if (seen->complete && seen->name != NULL && !item->complete_told)
    {
      item->complete_told = TRUE;
      item->complete_us = g_get_monotonic_time ();
      say_event (self, "complete", seen, FALSE);
    }
}

static gboolean
is_settled (Download *self,
            Item     *item)
{
  if (item->failed || item->alias)
    return TRUE;

  return item->complete_told && (!self->arguments->seed || item->seeded);
}

static void
settle (Download *self)
{
  gboolean all = TRUE;

  if (self->quitting)
    return;

  for (guint i = 0; i < self->items->len; i++)
    {
      settle_item (self, g_ptr_array_index (self->items, i));
      all &= is_settled (self, g_ptr_array_index (self->items, i));
    }

  if (all)
    quit (self);
}

static void
stop_seeding (Download *self,
              Item     *item)
{
  if (item->seeded)
    return;

  item->seeded = TRUE;
  shoal_session_pause (self->session, item->id);
}

static gboolean
tick_cb (gpointer user_data)
{
  Download *self = user_data;
  const Arguments *arguments = self->arguments;

  if (self->quitting)
    return G_SOURCE_REMOVE;

  for (guint i = 0; i < self->items->len; i++)
    {
      Item *item = g_ptr_array_index (self->items, i);

      if (item->complete_told && arguments->seed_time >= 0.0
          && (double) (g_get_monotonic_time () - item->complete_us)
               >= arguments->seed_time * 60.0 * G_USEC_PER_SEC)
        stop_seeding (self, item);
    }
  settle (self);
  if (self->quitting)
    return G_SOURCE_REMOVE;

  say_progress (self);

  return G_SOURCE_CONTINUE;
}

/* --- Hearing --- */

static void
metadata_cb (ShoalSession *session,
             guint64       id,
             const char   *name,
             const char   *hash,
             Download     *self)
{
  Seen *seen = see (self, id);

  if (seen->name == NULL)
    {
      seen->name = g_strdup (name);
      seen->hash = g_strdup (hash);
    }
  settle (self);
}

static void
complete_cb (ShoalSession *session,
             guint64       id,
             Download     *self)
{
  see (self, id)->complete = TRUE;
  settle (self);
}

/* Two of the links were one torrent. */
static void
merged_cb (ShoalSession *session,
           guint64       id,
           guint64       left,
           Download     *self)
{
  Item *item = item_of (self, id);

  if (item == NULL)
    return;
  item->alias = item_of (self, left) != NULL;
  item->id = left;
  settle (self);
}

static void
state_cb (ShoalSession *session,
          guint64       id,
          guint         state,
          guint         reason,
          const char   *detail,
          Download     *self)
{
  Item *item = item_of (self, id);

  if (item == NULL)
    return;

  if (state == SHOAL_TORRENT_FAILED && !item->failed)
    {
      g_autofree char *text = shoal_reason_text (reason, self->arguments->dir, detail);

      shoal_cli_complain (item->source, "%s%s%s%s", text, detail != NULL ? " (" : "",
                          detail != NULL ? detail : "", detail != NULL ? ")" : "");
      item_failed (self, item, SHOAL_EXIT_FAILED);
    }
  /* The engine stops what has reached its ratio. */
  else if (state == SHOAL_TORRENT_PAUSED && item->complete_told)
    {
      item->seeded = TRUE;
    }
  settle (self);
}

static void
listening_cb (Download *self)
{
  const char *text = shoal_session_get_listening_error (self->session);

  if (text != NULL && !self->arguments->quiet)
    shoal_cli_complain (NULL, "peers cannot reach us: %s", text);
}

static void
added_cb (GObject      *object,
          GAsyncResult *result,
          gpointer      user_data)
{
  g_autofree Adding *adding = user_data;
  Download *self = adding->download;
  Item *item = adding->item;
  g_autoptr(GError) error = NULL;
  guint64 id = 0;

  if (shoal_session_add_finish (SHOAL_SESSION (object), result, &id, &error))
    {
      item->id = id;
    }
  else if (g_error_matches (error, SHOAL_ENGINE_ERROR, SHOAL_ENGINE_ERROR_DUPLICATE) && id != 0)
    {
      item->alias = item_of (self, id) != NULL;
      item->id = id;
      if (!item->alias)
        {
          /* Kept from an earlier run: it goes on from there. */
          for (guint i = 0; self->arguments->peers != NULL && self->arguments->peers[i] != NULL;
               i++)
            shoal_session_add_peer (self->session, id, self->arguments->peers[i]);
          shoal_session_start (self->session, id);
        }
    }
  else if (!self->quitting)
    {
      item_failed (self, item, shoal_cli_fail (item->source, error));
    }

  settle (self);
}

static void
add_item (Download *self,
          Item     *item)
{
  const Arguments *arguments = self->arguments;
  const ShoalAddParams params = {
    .dir = arguments->dir,
    .select = arguments->select,
    .peers = (const char *const *) arguments->peers,
    .sequential = arguments->sequential,
    .super_seeding = arguments->super_seeding,
  };
  Adding *adding = g_new0 (Adding, 1);

  adding->download = self;
  adding->item = item;
  if (item->torrent != NULL)
    shoal_session_add_bytes_async (self->session, item->torrent, &params, NULL, added_cb, adding);
  else
    shoal_session_add_uri_async (self->session, item->source, &params, NULL, added_cb, adding);
  g_clear_pointer (&item->torrent, g_bytes_unref);
}

/* --- Beginning --- */

static gboolean
check_select (const ShoalMetainfo *metainfo,
              const char          *source,
              const char          *select)
{
  g_autoptr(GArray) ranges = select != NULL ? shoal_ranges_parse (select, NULL) : NULL;
  guint32 last;

  if (ranges == NULL || ranges->len == 0)
    return TRUE;

  last = g_array_index (ranges, ShoalRange, ranges->len - 1).last;
  if (last < metainfo->layout->n_files)
    return TRUE;

  shoal_cli_complain (source, "--select names file %u, but there are only %u, counted from 0", last,
                      metainfo->layout->n_files);
  return FALSE;
}

/* (transfer full) (nullable): %NULL: it is wrong, and that was told. */
static Item *
make_item (const char *source,
           const char *select)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = NULL;
  Item *item;

  if (shoal_magnet_looks_like (source))
    {
      g_autoptr(ShoalMagnet) magnet = shoal_magnet_parse (source, &error);

      if (magnet == NULL)
        {
          shoal_cli_fail_source (source, error);
          return NULL;
        }
    }
  else if (!shoal_source_is_link (source))
    {
      g_autoptr(ShoalMetainfo) metainfo = NULL;

      bytes = shoal_source_load (source, &error);
      metainfo = bytes != NULL ? shoal_metainfo_parse (bytes, &error) : NULL;
      if (metainfo == NULL)
        {
          shoal_cli_fail_source (source, error);
          return NULL;
        }
      if (!check_select (metainfo, source, select))
        return NULL;
    }

  item = g_new0 (Item, 1);
  item->source = g_strdup (source);
  item->torrent = g_steal_pointer (&bytes);
  return item;
}

static gboolean
check_arguments (Arguments *self)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *dir = NULL;

  if (self->sources == NULL || self->dir == NULL)
    {
      shoal_cli_complain ("download", "at least one SOURCE and --dir DIR are needed");
      return FALSE;
    }
  for (guint i = 0; self->peers != NULL && self->peers[i] != NULL; i++)
    {
      if (!shoal_cli_is_peer (self->peers[i]))
        {
          shoal_cli_complain ("--peer", "%s is not HOST:PORT", self->peers[i]);
          return FALSE;
        }
    }
  if (self->select != NULL)
    {
      g_autoptr(GArray) ranges = shoal_ranges_parse (self->select, &error);

      if (ranges == NULL || ranges->len == 0)
        {
          shoal_cli_complain ("--select", "%s is no list of files like 0,2,4-6", self->select);
          return FALSE;
        }
    }

  self->seed |= self->seed_ratio >= 0.0 || self->seed_time >= 0.0;
  dir = g_steal_pointer (&self->dir);
  self->dir = g_canonicalize_filename (dir, NULL);
  return TRUE;
}

static ShoalExit
run (Download         *self,
     const char       *state,
     ShoalPreferences *preferences)
{
  const Arguments *arguments = self->arguments;
  gboolean on_terminal = !arguments->json && !arguments->quiet && shoal_cli_has_terminal ();
  g_autoptr(GError) error = NULL;

  if (g_mkdir_with_parents (arguments->dir, 0777) != 0)
    {
      shoal_cli_complain (arguments->dir, "%s", g_strerror (errno));
      return SHOAL_EXIT_FAILED;
    }

  self->session = shoal_session_new (state, preferences, &error);
  if (self->session == NULL)
    {
      shoal_cli_fail (state, error);
      return SHOAL_EXIT_FAILED;
    }

  shoal_session_set_watched (self->session, arguments->json || on_terminal);
  g_signal_connect (self->session, "torrent-metadata", G_CALLBACK (metadata_cb), self);
  g_signal_connect (self->session, "torrent-merged", G_CALLBACK (merged_cb), self);
  g_signal_connect (self->session, "torrent-complete", G_CALLBACK (complete_cb), self);
  g_signal_connect (self->session, "torrent-state", G_CALLBACK (state_cb), self);
  g_signal_connect_swapped (self->session, "notify::listening-error", G_CALLBACK (listening_cb),
                            self);
  signal (SIGPIPE, SIG_IGN);
  g_unix_signal_add (SIGINT, interrupt_cb, self);
  g_unix_signal_add (SIGTERM, terminate_cb, self);
  g_timeout_add (on_terminal ? TERMINAL_MS : TICK_MS, tick_cb, self);

  for (guint i = 0; i < self->items->len; i++)
    add_item (self, g_ptr_array_index (self->items, i));
  g_main_loop_run (self->loop);

  g_object_unref (self->session);
  return shoal_cli_flush (self->exit);
}

ShoalExit
shoal_cli_download (int    argc,
                    char **argv)
{
  g_auto(Arguments) arguments = { .seed_ratio = -1.0, .seed_time = -1.0 };
  g_auto(ShoalCliSession) options = { NULL };
  g_autofree GOptionEntry *session_entries = NULL;
  const GOptionEntry entries[] = {
    { "dir", 0, 0, G_OPTION_ARG_FILENAME, &arguments.dir,
      "The folder for the torrent's file or folder", "DIR" },
    { "peer", 0, 0, G_OPTION_ARG_STRING_ARRAY, &arguments.peers, "A peer to connect to",
      "HOST:PORT" },
    { "super-seeding", 0, 0, G_OPTION_ARG_NONE, &arguments.super_seeding,
      "As the only seed, tell each peer of few pieces", NULL },
    { "sequential", 0, 0, G_OPTION_ARG_NONE, &arguments.sequential, "In order from the beginning",
      NULL },
    { "select", 0, 0, G_OPTION_ARG_STRING, &arguments.select,
      "Indices of the files to download: 0,2,4-6", "LIST" },
    { "seed", 0, 0, G_OPTION_ARG_NONE, &arguments.seed, "Go on when everything is complete", NULL },
    { "seed-ratio", 0, 0, G_OPTION_ARG_DOUBLE, &arguments.seed_ratio,
      "Until so much was uploaded for each byte", "R" },
    { "seed-time", 0, 0, G_OPTION_ARG_DOUBLE, &arguments.seed_time, "Until so much time has passed",
      "MINUTES" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &arguments.json, "JSON objects, one a line", NULL },
    { "quiet", 0, 0, G_OPTION_ARG_NONE, &arguments.quiet, "Only errors", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.sources, NULL, NULL },
    { NULL },
  };
  g_autoptr(ShoalPreferences) preferences = NULL;
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func (item_free);
  g_autoptr(GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                                      seen_free);
  Download self = {
    .arguments = &arguments, .loop = loop, .items = items, .seen = seen, .exit = SHOAL_EXIT_DONE
  };

  shoal_cli_session_init (&options);
  session_entries = shoal_cli_session_entries (&options);
  if (!shoal_cli_parse (argc, argv, "SOURCE… --dir DIR", "Downloads torrents.", entries,
                        session_entries)
      || !check_arguments (&arguments))
    return SHOAL_EXIT_WRONG;

  preferences = shoal_cli_session_preferences (&options);
  if (preferences == NULL)
    return SHOAL_EXIT_WRONG;
  if (arguments.seed_ratio > 0.0)
    g_object_set (preferences, "seed-ratio", arguments.seed_ratio, NULL);
  else if (arguments.seed_ratio == 0.0)
    arguments.seed_time = 0.0;   /* a ratio of nothing is reached at once */

  for (guint i = 0; arguments.sources[i] != NULL; i++)
    {
      Item *item = make_item (arguments.sources[i], arguments.select);

      if (item == NULL)
        return SHOAL_EXIT_WRONG;
      g_ptr_array_add (items, item);
    }

  return run (&self, options.state, preferences);
}
