/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a torrent's trackers are asked: intervals, retries, and each event exactly once. */

/* Each tracker (row) has a schedule of its own for each key (slot). A slot that was answered to
 * `started` is in use: it is asked again at its interval, and owes the tracker a `stopped`.
 *
 * plan() is the only place that begins an announce. It asks the slots in use that are due; while
 * none of them works it searches: rows in order, the next one when the last has failed or has been
 * silent for a while, none before its back-off is over. While peers are few it asks in-use trackers
 * as soon as they allow it, at growing distances, and goes on to tiers of which none is in use. A
 * row that answers moves to the front of its tier (BEP 12).
 *
 * Never asked before their time: regular announces before max (interval, min interval), others
 * before the min interval. `completed` and `stopped` do not wait. Events of one tracker go out one
 * after another. Engine thread only. */

#include "shoal-announcer-private.h"
#include <string.h>
#include "shoal-list.h"

#define SECOND_US          ((gint64) G_USEC_PER_SEC)
#define INTERVAL_S         1800               /* where a tracker says none */
#define INTERVAL_LEAST_S   10                 /* no tracker can want more than that */
#define HUNGRY_S           60                 /* distance of announces for want of peers where no
                                               * min interval is said */
#define HUNGRY_DOUBLINGS   6u
#define RETRY_S            15                 /* after silence, doubled each time */
#define REFUSED_RETRY_S    60                 /* after a refusal, doubled each time */
#define RETRY_MAX_S        3600
#define RETRY_DOUBLINGS    10u
#define JITTER             0.1                /* of a wait, on top of it */
#define JITTER_MAX_US      (60 * SECOND_US)
#define PATIENCE_US        (10 * SECOND_US)   /* a search goes on when a tracker is silent for so
                                               * long */
#define MOVED_US           (5 * SECOND_US)    /* after an announce with a port that is not ours any
                                               * more */
#define WIDEN_US           (10 * SECOND_US)   /* between first announces to more tiers */
#define STOP_PATIENCE_US   (1 * SECOND_US)    /* `stopped` waits for the answer to what is under
                                               * way */
#define NUMWANT_MANY       200
#define NUMWANT_FEW        50

static void plan (ShoalAnnouncer *self, gint64 now_us);

/* BEP 12: who answers is asked first the next time. */
static void
promote (ShoalTrackerRow *row)
{
  GPtrArray *rows = row->owner->rows;
  guint front = 0;
  guint at = 0;

  while (shoal_announcer_row (row->owner, front)->tier != row->tier)
    front++;
  while (shoal_announcer_row (row->owner, at) != row)
    at++;
  memmove (rows->pdata + front + 1, rows->pdata + front, (at - front) * sizeof (gpointer));
  rows->pdata[front] = row;
}

gboolean
shoal_tracker_row_is_asked (const ShoalTrackerRow *row)
{
  for (guint i = 0; i < row->owner->n_keys; i++)
    if (row->slots[i].call != NULL)
      return TRUE;

  return FALSE;
}

gboolean
shoal_tracker_row_works (const ShoalTrackerRow *row)
{
  for (guint i = 0; i < row->owner->n_keys; i++)
    {
      const ShoalTrackerSlot *slot = &row->slots[i];
      gboolean leaving = slot->call != NULL && slot->event == SHOAL_ANNOUNCE_STOPPED;

      if (slot->started && slot->failures == 0 && !leaving)
        return TRUE;
    }

  return FALSE;
}

/* Whether a tracker of the tier works. */
static gboolean
tier_in_use (const ShoalAnnouncer *self,
             guint                 tier)
{
  for (guint i = 0; i < self->rows->len; i++)
    if (shoal_announcer_row (self, i)->tier == tier
        && shoal_tracker_row_works (shoal_announcer_row (self, i)))
      return TRUE;

  return FALSE;
}

/* When a row that is not in use may be asked. */
static gint64
row_when (const ShoalTrackerRow *row)
{
  gint64 at_us = SHOAL_NEVER;

  for (guint i = 0; i < row->owner->n_keys; i++)
    at_us = MIN (at_us, row->slots[i].next_us);

  return row->usable ? at_us : SHOAL_NEVER;
}

