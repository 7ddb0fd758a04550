/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a torrent is doing, in words. */

#include "shoal-status-text.h"

#include <glib/gi18n-lib.h>
#include "shoal-error-text.h"
#include "shoal-format.h"

/* Why nobody is connected. */
static char *
no_peers_text (const ShoalTorrentStats *stats)
{
  if (stats->n_known > 0)
    return g_strdup_printf (ngettext ("trying to reach %u peer", "trying to reach %u peers",
                                      stats->n_known),
                            stats->n_known);
  if (stats->tracker_error != NULL)
    return g_strdup_printf (_("no peers, because the tracker failed: %s"), stats->tracker_error);
  if (stats->tracker_state == SHOAL_TRACKER_ANNOUNCING)
    return g_strdup (_("asking the tracker for peers"));
  if (stats->tracker_state == SHOAL_TRACKER_WORKING)
    return g_strdup (_("the tracker knows no peers yet"));

  return g_strdup (_("looking for peers"));
}

static char *
paused_text (const ShoalTorrentStats *stats)
{
  g_autofree char *percent = NULL;

  if (stats->complete)
    return g_strdup (_("Paused, complete"));
  if (!stats->has_metadata || stats->wanted_size == 0)
    return g_strdup (_("Paused"));

  percent = shoal_format_percent ((double) stats->wanted_had / (double) stats->wanted_size);
  return g_strdup_printf (_("Paused at %s"), percent);
}

static char *
metadata_text (const ShoalTorrentStats *stats)
{
  g_autofree char *text = NULL;

  if (stats->n_links == 0)
    {
      text = no_peers_text (stats);
      return g_strdup_printf (_("Fetching the list of files: %s"), text);
    }

  if (stats->metadata_progress > 0.0)
    {
      text = shoal_format_percent (stats->metadata_progress);
      return g_strdup_printf (ngettext ("Fetching the list of files from %u peer, %s",
                                        "Fetching the list of files from %u peers, %s",
                                        stats->n_links),
                              stats->n_links, text);
    }

  return g_strdup_printf (ngettext ("Fetching the list of files: asking %u peer",
                                    "Fetching the list of files: asking %u peers", stats->n_links),
                          stats->n_links);
}

/* Servers alone give. */
static char *
web_text (const ShoalTorrentStats *stats)
{
  g_autofree char *rate = shoal_format_rate (stats->rate_down);
  g_autofree char *left = shoal_format_time_left (stats->eta_s);

  if (left == NULL)
    return g_strdup_printf (ngettext ("Downloading from %u web seed, %s",
                                      "Downloading from %u web seeds, %s", stats->n_web_seeds),
                            stats->n_web_seeds, rate);

  return g_strdup_printf (ngettext ("Downloading from %u web seed, %s, %s",
                                    "Downloading from %u web seeds, %s, %s", stats->n_web_seeds),
                          stats->n_web_seeds, rate, left);
}

static char *
downloading_text (const ShoalTorrentStats *stats)
{
  g_autofree char *rate = NULL;
  g_autofree char *left = NULL;

  if (stats->n_sending == 0 && stats->n_web_seeds > 0)
    return web_text (stats);
  if (stats->n_links == 0)
    {
      g_autofree char *why = no_peers_text (stats);

      return g_strdup_printf (_("Downloading: %s"), why);
    }

  if (stats->n_sending == 0)
    return g_strdup_printf (ngettext ("Waiting for data from %u peer",
                                      "Waiting for data from %u peers", stats->n_links),
                            stats->n_links);

  rate = shoal_format_rate (stats->rate_down);
  left = shoal_format_time_left (stats->eta_s);

  if (left == NULL)
    return g_strdup_printf (ngettext ("Downloading from %u of %u peer, %s",
                                      "Downloading from %u of %u peers, %s", stats->n_links),
                            stats->n_sending, stats->n_links, rate);

  return g_strdup_printf (ngettext ("Downloading from %u of %u peer, %s, %s",
                                    "Downloading from %u of %u peers, %s, %s", stats->n_links),
                          stats->n_sending, stats->n_links, rate, left);
}

static char *
seeding_text (const ShoalTorrentStats *stats)
{
  g_autofree char *rate = NULL;

  if (stats->n_links == 0)
    {
      if (stats->tracker_error != NULL)
        return g_strdup_printf (_("Seeding: the tracker failed: %s"), stats->tracker_error);
      return g_strdup (_("Seeding, nobody is connected"));
    }

  if (stats->n_receiving == 0)
    return g_strdup_printf (ngettext ("Seeding, %u peer is connected",
                                      "Seeding, %u peers are connected", stats->n_links),
                            stats->n_links);

  rate = shoal_format_rate (stats->rate_up);
  return g_strdup_printf (ngettext ("Seeding to %u of %u peer, %s", "Seeding to %u of %u peers, %s",
                                    stats->n_links),
                          stats->n_receiving, stats->n_links, rate);
}

char *
shoal_status_text (const ShoalTorrentStats *stats)
{
  switch (stats->state)
    {
    case SHOAL_TORRENT_PAUSED:
      return paused_text (stats);
    case SHOAL_TORRENT_QUEUED:
      return g_strdup (_("Waiting for its turn"));
    case SHOAL_TORRENT_METADATA:
      return metadata_text (stats);
    case SHOAL_TORRENT_CHECKING:
      {
        g_autofree char *percent = shoal_format_percent (stats->check_progress);

        return g_strdup_printf (_("Checking the data on disk, %s"), percent);
      }
    case SHOAL_TORRENT_DOWNLOADING:
      return downloading_text (stats);
    case SHOAL_TORRENT_SEEDING:
      return seeding_text (stats);
    case SHOAL_TORRENT_FAILED:
      return shoal_reason_text (stats->reason, stats->dir, stats->detail);
    case SHOAL_N_TORRENT_STATES:
    default:
      return g_strdup ("");
    }
}
