/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scrapes: what is asked of one tracker within a moment goes in one request. */

/* Each tracker has a queue, and one request at a time. Torrents that it told of are done with. Some
 * trackers take only one torrent, or fewer than we ask for, and say so in different ways: over UDP
 * the answer is short; over HTTP it is of one torrent alone (one left out is else one that the
 * tracker does not know); or there is an error, or nothing. Then the others go back to the queue,
 * and fewer are asked for at once. When one alone is not known either, that was not the reason. A
 * tracker that fails again and again is left alone until somebody asks anew. Engine thread only. */

#include "shoal-tracker-hub-private.h"
#include "shoal-http-tracker.h"
#include "shoal-udp-tracker.h"
#include <string.h>

#define SECOND_US   ((gint64) G_USEC_PER_SEC)
#define GATHER_US   (1 * SECOND_US)   /* a scrape waits for others */
#define PACE_US     (1 * SECOND_US)   /* after an answer, before the next request to that tracker */
#define PAUSE_MAX_S 1800              /* the longest that a tracker can wish for (BEP 48) */
#define FAILURES    3u                /* in a row: nobody who waits is asked for any more */

struct _ShoalTrackerScrape
{
  ShoalNode               node;    /* in its queue's waiting or asked */
  ShoalScrapeQueue       *queue;
  ShoalSha1               info_hash;
  guint                   place;   /* in the request */
  ShoalTrackerScrapeFunc  func;
  gpointer                owner;
};

static guint
most_of (const ShoalScrapeQueue *self)
{
  return self->is_udp ? SHOAL_UDP_TRACKER_SCRAPE_MAX : SHOAL_HTTP_TRACKER_SCRAPE_MAX;
}

static void
want_request (ShoalScrapeQueue *self)
{
  ShoalTrackerHub *hub = self->hub;

  if (self->call == NULL && shoal_node_is_linked (&self->waiting)
      && !shoal_timer_is_armed (&self->timer))
    shoal_timers_arm (hub->timers, &self->timer, MAX (hub->now_us + GATHER_US, self->next_us));
}

/* --- Answers --- */

static gboolean
has_failed (const ShoalAnnounceAnswer *answer)
{
  return answer == NULL || answer->failure != NULL;
}

/* (nullable): what the answer says of the torrent at @place. */
static const ShoalTrackerCount *
count_at (const ShoalAnnounceAnswer *answer,
          guint                      place)
{
  const ShoalTrackerCount *count;

  if (has_failed (answer) || place >= answer->counts->len)
    return NULL;
  count = &g_array_index (answer->counts, ShoalTrackerCount, place);

  return count->seeds >= 0 ? count : NULL;
}

/* Of how many torrents the tracker spoke: all that it knows of, unless it cannot take so many. */
static guint
n_told (const ShoalScrapeQueue    *self,
        const ShoalAnnounceAnswer *answer)
{
  guint n = 0;

  if (has_failed (answer))
    return 0;
  if (self->is_udp)
    return answer->counts->len;
  for (guint i = 0; i < answer->counts->len; i++)
    n += count_at (answer, i) != NULL ? 1 : 0;

  return n;
}

static gboolean
took_all (const ShoalScrapeQueue    *self,
          const ShoalAnnounceAnswer *answer)
{
  if (has_failed (answer))
    return FALSE;

  return self->is_udp ? answer->counts->len == self->n_asked : n_told (self, answer) != 1;
}

/* Those the answer left out are asked for again, before all others. */
static void
put_back (ShoalScrapeQueue          *self,
          const ShoalAnnounceAnswer *answer)
{
  ShoalNode *first = self->waiting.next;

  SHOAL_NODE_FOREACH (node, &self->asked)
    if (count_at (answer, SHOAL_NODE_OWNER (node, ShoalTrackerScrape, node)->place) == NULL)
      shoal_node_append (first, node);
}

/* Nobody who waits would be told anything. */
static void
give_up (ShoalScrapeQueue *self)
{
  self->n_failed = 0;
  self->most = most_of (self);
  SHOAL_NODE_FOREACH (node, &self->waiting)
    {
      SHOAL_NODE_OWNER (node, ShoalTrackerScrape, node)->place = G_MAXUINT;
      shoal_node_append (&self->asked, node);
    }
}

static void
answered_cb (gpointer                   owner,
             const ShoalAnnounceAnswer *answer,
             const char                *error,
             gint64                     now_us)
{
  ShoalScrapeQueue *self = owner;
  gint64 wish_s = answer != NULL ? MIN (answer->min_interval_s, PAUSE_MAX_S) : 0;

  self->call = NULL;
  self->next_us = now_us + MAX (PACE_US, wish_s * SECOND_US);
  self->n_failed = has_failed (answer) ? self->n_failed + 1 : 0;
  if (self->n_failed >= FAILURES)
    give_up (self);
  else if (self->n_asked > 1 && !took_all (self, answer))
    {
      self->most = MAX (n_told (self, answer), 1);
      g_debug ("a tracker is asked for %u torrents at once from now on, not %u", self->most,
               self->n_asked);
      put_back (self, answer);
    }
  else if (self->n_asked == 1 && !has_failed (answer) && n_told (self, answer) == 0)
    self->most = most_of (self);

  while (shoal_node_is_linked (&self->asked))
    {
      ShoalTrackerScrape *scrape = SHOAL_NODE_OWNER (self->asked.next, ShoalTrackerScrape, node);
      const ShoalTrackerCount *count = count_at (answer, scrape->place);

      shoal_node_unlink (&scrape->node);
      scrape->func (scrape->owner, count,
                    count != NULL || error != NULL ? error
                                                   : "The tracker does not know the torrent",
                    now_us);
      g_free (scrape);
    }
  want_request (self);
}

