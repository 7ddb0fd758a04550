/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trackers of one torrent: which there are, in what order, and how they do. */

/* Trackers (rows) stand in one array, tier after tier, in the order in which they are tried:
 * shuffled once inside each tier (BEP 12), later changed only by promotion. What is of no kind that
 * can be asked keeps its place, so that the lists are given back as they came. Announces are begun
 * in shoal-announcer-plan.c only. Engine thread only. */

#include "shoal-announcer-private.h"
#include <string.h>

#define SCRAPE_US       (1800 * (gint64) G_USEC_PER_SEC)   /* between two questions for numbers */
#define SCRAPE_SLOT_US  (300 * (gint64) G_USEC_PER_SEC)    /* torrents due within one are due
                                                            * together */

static gboolean
is_usable_url (const char *url)
{
  return g_ascii_strncasecmp (url, "http://", 7) == 0
         || g_ascii_strncasecmp (url, "https://", 8) == 0
         || g_ascii_strncasecmp (url, "udp://", 6) == 0;
}

static void
row_free (gpointer data)
{
  ShoalTrackerRow *row = data;

  for (guint i = 0; i < SHOAL_ANNOUNCER_KEYS; i++)
    {
      if (row->slots[i].call != NULL)
        shoal_tracker_call_drop (row->slots[i].call);
      g_clear_pointer (&row->slots[i].tracker_id, g_free);
    }
  g_clear_pointer (&row->url, g_ref_string_release);
  g_free (row->error);
  g_free (row);
}

static gboolean
is_known (const ShoalAnnouncer *self,
          const char           *url)
{
  for (guint i = 0; i < self->rows->len; i++)
    if (strcmp (shoal_announcer_row (self, i)->url, url) == 0)
      return TRUE;

  return FALSE;
}

static void
add_row (ShoalAnnouncer *self,
         const char     *url,
         guint           tier)
{
  ShoalTrackerRow *row = g_new0 (ShoalTrackerRow, 1);

  row->owner = self;
  row->url = g_ref_string_new_intern (url);
  row->tier = tier;
  row->place = self->rows->len;
  row->usable = is_usable_url (url);
  row->seeds = -1;
  row->leechers = -1;
  for (guint i = 0; i < SHOAL_ANNOUNCER_KEYS; i++)
    {
      row->slots[i].row = row;
      row->slots[i].key = i;
    }
  g_ptr_array_add (self->rows, row);
}

static void
add_tiers (ShoalAnnouncer     *self,
           char *const *const *tiers)
{
  for (guint t = 0; tiers != NULL && tiers[t] != NULL; t++)
    {
      guint first = self->rows->len;

      for (guint i = 0; tiers[t][i] != NULL; i++)
        if (!is_known (self, tiers[t][i]))
          add_row (self, tiers[t][i], self->n_tiers);
      if (self->rows->len == first)
        continue;
      self->n_tiers++;
      shoal_rng_shuffle (self->rng, self->rows->pdata + first, self->rows->len - first,
                         sizeof (gpointer));
    }
}

ShoalAnnouncer *
shoal_announcer_new (ShoalTrackerHub         *hub,
                     ShoalTimers             *timers,
                     ShoalRng                *rng,
                     const ShoalSha1         *keys,
                     guint                    n_keys,
                     char      *const *const *tiers,
                     const ShoalAnnouncerOps *ops,
                     gpointer                 owner)
{
  ShoalAnnouncer *self;

  g_return_val_if_fail (hub != NULL && timers != NULL && rng != NULL && ops != NULL, NULL);
  g_return_val_if_fail (keys != NULL && n_keys >= 1 && n_keys <= SHOAL_ANNOUNCER_KEYS, NULL);

  self = g_new0 (ShoalAnnouncer, 1);
  self->hub = hub;
  self->timers = timers;
  self->rng = rng;
  self->ops = ops;
  self->owner = owner;
  self->n_keys = n_keys;
  memcpy (self->keys, keys, n_keys * sizeof *keys);
  self->rows = g_ptr_array_new_with_free_func (row_free);
  self->seeds = -1;
  self->leechers = -1;
  self->downloads = -1;
  shoal_timer_init (&self->timer, shoal_announcer_timer_cb, self);
  add_tiers (self, tiers);

  return self;
}

void
shoal_announcer_free (ShoalAnnouncer *self)
{
  if (self == NULL)
    return;

  shoal_timers_disarm (self->timers, &self->timer);
  g_clear_pointer (&self->scrape, shoal_tracker_scrape_drop);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->error, g_free);
  g_free (self);
}