/* --- Telling --- */

static void
tell_changed (ShoalAnnouncer *self)
{
  self->state = shoal_announcer_state (self);
  self->ops->changed (self->owner);
}

static void
tell_if_changed (ShoalAnnouncer *self)
{
  if (self->state != shoal_announcer_state (self))
    tell_changed (self);
}

/* --- One announce --- */

static void begin (ShoalTrackerSlot *slot, ShoalAnnounceEvent event, gint64 now_us);

static gint64
jitter (ShoalAnnouncer *self,
        gint64          wait_us)
{
  return wait_us
         + (gint64) (MIN ((double) wait_us * JITTER, (double) JITTER_MAX_US)
                     * shoal_rng_unit (self->rng));
}

static void
take_answer (ShoalTrackerSlot          *slot,
             const ShoalAnnounceAnswer *answer,
             gint64                     now_us)
{
  ShoalAnnouncer *self = slot->row->owner;
  gint64 interval_s = MAX (answer->interval_s > 0 ? answer->interval_s : INTERVAL_S,
                           INTERVAL_LEAST_S);
  gint64 min_s = answer->min_interval_s > 0 ? answer->min_interval_s : MIN (interval_s, HUNGRY_S);
  gint64 hungry_s = MAX (min_s, HUNGRY_S) << MIN (slot->hungry, HUNGRY_DOUBLINGS);

  slot->failures = 0;
  slot->started = TRUE;
  if (slot->event == SHOAL_ANNOUNCE_COMPLETED)
    slot->owes_completed = FALSE;
  slot->next_us = now_us + jitter (self, MAX (interval_s, min_s) * SECOND_US);
  slot->min_us = now_us + jitter (self, min_s * SECOND_US);
  slot->hungry_us =
    MAX (slot->min_us, now_us + jitter (self, MIN (hungry_s, MAX (interval_s, min_s)) * SECOND_US));
  if (slot->hungry == 0)
    slot->hungry_us = slot->min_us;
  if (answer->tracker_id != NULL)
    {
      g_clear_pointer (&slot->tracker_id, g_free);
      slot->tracker_id = g_strdup (answer->tracker_id);
    }
  g_clear_pointer (&slot->row->error, g_free);
  slot->row->seeds = answer->seeds;
  slot->row->leechers = answer->leechers;
  if (answer->seeds >= 0)
    {
      self->counted_us = now_us;
      self->seeds = answer->seeds;
    }
  if (answer->leechers >= 0)
    self->leechers = answer->leechers;
  if (answer->downloaded >= 0)
    self->downloads = answer->downloaded;
  g_clear_pointer (&self->error, g_free);
  self->widen_us = MAX (self->widen_us, now_us + WIDEN_US);
  promote (slot->row);
}

static void
take_failure (ShoalTrackerSlot          *slot,
              const ShoalAnnounceAnswer *answer,
              const char                *error,
              gint64                     now_us)
{
  ShoalAnnouncer *self = slot->row->owner;
  gint64 wait_s = (answer != NULL ? REFUSED_RETRY_S : RETRY_S)
                  * (G_GINT64_CONSTANT (1) << MIN (slot->failures, RETRY_DOUBLINGS));

  slot->failures++;
  g_clear_pointer (&self->error, g_free);
  self->error = g_strdup (error != NULL ? error : "No answer");
  g_free (slot->row->error);
  slot->row->error = g_strdup (self->error);

  if (answer != NULL && answer->retry_s == G_MAXINT64)
    {
      slot->next_us = SHOAL_NEVER;
      slot->min_us = SHOAL_NEVER;
      return;
    }
  /* What the tracker says counts, and the user cannot hurry it (BEP 31). */
  if (answer != NULL && answer->retry_s > 0)
    {
      slot->next_us = now_us + jitter (self, answer->retry_s * SECOND_US);
      slot->min_us = slot->next_us;
      return;
    }
  slot->next_us = now_us + jitter (self, MIN (wait_s, RETRY_MAX_S) * SECOND_US);
  slot->min_us = now_us;
}