/* --- Requests --- */

static void
timer_cb (gpointer owner,
          gint64   now_us)
{
  ShoalSha1 hashes[MAX (SHOAL_UDP_TRACKER_SCRAPE_MAX, SHOAL_HTTP_TRACKER_SCRAPE_MAX)];
  ShoalScrapeQueue *self = owner;

  shoal_tracker_hub_set_now (self->hub, now_us);
  self->n_asked = 0;
  SHOAL_NODE_FOREACH (node, &self->waiting)
    {
      ShoalTrackerScrape *scrape = SHOAL_NODE_OWNER (node, ShoalTrackerScrape, node);

      if (self->n_asked == self->most)
        break;
      scrape->place = self->n_asked++;
      hashes[scrape->place] = scrape->info_hash;
      shoal_node_append (&self->asked, node);
    }
  if (self->n_asked > 0)
    self->call = shoal_tracker_call_scrape (self->hub, self->url, hashes, self->n_asked,
                                            answered_cb, self);
}

/* Takes over @url. */
static ShoalScrapeQueue *
queue_new (ShoalTrackerHub *hub,
           char            *url,
           gboolean         is_udp)
{
  ShoalScrapeQueue *self = g_new0 (ShoalScrapeQueue, 1);

  self->hub = hub;
  self->url = url;
  self->is_udp = is_udp;
  self->most = most_of (self);
  shoal_node_init (&self->waiting);
  shoal_node_init (&self->asked);
  shoal_timer_init (&self->timer, timer_cb, self);
  g_hash_table_insert (hub->scrapes, self->url, self);

  return self;
}

static void
free_scrapes (ShoalNode *head)
{
  while (shoal_node_is_linked (head))
    {
      ShoalTrackerScrape *scrape = SHOAL_NODE_OWNER (head->next, ShoalTrackerScrape, node);

      shoal_node_unlink (&scrape->node);
      g_free (scrape);
    }
}

void
shoal_scrape_queue_free (gpointer queue)
{
  ShoalScrapeQueue *self = queue;

  shoal_timers_disarm (self->hub->timers, &self->timer);
  free_scrapes (&self->waiting);
  free_scrapes (&self->asked);
  g_free (self->url);
  g_free (self);
}

/* --- Public --- */

ShoalTrackerScrape *
shoal_tracker_hub_scrape (ShoalTrackerHub        *self,
                          const char             *url,
                          const ShoalSha1        *info_hash,
                          ShoalTrackerScrapeFunc  func,
                          gpointer                owner)
{
  g_autofree char *form = NULL;
  g_autofree char *key = NULL;
  ShoalTrackerScrape *scrape;
  ShoalScrapeQueue *queue;
  gboolean is_udp;

  g_return_val_if_fail (self != NULL && url != NULL && info_hash != NULL && func != NULL, NULL);

  is_udp = g_ascii_strncasecmp (url, "udp://", strlen ("udp://")) == 0;
  form = is_udp ? NULL : shoal_http_tracker_scrape_url (url, info_hash, 1);
  if (!is_udp && form == NULL)
    return NULL;

  /* A scrape over UDP goes to a host and port, whatever path an announce there has. */
  key = is_udp ? g_strndup (url, strlen ("udp://") + strcspn (url + strlen ("udp://"), "/?#"))
               : g_strdup (url);
  queue = g_hash_table_lookup (self->scrapes, key);
  if (queue == NULL)
    queue = queue_new (self, g_steal_pointer (&key), is_udp);

  scrape = g_new0 (ShoalTrackerScrape, 1);
  scrape->queue = queue;
  scrape->info_hash = *info_hash;
  scrape->func = func;
  scrape->owner = owner;
  shoal_node_init (&scrape->node);
  shoal_node_append (&queue->waiting, &scrape->node);
  want_request (queue);

  return scrape;
}

void
shoal_tracker_scrape_drop (ShoalTrackerScrape *scrape)
{
  ShoalScrapeQueue *queue;

  g_return_if_fail (scrape != NULL);

  queue = scrape->queue;
  shoal_node_unlink (&scrape->node);
  g_free (scrape);
  if (queue->call == NULL || shoal_node_is_linked (&queue->asked))
    return;

  shoal_tracker_call_drop (g_steal_pointer (&queue->call));
  queue->next_us = queue->hub->now_us + PACE_US;
  want_request (queue);
}