void
shoal_announcer_add_tiers (ShoalAnnouncer     *self,
                           char *const *const *tiers)
{
  g_return_if_fail (self != NULL);

  add_tiers (self, tiers);
  if (self->running)
    shoal_timers_arm (self->timers, &self->timer, 0);
}

void
shoal_announcer_add_key (ShoalAnnouncer  *self,
                         const ShoalSha1 *key,
                         gint64           now_us)
{
  g_return_if_fail (self != NULL && key != NULL);

  for (guint k = 0; k < self->n_keys; k++)
    if (shoal_sha1_equal (&self->keys[k], key))
      return;
  g_return_if_fail (self->n_keys < SHOAL_ANNOUNCER_KEYS);

  for (guint i = 0; i < self->rows->len; i++)
    shoal_announcer_row (self, i)->slots[self->n_keys].next_us = now_us;
  self->keys[self->n_keys++] = *key;
  if (self->running)
    shoal_timers_arm (self->timers, &self->timer, now_us);
}

void
shoal_announcer_set_partial_seed (ShoalAnnouncer *self,
                                  gboolean        partial)
{
  g_return_if_fail (self != NULL);

  if (self->is_partial == partial)
    return;
  self->is_partial = partial;
  /* Trackers that know us are told as soon as they allow it. */
  for (guint i = 0; i < self->rows->len; i++)
    for (guint k = 0; k < self->n_keys; k++)
      {
        ShoalTrackerSlot *slot = &shoal_announcer_row (self, i)->slots[k];

        if (slot->started && slot->failures == 0)
          slot->next_us = MIN (slot->next_us, slot->min_us);
      }
  if (self->running)
    shoal_timers_arm (self->timers, &self->timer, 0);
}

ShoalTrackerState
shoal_announcer_state (const ShoalAnnouncer *self)
{
  gboolean asked = FALSE;
  gboolean failed = FALSE;

  g_return_val_if_fail (self != NULL, SHOAL_TRACKER_IDLE);

  for (guint i = 0; self->running && i < self->rows->len; i++)
    {
      if (shoal_tracker_row_works (shoal_announcer_row (self, i)))
        return SHOAL_TRACKER_WORKING;
      asked |= shoal_tracker_row_is_asked (shoal_announcer_row (self, i));
      for (guint k = 0; k < self->n_keys; k++)
        failed |= shoal_announcer_row (self, i)->slots[k].failures > 0;
    }

  return failed ? SHOAL_TRACKER_FAILING : asked ? SHOAL_TRACKER_ANNOUNCING : SHOAL_TRACKER_IDLE;
}

const char *
shoal_announcer_error (const ShoalAnnouncer *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return shoal_announcer_state (self) == SHOAL_TRACKER_FAILING ? self->error : NULL;
}

gboolean
shoal_announcer_has_trackers (const ShoalAnnouncer *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  for (guint i = 0; i < self->rows->len; i++)
    if (shoal_announcer_row (self, i)->usable)
      return TRUE;

  return FALSE;
}

static void
on_scraped (gpointer                 owner,
            const ShoalTrackerCount *count,
            const char              *error,
            gint64                   now_us)
{
  ShoalAnnouncer *self = owner;

  self->scrape = NULL;
  if (count == NULL)
    {
      g_debug ("a tracker does not tell how many take part: %s", error);
      return;
    }
  g_debug ("a tracker counts %" G_GINT64_FORMAT " seeds and %" G_GINT64_FORMAT " leechers",
           count->seeds, count->leechers);
  self->seeds = count->seeds;
  self->leechers = count->leechers;
  self->downloads = count->downloaded;
  self->counted_us = now_us;
  self->ops->changed (self->owner);
}

/* The tracker that knows of us, else the first that can be asked; NULL: none now. */
static const ShoalTrackerRow *
scrape_row (const ShoalAnnouncer *self)
{
  const ShoalTrackerRow *first = NULL;

  for (guint i = 0; i < self->rows->len; i++)
    {
      const ShoalTrackerRow *row = shoal_announcer_row (self, i);

      if (!row->usable)
        continue;
      /* The announce that is under way may tell. */
      if (shoal_tracker_row_is_asked (row))
        return NULL;
      if (shoal_tracker_row_works (row))
        return row;
      if (first == NULL)
        first = row;
    }

  return first;
}

/* The same five minutes for all torrents of the session, so that a tracker is asked for many at
 * once. */
static gboolean
scrape_is_due (const ShoalAnnouncer *self,
               gint64                now_us)
{
  gint64 told_us = MAX (self->scraped_us, self->counted_us);

  return self->scraped_us == 0
         || now_us / SCRAPE_SLOT_US - told_us / SCRAPE_SLOT_US > SCRAPE_US / SCRAPE_SLOT_US;
}

