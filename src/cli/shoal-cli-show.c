/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shoal-cli show and magnet: what is in a .torrent or link. */

#include "shoal-cli-commands.h"

#include <stdio.h>
#include <string.h>
#include "shoal-cli-options.h"
#include "shoal-format.h"
#include "shoal-json.h"
#include "shoal-magnet.h"
#include "shoal-metainfo.h"
#include "shoal-source.h"

#define SELECT_SHOWN_MAX SHOAL_FILES_MAX   /* indices; none beyond can exist */

/* --- As JSON --- */

static void
json_hash (ShoalJson    *json,
           const char   *name,
           gboolean      has,
           const guint8 *bytes,
           gsize         size)
{
  g_autofree char *hex = has ? shoal_hex (bytes, size) : NULL;

  shoal_json_string (json, name, hex);
}

static void
json_hashes (ShoalJson           *json,
             const ShoalInfoHash *hash)
{
  json_hash (json, "info_hash_v1", hash->has_v1, hash->v1.bytes, sizeof hash->v1);
  json_hash (json, "info_hash_v2", hash->has_v2, hash->v2.bytes, sizeof hash->v2);
}

static void
json_strings (ShoalJson   *json,
              const char  *name,
              char *const *strings)
{
  shoal_json_begin (json, name, '[');
  for (guint i = 0; strings != NULL && strings[i] != NULL; i++)
    shoal_json_string (json, NULL, strings[i]);
  shoal_json_end (json, ']');
}

static void
json_trackers (ShoalJson *json,
               char    ***tiers)
{
  shoal_json_begin (json, "trackers", '[');
  for (guint i = 0; tiers != NULL && tiers[i] != NULL; i++)
    json_strings (json, NULL, tiers[i]);
  shoal_json_end (json, ']');
}

static void
json_nodes (ShoalJson *json,
            char     **nodes)
{
  shoal_json_begin (json, "nodes", '[');
  for (guint i = 0; nodes != NULL && nodes[i] != NULL; i++)
    {
      const char *colon = strrchr (nodes[i], ':');
      g_autofree char *host = NULL;
      guint64 port = 0;

      if (colon == NULL || !g_ascii_string_to_unsigned (colon + 1, 10, 0, G_MAXUINT16, &port, NULL))
        continue;
      if (nodes[i][0] == '[' && colon > nodes[i] + 1)
        host = g_strndup (nodes[i] + 1, (gsize) (colon - nodes[i]) - 2);
      else
        host = g_strndup (nodes[i], (gsize) (colon - nodes[i]));
      shoal_json_begin (json, NULL, '[');
      shoal_json_string (json, NULL, host);
      shoal_json_u64 (json, NULL, port);
      shoal_json_end (json, ']');
    }
  shoal_json_end (json, ']');
}

static void
json_similar (ShoalJson           *json,
              const ShoalMetainfo *metainfo)
{
  shoal_json_begin (json, "similar", '[');
  for (guint i = 0; i < metainfo->n_similar; i++)
    json_hash (json, NULL, TRUE, metainfo->similar[i].bytes, sizeof metainfo->similar[i]);
  shoal_json_end (json, ']');
}

static void
json_file (ShoalJson               *json,
           const ShoalMetainfoFile *file,
           guint64                  offset)
{
  shoal_json_begin (json, NULL, '{');
  shoal_json_string (json, "path", file->path);
  shoal_json_u64 (json, "size", file->size);
  shoal_json_u64 (json, "offset", offset);
  shoal_json_bool (json, "pad", (file->flags & SHOAL_FILE_PAD) != 0);
  if (file->flags & SHOAL_FILE_EXECUTABLE)
    shoal_json_bool (json, "executable", TRUE);
  if (file->flags & SHOAL_FILE_HIDDEN)
    shoal_json_bool (json, "hidden", TRUE);
  if (file->symlink != NULL)
    shoal_json_string (json, "symlink", file->symlink);
  if (file->has_root)
    json_hash (json, "root", TRUE, file->root.bytes, sizeof file->root);
  shoal_json_end (json, '}');
}

static void
json_metainfo (const ShoalMetainfo *metainfo)
{
  ShoalJson json;

  shoal_json_init (&json, stdout);
  shoal_json_begin (&json, NULL, '{');
  shoal_json_string (&json, "name", metainfo->name);
  json_hashes (&json, &metainfo->hash);
  shoal_json_u64 (&json, "total_size", metainfo->layout->payload_size);
  shoal_json_u64 (&json, "piece_length", metainfo->layout->piece_size);
  shoal_json_u64 (&json, "piece_count", metainfo->layout->n_pieces);
  shoal_json_bool (&json, "private", metainfo->is_private);
  shoal_json_begin (&json, "files", '[');
  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    json_file (&json, &metainfo->files[i], metainfo->layout->file_offset[i]);
  shoal_json_end (&json, ']');
  json_trackers (&json, metainfo->trackers);
  json_strings (&json, "web_seeds", metainfo->web_seeds);
  json_strings (&json, "http_seeds", metainfo->http_seeds);
  json_nodes (&json, metainfo->nodes);
  json_similar (&json, metainfo);
  json_strings (&json, "collections", metainfo->collections);
  json_strings (&json, "peers", NULL);
  json_strings (&json, "select_only", NULL);
  shoal_json_string (&json, "comment", metainfo->comment);
  shoal_json_string (&json, "created_by", metainfo->created_by);
  if (metainfo->creation_date >= 0)
    shoal_json_i64 (&json, "creation_date", metainfo->creation_date);
  else
    shoal_json_null (&json, "creation_date");
  shoal_json_string (&json, "source", metainfo->source);
  json_strings (&json, "warnings", metainfo->warnings);
  shoal_json_end (&json, '}');
  shoal_json_finish (&json);
}

