/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What shoal-cli says while it works: events and numbers, for people and as JSON. */

#include "shoal-cli-report.h"

#include <stdio.h>
#include "shoal-cli-text.h"
#include "shoal-format.h"
#include "shoal-json.h"
#include "shoal-mapping-text.h"
#include "shoal-swarm-text.h"

void
shoal_cli_report_event_json (const char *event,
                             const char *name,
                             const char *hash)
{
  ShoalJson json;

  shoal_json_init (&json, stdout);
  shoal_json_begin (&json, NULL, '{');
  shoal_json_string (&json, "event", event);
  shoal_json_string (&json, "name", name);
  shoal_json_string (&json, "info_hash", hash);
  shoal_json_end (&json, '}');
  shoal_json_finish (&json);
}

void
shoal_cli_report_event (const char *event,
                        const char *name,
                        const char *hash)
{
  shoal_cli_progress_clear ();
  printf ("%s %s%s%s\n", event, name, hash != NULL ? " " : "", hash != NULL ? hash : "");
  fflush (stdout);
}

/* What nobody knows is null. */
static void
say_number (ShoalJson  *json,
            const char *name,
            gint64      number)
{
  if (number >= 0)
    shoal_json_i64 (json, name, number);
  else
    shoal_json_null (json, name);
}

static void
say_torrent (ShoalJson    *json,
             ShoalTorrent *torrent)
{
  static const char *const states[SHOAL_N_TORRENT_STATES] = { "paused",   "queued",      "metadata",
                                                              "checking", "downloading", "seeding",
                                                              "failed" };

  shoal_json_begin (json, NULL, '{');
  shoal_json_string (json, "name", shoal_torrent_get_name (torrent));
  shoal_json_string (json, "info_hash", shoal_torrent_get_hash (torrent));
  shoal_json_string (json, "state", states[shoal_torrent_get_state (torrent)]);
  shoal_json_double (json, "progress", shoal_torrent_get_progress (torrent));
  shoal_json_u64 (json, "size", shoal_torrent_get_wanted_size (torrent));
  shoal_json_u64 (json, "done", shoal_torrent_get_done_size (torrent));
  shoal_json_u64 (json, "downloaded", shoal_torrent_get_downloaded (torrent));
  shoal_json_u64 (json, "uploaded", shoal_torrent_get_uploaded (torrent));
  shoal_json_u64 (json, "rate_down", shoal_torrent_get_rate_down (torrent));
  shoal_json_u64 (json, "rate_up", shoal_torrent_get_rate_up (torrent));
  shoal_json_u64 (json, "peers", shoal_torrent_get_n_peers (torrent));
  shoal_json_u64 (json, "seeds", shoal_torrent_get_n_seeds (torrent));
  say_number (json, "tracker_seeds", shoal_torrent_get_tracker_seeds (torrent));
  say_number (json, "tracker_leechers", shoal_torrent_get_tracker_leechers (torrent));
  say_number (json, "tracker_completed", shoal_torrent_get_tracker_completed (torrent));
  say_number (json, "eta", shoal_torrent_get_eta (torrent));
  shoal_json_string (json, "status", shoal_torrent_get_status_text (torrent));
  shoal_json_end (json, '}');
}

static void
say_mapping (ShoalJson          *json,
             const ShoalMapping *mapping)
{
  static const char *const states[] = {
    [SHOAL_MAP_OFF] = "off",
    [SHOAL_MAP_SEARCHING] = "searching",
    [SHOAL_MAP_DONE] = "mapped",
    [SHOAL_MAP_FAILED] = "failed",
  };
  g_autofree char *text = shoal_mapping_text (mapping);

  shoal_json_begin (json, "mapping", '{');
  shoal_json_string (json, "state", states[mapping->state]);
  shoal_json_string (json, "method", shoal_mapping_method_name (mapping->method));
  shoal_json_u64 (json, "tcp_port", mapping->tcp_port);
  shoal_json_u64 (json, "udp_port", mapping->udp_port);
  shoal_json_string (json, "address", mapping->address);
  shoal_json_string (json, "ipv6", states[mapping->ipv6]);
  shoal_json_string (json, "text", text != NULL ? text : "");
  shoal_json_end (json, '}');
}

void
shoal_cli_report_json (ShoalSession *session,
                       GPtrArray    *torrents)
{
  ShoalJson json;

  shoal_json_init (&json, stdout);
  shoal_json_begin (&json, NULL, '{');
  shoal_json_string (&json, "event", "progress");
  shoal_json_u64 (&json, "rate_down", shoal_session_get_rate_down (session));
  shoal_json_u64 (&json, "rate_up", shoal_session_get_rate_up (session));
  shoal_json_u64 (&json, "peers", shoal_session_get_n_peers (session));
  say_mapping (&json, shoal_session_get_mapping (session));
  shoal_json_begin (&json, "torrents", '[');
  for (guint i = 0; i < torrents->len; i++)
    say_torrent (&json, g_ptr_array_index (torrents, i));
  shoal_json_end (&json, ']');
  shoal_json_end (&json, '}');
  shoal_json_finish (&json);
}

/* What a torrent does before it transfers anything, and why it does not. */
static const char *
still_to_come (ShoalTorrent *torrent)
{
  switch (shoal_torrent_get_state (torrent))
    {
    case SHOAL_TORRENT_DOWNLOADING:
    case SHOAL_TORRENT_SEEDING:
      return NULL;
    default:
      return shoal_torrent_get_status_text (torrent);
    }
}

/* (transfer full) (nullable): how many take part, as a tracker counts them. */
static char *
swarm_of (ShoalTorrent *torrent)
{
  return shoal_swarm_text (shoal_torrent_get_n_seeds (torrent),
                           shoal_torrent_get_tracker_seeds (torrent),
                           shoal_torrent_get_tracker_leechers (torrent));
}

/* One torrent's line tells what it is doing; of several there is room for the sums only. */
void
shoal_cli_report_line (ShoalSession *session,
                       GPtrArray    *torrents)
{
  g_autofree char *down = shoal_format_rate (shoal_session_get_rate_down (session));
  g_autofree char *up = shoal_format_rate (shoal_session_get_rate_up (session));
  guint n_peers = shoal_session_get_n_peers (session);
  g_autofree char *left = NULL;
  g_autofree char *swarm = NULL;
  g_autofree char *text = NULL;
  double share = 0.0;
  gint64 eta = 0;
  guint n = torrents->len;

  for (guint i = 0; i < n; i++)
    {
      ShoalTorrent *torrent = g_ptr_array_index (torrents, i);

      share += shoal_torrent_get_progress (torrent);
      if (eta >= 0 && !shoal_torrent_get_complete (torrent))
        eta = shoal_torrent_get_eta (torrent) < 0 ? -1 : MAX (eta, shoal_torrent_get_eta (torrent));
    }

  if (n == 1)
    text = g_strdup (still_to_come (g_ptr_array_index (torrents, 0)));
  if (text == NULL)
    {
      left = n > 0 && eta > 0 ? shoal_format_time_left (eta) : NULL;
      swarm = n == 1 ? swarm_of (g_ptr_array_index (torrents, 0)) : NULL;
      text = g_strdup_printf ("%s down, %s up, %u peer%s%s%s%s%s", down, up, n_peers,
                              n_peers == 1 ? "" : "s", left != NULL ? ", " : "",
                              left != NULL ? left : "", swarm != NULL ? ", " : "",
                              swarm != NULL ? swarm : "");
    }
  shoal_cli_progress (n > 0 ? share / n : 0.0, text);
}