static void
call_done_cb (gpointer                   owner,
              const ShoalAnnounceAnswer *answer,
              const char                *error,
              gint64                     now_us)
{
  ShoalTrackerSlot *slot = owner;
  ShoalAnnouncer *self = slot->row->owner;

  slot->call = NULL;
  if (slot->event == SHOAL_ANNOUNCE_STOPPED)
    {
      slot->started = FALSE;
      slot->failures = 0;
      slot->next_us = now_us;
    }
  else if (answer != NULL && answer->failure == NULL)
    take_answer (slot, answer, now_us);
  else
    take_failure (slot, answer, error, now_us);

  if (self->running)
    {
      if (answer != NULL && answer->peers->len > 0)
        self->ops->peers (self->owner, &self->keys[slot->key],
                          (const ShoalAddr *) (gpointer) answer->peers->data, answer->peers->len);
      if (answer != NULL && answer->external.family != SHOAL_FAMILY_NONE
          && self->ops->external != NULL)
        self->ops->external (self->owner, &answer->external);
      plan (self, now_us);
    }
  else if (slot->event != SHOAL_ANNOUNCE_STOPPED && slot->started)
    begin (slot, SHOAL_ANNOUNCE_STOPPED, now_us);
  tell_changed (self);
}

static void
begin (ShoalTrackerSlot  *slot,
       ShoalAnnounceEvent event,
       gint64             now_us)
{
  ShoalAnnouncer *self = slot->row->owner;
  ShoalAnnounce announce = { 0 };

  g_assert (slot->call == NULL);

  self->ops->totals (self->owner, &announce);
  if (announce.port == 0)
    announce.port = SHOAL_ANNOUNCE_NO_PORT;
  announce.info_hash = self->keys[slot->key];
  announce.event = event;
  announce.tracker_id = slot->tracker_id;
  announce.numwant = self->wants_peers || event == SHOAL_ANNOUNCE_STARTED ? NUMWANT_MANY
                                                                          : NUMWANT_FEW;
  if (event == SHOAL_ANNOUNCE_STOPPED)
    announce.numwant = 0;

  slot->event = event;
  slot->port = announce.port;
  slot->begun_us = now_us;
  slot->call = shoal_tracker_hub_announce (self->hub, slot->row->url, &announce,
                                           event != SHOAL_ANNOUNCE_NONE
                                             && event != SHOAL_ANNOUNCE_PAUSED,
                                           call_done_cb, slot);
}

static void
begin_usual (ShoalTrackerSlot *slot,
             gint64            now_us)
{
  ShoalAnnounceEvent event = slot->row->owner->is_partial ? SHOAL_ANNOUNCE_PAUSED
                                                          : SHOAL_ANNOUNCE_NONE;

  if (slot->owes_completed)
    event = SHOAL_ANNOUNCE_COMPLETED;
  if (!slot->started)
    event = SHOAL_ANNOUNCE_STARTED;
  begin (slot, event, now_us);
}

/* --- Plan --- */

/* Asks a tracker that is not in use, with every key. */
static void
begin_row (ShoalTrackerRow *row,
           gint64           now_us)
{
  for (guint i = 0; i < row->owner->n_keys; i++)
    if (row->slots[i].call == NULL && row->slots[i].next_us <= now_us)
      begin_usual (&row->slots[i], now_us);
}

/* The first tracker in order that is not in use and may be asked; @at_us: when the next one may. */
static ShoalTrackerRow *
find_idle (ShoalAnnouncer *self,
           gboolean        new_tiers,
           guint           below,
           gint64          now_us,
           gint64         *at_us)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      ShoalTrackerRow *row = shoal_announcer_row (self, i);
      gint64 when_us = row_when (row);

      if (row->tier >= below || shoal_tracker_row_works (row) || shoal_tracker_row_is_asked (row)
          || (new_tiers && tier_in_use (self, row->tier)))
        continue;
      if (when_us <= now_us)
        return row;
      if (at_us != NULL)
        *at_us = MIN (*at_us, when_us);
    }

  return NULL;
}

/* The tracker sends peers to a port that is not ours any more. */
static gboolean
has_moved (const ShoalTrackerSlot *slot)
{
  ShoalAnnounce announce = { 0 };

  slot->row->owner->ops->totals (slot->row->owner->owner, &announce);

  return announce.port != 0 && slot->port != announce.port;
}