static void
json_select (ShoalJson    *json,
             const GArray *ranges)
{
  guint n = 0;

  shoal_json_begin (json, "select_only", '[');
  for (guint i = 0; ranges != NULL && i < ranges->len; i++)
    {
      const ShoalRange *range = &g_array_index (ranges, ShoalRange, i);

      for (guint64 at = range->first; at <= range->last && n < SELECT_SHOWN_MAX; at++, n++)
        shoal_json_u64 (json, NULL, at);
    }
  shoal_json_end (json, ']');
}

static void
json_magnet (const ShoalMagnet *magnet)
{
  ShoalJson json;

  shoal_json_init (&json, stdout);
  shoal_json_begin (&json, NULL, '{');
  shoal_json_string (&json, "name", magnet->name);
  json_hashes (&json, &magnet->hash);
  if (magnet->size > 0)
    shoal_json_u64 (&json, "total_size", magnet->size);
  else
    shoal_json_null (&json, "total_size");
  shoal_json_null (&json, "piece_length");
  shoal_json_null (&json, "piece_count");
  shoal_json_null (&json, "private");
  json_strings (&json, "files", NULL);
  json_trackers (&json, magnet->trackers);
  json_strings (&json, "web_seeds", magnet->web_seeds);
  json_strings (&json, "http_seeds", NULL);
  json_strings (&json, "nodes", NULL);
  json_strings (&json, "peers", magnet->peers);
  json_select (&json, magnet->select_only);
  shoal_json_null (&json, "comment");
  shoal_json_null (&json, "created_by");
  shoal_json_null (&json, "creation_date");
  shoal_json_null (&json, "source");
  json_strings (&json, "warnings", NULL);
  shoal_json_end (&json, '}');
  shoal_json_finish (&json);
}

/* --- As text --- */

/* Nothing that is printed may steer the terminal. */
static void
print_line (const char *label,
            const char *text)
{
  g_autofree char *valid = NULL;

  if (text == NULL)
    return;

  valid = g_utf8_make_valid (text, -1);
  for (char *at = valid; *at != '\0'; at++)
    if ((guchar) *at < 0x20 || *at == 0x7f)
      *at = ' ';
  printf ("%-13s %s\n", label, valid);
}

static void
print_list (const char  *label,
            char *const *texts)
{
  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    print_line (i == 0 ? label : "", texts[i]);
}

static void
print_hashes (const ShoalInfoHash *hash)
{
  g_autofree char *v1 = hash->has_v1 ? shoal_hex (hash->v1.bytes, sizeof hash->v1) : NULL;
  g_autofree char *v2 = hash->has_v2 ? shoal_hex (hash->v2.bytes, sizeof hash->v2) : NULL;

  print_line ("Hash v1:", v1);
  print_line ("Hash v2:", v2);
}

static void
print_trackers (char ***tiers)
{
  for (guint i = 0; tiers != NULL && tiers[i] != NULL; i++)
    print_list (i == 0 ? "Trackers:" : "", tiers[i]);
}

static void
print_similar (const ShoalMetainfo *metainfo)
{
  for (guint i = 0; i < metainfo->n_similar; i++)
    {
      g_autofree char *hex = shoal_hex (metainfo->similar[i].bytes, SHOAL_SHA1_SIZE);

      print_line (i == 0 ? "Similar to:" : "", hex);
    }
}

static void
print_files (const ShoalMetainfo *metainfo)
{
  printf ("Files:\n");
  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    {
      const ShoalMetainfoFile *file = &metainfo->files[i];
      g_autofree char *size = NULL;

      if (file->flags & SHOAL_FILE_PAD)
        continue;
      size = shoal_format_size (file->size);
      printf ("%6u  %10s  %s%s%s\n", i, size, file->path, file->symlink != NULL ? " -> " : "",
              file->symlink != NULL ? file->symlink : "");
    }
}