void
shoal_announcer_look (ShoalAnnouncer *self,
                      gint64          now_us)
{
  const ShoalTrackerRow *row;

  g_return_if_fail (self != NULL);

  if (self->scrape != NULL || !scrape_is_due (self, now_us))
    return;
  row = scrape_row (self);
  if (row == NULL)
    return;
  self->scraped_us = now_us;
  self->scrape = shoal_tracker_hub_scrape (self->hub, row->url, &self->keys[0], on_scraped, self);
}

void
shoal_announcer_look_away (ShoalAnnouncer *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->scrape, shoal_tracker_scrape_drop);
}

gint64
shoal_announcer_seeds (const ShoalAnnouncer *self)
{
  g_return_val_if_fail (self != NULL, -1);

  return self->seeds;
}

gint64
shoal_announcer_leechers (const ShoalAnnouncer *self)
{
  g_return_val_if_fail (self != NULL, -1);

  return self->leechers;
}

gint64
shoal_announcer_downloads (const ShoalAnnouncer *self)
{
  g_return_val_if_fail (self != NULL, -1);

  return self->downloads;
}

static int
compare_places (gconstpointer a,
                gconstpointer b)
{
  const ShoalTrackerRow *row_a = *(const ShoalTrackerRow *const *) a;
  const ShoalTrackerRow *row_b = *(const ShoalTrackerRow *const *) b;

  return row_a->place < row_b->place ? -1 : row_a->place > row_b->place;
}

static ShoalTrackerState
row_state (const ShoalTrackerRow *row)
{
  if (shoal_tracker_row_is_asked (row))
    return SHOAL_TRACKER_ANNOUNCING;
  if (shoal_tracker_row_works (row))
    return SHOAL_TRACKER_WORKING;
  for (guint k = 0; k < row->owner->n_keys; k++)
    if (row->slots[k].failures > 0)
      return SHOAL_TRACKER_FAILING;

  return SHOAL_TRACKER_IDLE;
}

static gint64
row_next_s (const ShoalTrackerRow *row,
            gint64                 now_us)
{
  gint64 next_us = SHOAL_NEVER;

  for (guint k = 0; row->owner->running && k < row->owner->n_keys; k++)
    if (row->slots[k].begun_us > 0)
      next_us = MIN (next_us, row->slots[k].next_us);

  return next_us == SHOAL_NEVER ? -1 : MAX (next_us - now_us, 0) / G_USEC_PER_SEC;
}

ShoalTrackerStats *
shoal_announcer_stats (const ShoalAnnouncer *self,
                       gint64                now_us,
                       guint                *n)
{
  ShoalTrackerStats *stats;

  g_return_val_if_fail (self != NULL && n != NULL, NULL);

  *n = self->rows->len;
  stats = g_new0 (ShoalTrackerStats, self->rows->len);
  for (guint i = 0; i < self->rows->len; i++)
    {
      const ShoalTrackerRow *row = shoal_announcer_row (self, i);

      stats[row->place] = (ShoalTrackerStats){
        .url = g_strdup (row->url),
        .tier = row->tier,
        .state = row_state (row),
        .error = g_strdup (row->error),
        .next_s = row_next_s (row, now_us),
        .seeds = row->seeds,
        .leechers = row->leechers,
      };
    }

  return stats;
}

char ***
shoal_announcer_tiers (const ShoalAnnouncer *self)
{
  g_autoptr (GPtrArray) rows = NULL;
  char ***tiers;
  guint at = 0;

  g_return_val_if_fail (self != NULL, NULL);

  rows = g_ptr_array_sized_new (self->rows->len);
  for (guint i = 0; i < self->rows->len; i++)
    g_ptr_array_add (rows, shoal_announcer_row (self, i));
  g_ptr_array_sort (rows, compare_places);

  tiers = g_new0 (char **, self->n_tiers + 1);
  for (guint t = 0; t < self->n_tiers; t++)
    {
      g_autoptr (GPtrArray) urls = g_ptr_array_new ();

      while (at < rows->len && ((ShoalTrackerRow *) g_ptr_array_index (rows, at))->tier == t)
        g_ptr_array_add (urls,
                         g_strdup (((ShoalTrackerRow *) g_ptr_array_index (rows, at++))->url));
      g_ptr_array_add (urls, NULL);
      tiers[t] = (char **) g_ptr_array_steal (urls, NULL);
    }

  return tiers;
}