/* When a slot in use is to be asked again. */
static gint64
slot_when (const ShoalTrackerSlot *slot,
           gint64                  now_us)
{
  gint64 at_us = slot->next_us;

  if (slot->failures == 0 && slot->owes_completed)
    at_us = now_us;
  else if (slot->failures == 0 && slot->row->owner->wants_peers)
    at_us = MIN (at_us, slot->hungry_us);
  if (slot->failures == 0 && has_moved (slot))
    at_us = MIN (at_us, slot->begun_us + MOVED_US);

  return at_us;
}

static gint64
plan_in_use (ShoalAnnouncer *self,
             gint64          now_us)
{
  gint64 at_us = SHOAL_NEVER;
  guint regular_tier = 0;

  for (guint i = 0; i < self->rows->len; i++)
    for (guint k = 0; k < self->n_keys; k++)
      {
        ShoalTrackerSlot *slot = &shoal_announcer_row (self, i)->slots[k];
        gint64 when_us = slot_when (slot, now_us);

        /* Of one that failed the search takes care. */
        if (slot->call != NULL || !shoal_tracker_row_works (slot->row))
          continue;
        if (when_us > now_us)
          {
            at_us = MIN (at_us, when_us);
            continue;
          }
        if (slot->next_us <= now_us)
          {
            slot->hungry = 0;
            regular_tier = MAX (regular_tier, slot->row->tier);
          }
        else if (!slot->owes_completed && !has_moved (slot))
          slot->hungry++;
        begin_usual (slot, now_us);
      }

  /* BEP 12: every regular announce tries the earlier tiers anew. */
  if (regular_tier > 0)
    {
      ShoalTrackerRow *earlier = find_idle (self, TRUE, regular_tier, now_us, NULL);

      if (earlier != NULL)
        begin_row (earlier, now_us);
    }

  return at_us;
}

/* The last time at which a tracker that is not in use was asked and has not answered; 0: none
 * is. */
static gint64
newest_search (const ShoalAnnouncer *self)
{
  gint64 newest_us = 0;

  for (guint i = 0; i < self->rows->len; i++)
    for (guint k = 0; k < self->n_keys; k++)
      {
        const ShoalTrackerSlot *slot = &shoal_announcer_row (self, i)->slots[k];

        if (slot->call != NULL && slot->event != SHOAL_ANNOUNCE_STOPPED
            && !shoal_tracker_row_works (slot->row))
          newest_us = MAX (newest_us, slot->begun_us);
      }

  return newest_us;
}

static gint64
plan_search (ShoalAnnouncer *self,
             gboolean        works,
             gint64          now_us)
{
  gint64 newest_us = newest_search (self);
  gint64 at_us = SHOAL_NEVER;
  ShoalTrackerRow *row;

  if (works && !self->wants_peers)
    return SHOAL_NEVER;
  if (works && self->widen_us > now_us)
    return self->widen_us;
  if (newest_us != 0 && newest_us + PATIENCE_US > now_us)
    return newest_us + PATIENCE_US;

  row = find_idle (self, works, G_MAXUINT, now_us, &at_us);
  if (row == NULL)
    return at_us;
  begin_row (row, now_us);
  self->widen_us = now_us + WIDEN_US;

  return now_us + PATIENCE_US;
}

static void
plan (ShoalAnnouncer *self,
      gint64          now_us)
{
  gboolean works = FALSE;
  gint64 at_us;

  g_assert (self->running);

  for (guint i = 0; i < self->rows->len; i++)
    works |= shoal_tracker_row_works (shoal_announcer_row (self, i));

  at_us = plan_in_use (self, now_us);
  at_us = MIN (at_us, plan_search (self, works, now_us));
  if (at_us == SHOAL_NEVER)
    shoal_timers_disarm (self->timers, &self->timer);
  else
    shoal_timers_arm (self->timers, &self->timer, at_us);
}