static void
print_metainfo (const ShoalMetainfo *metainfo)
{
  g_autofree char *size = shoal_format_size (metainfo->layout->payload_size);
  g_autofree char *exact = g_strdup_printf ("%s (%" G_GUINT64_FORMAT " bytes)", size,
                                            metainfo->layout->payload_size);
  g_autofree char *pieces = g_strdup_printf ("%u of %u KiB", metainfo->layout->n_pieces,
                                             metainfo->layout->piece_size / 1024);
  g_autoptr(GDateTime) date = metainfo->creation_date >= 0
                                ? g_date_time_new_from_unix_utc (metainfo->creation_date)
                                : NULL;
  g_autofree char *created = date != NULL ? g_date_time_format_iso8601 (date) : NULL;

  print_line ("Name:", metainfo->name);
  print_hashes (&metainfo->hash);
  print_line ("Size:", exact);
  print_line ("Pieces:", pieces);
  if (metainfo->is_private)
    print_line ("Private:", "yes");
  print_line ("Comment:", metainfo->comment);
  print_line ("Created by:", metainfo->created_by);
  print_line ("Created:", created);
  print_line ("Source:", metainfo->source);
  print_trackers (metainfo->trackers);
  print_list ("Web seeds:", metainfo->web_seeds);
  print_list ("HTTP seeds:", metainfo->http_seeds);
  print_list ("Nodes:", metainfo->nodes);
  print_similar (metainfo);
  print_list ("Collections:", metainfo->collections);
  print_list ("Warnings:", metainfo->warnings);
  print_files (metainfo);
}

static void
print_magnet (const ShoalMagnet *magnet)
{
  g_autofree char *size = magnet->size > 0 ? shoal_format_size (magnet->size) : NULL;

  print_line ("Name:", magnet->name);
  print_hashes (&magnet->hash);
  print_line ("Size:", size);
  print_trackers (magnet->trackers);
  print_list ("Web seeds:", magnet->web_seeds);
  print_list ("Peers:", magnet->peers);
  for (guint i = 0; i < magnet->select_only->len; i++)
    {
      const ShoalRange *range = &g_array_index (magnet->select_only, ShoalRange, i);
      g_autofree char *text = g_strdup_printf ("%u-%u", range->first, range->last);

      print_line (i == 0 ? "Files:" : "", text);
    }
}

/* --- Commands --- */

static ShoalExit
show_magnet (const char *source,
             gboolean    json)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(ShoalMagnet) magnet = shoal_magnet_parse (source, &error);

  if (magnet == NULL)
    return shoal_cli_fail_source (source, error);

  if (json)
    json_magnet (magnet);
  else
    print_magnet (magnet);

  return shoal_cli_flush (SHOAL_EXIT_DONE);
}

/* Told if it cannot be. (transfer full) (nullable) */
static ShoalMetainfo *
load_metainfo (const char *source,
               ShoalExit  *exit)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = shoal_source_load (source, &error);
  ShoalMetainfo *metainfo = bytes != NULL ? shoal_metainfo_parse (bytes, &error) : NULL;

  if (metainfo == NULL)
    *exit = shoal_cli_fail_source (source, error);

  return metainfo;
}

ShoalExit
shoal_cli_show (int    argc,
                char **argv)
{
  gboolean json = FALSE;
  g_auto(GStrv) sources = NULL;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object on one line", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &sources, NULL, NULL },
    { NULL },
  };
  g_autoptr(ShoalMetainfo) metainfo = NULL;
  ShoalExit exit = SHOAL_EXIT_WRONG;

  if (!shoal_cli_parse (argc, argv, "SOURCE", "Shows what is in a .torrent file, a magnet link, or "
                                              "a .torrent behind an http link.", entries, NULL))
    return SHOAL_EXIT_WRONG;
  if (sources == NULL || g_strv_length (sources) != 1)
    {
      shoal_cli_complain ("show", "one SOURCE is needed");
      return SHOAL_EXIT_WRONG;
    }

  if (shoal_magnet_looks_like (sources[0]))
    return show_magnet (sources[0], json);

  metainfo = load_metainfo (sources[0], &exit);
  if (metainfo == NULL)
    return exit;

  if (json)
    json_metainfo (metainfo);
  else
    print_metainfo (metainfo);

  return shoal_cli_flush (SHOAL_EXIT_DONE);
}

ShoalExit
shoal_cli_magnet (int    argc,
                  char **argv)
{
  g_auto(GStrv) sources = NULL;
  const GOptionEntry entries[] = {
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &sources, NULL, NULL },
    { NULL },
  };
  g_autoptr(ShoalMetainfo) metainfo = NULL;
  g_autofree char *uri = NULL;
  ShoalExit exit = SHOAL_EXIT_WRONG;

  if (!shoal_cli_parse (argc, argv, "TORRENT", "Prints the magnet link of a .torrent.", entries,
                        NULL))
    return SHOAL_EXIT_WRONG;
  if (sources == NULL || g_strv_length (sources) != 1)
    {
      shoal_cli_complain ("magnet", "one TORRENT is needed");
      return SHOAL_EXIT_WRONG;
    }

  metainfo = load_metainfo (sources[0], &exit);
  if (metainfo == NULL)
    return exit;

  uri = shoal_metainfo_to_magnet (metainfo);
  printf ("%s\n", uri);
  return shoal_cli_flush (SHOAL_EXIT_DONE);
}