/* `stopped` does not wait any longer for what is under way. */
static void
stop_now (ShoalAnnouncer *self,
          gint64          now_us)
{
  for (guint i = 0; i < self->rows->len; i++)
    for (guint k = 0; k < self->n_keys; k++)
      {
        ShoalTrackerSlot *slot = &shoal_announcer_row (self, i)->slots[k];
        gboolean told = slot->started;

        if (slot->call == NULL || slot->event == SHOAL_ANNOUNCE_STOPPED)
          continue;
        told |= shoal_tracker_call_drop (g_steal_pointer (&slot->call));
        if (told)
          begin (slot, SHOAL_ANNOUNCE_STOPPED, now_us);
      }
}

void
shoal_announcer_timer_cb (gpointer owner,
                          gint64   now_us)
{
  ShoalAnnouncer *self = owner;

  if (self->running)
    plan (self, now_us);
  else
    stop_now (self, now_us);
  tell_if_changed (self);
}

/* --- Public --- */

void
shoal_announcer_start (ShoalAnnouncer *self,
                       gint64          now_us)
{
  g_return_if_fail (self != NULL);

  if (self->running)
    return;

  self->running = TRUE;
  for (guint i = 0; i < self->rows->len; i++)
    for (guint k = 0; k < self->n_keys; k++)
      {
        ShoalTrackerSlot *slot = &shoal_announcer_row (self, i)->slots[k];

        slot->failures = 0;
        slot->hungry = 0;
        slot->owes_completed = FALSE;
        if (!slot->started)
          slot->next_us = now_us;
      }
  plan (self, now_us);
  tell_if_changed (self);
}

void
shoal_announcer_completed (ShoalAnnouncer *self,
                           gint64          now_us)
{
  g_return_if_fail (self != NULL);

  if (!self->running)
    return;

  /* A tracker that is asked for the first time after this hears of a seed, not of a download. */
  for (guint i = 0; i < self->rows->len; i++)
    for (guint k = 0; k < self->n_keys; k++)
      {
        ShoalTrackerSlot *slot = &shoal_announcer_row (self, i)->slots[k];

        slot->owes_completed = slot->started
                               || (slot->call != NULL && slot->event == SHOAL_ANNOUNCE_STARTED);
      }
  plan (self, now_us);
  tell_if_changed (self);
}

void
shoal_announcer_stop (ShoalAnnouncer *self,
                      gint64          now_us)
{
  g_return_if_fail (self != NULL);

  if (!self->running)
    return;

  self->running = FALSE;
  shoal_timers_disarm (self->timers, &self->timer);
  for (guint i = 0; i < self->rows->len; i++)
    for (guint k = 0; k < self->n_keys; k++)
      {
        ShoalTrackerSlot *slot = &shoal_announcer_row (self, i)->slots[k];

        if (slot->call != NULL)
          shoal_timers_arm (self->timers, &self->timer, now_us + STOP_PATIENCE_US);
        else if (slot->started)
          begin (slot, SHOAL_ANNOUNCE_STOPPED, now_us);
      }
  tell_if_changed (self);
}

gboolean
shoal_announcer_stopping (const ShoalAnnouncer *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  for (guint i = 0; !self->running && i < self->rows->len; i++)
    if (shoal_tracker_row_is_asked (shoal_announcer_row (self, i)))
      return TRUE;

  return FALSE;
}

void
shoal_announcer_want_peers (ShoalAnnouncer *self,
                            gboolean        wanted,
                            gint64          now_us)
{
  g_return_if_fail (self != NULL);

  if (self->wants_peers == wanted)
    return;

  self->wants_peers = wanted;
  if (self->running)
    plan (self, now_us);
  tell_if_changed (self);
}

void
shoal_announcer_now (ShoalAnnouncer *self,
                     gint64          now_us)
{
  g_return_if_fail (self != NULL);

  if (!self->running)
    return;

  for (guint i = 0; i < self->rows->len; i++)
    for (guint k = 0; k < self->n_keys; k++)
      {
        ShoalTrackerSlot *slot = &shoal_announcer_row (self, i)->slots[k];

        slot->next_us = MIN (slot->next_us, MAX (slot->min_us, now_us));
      }
  plan (self, now_us);
  tell_if_changed (self);
}


void
shoal_announcer_moved (ShoalAnnouncer *self,
                       gint64          now_us)
{
  g_return_if_fail (self != NULL);

  if (!self->running)
    return;

  plan (self, now_us);
  tell_if_changed (self);
}
