/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timers without a clock: an intrusive 4-ary heap of deadlines. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SHOAL_NEVER G_MAXINT64   /* no deadline, microseconds */

typedef struct _ShoalTimer  ShoalTimer;
typedef struct _ShoalTimers ShoalTimers;

/* @now_us is the time given to shoal_timers_expire(). The timer is disarmed when this is called; it
 * may arm itself again. */
typedef void (*ShoalTimerFunc) (gpointer owner, gint64 now_us);

/**
 * ShoalTimer:
 *
 * Lies inside its owner's struct; shoal_timer_init() before the first use, disarm before freeing.
 */
struct _ShoalTimer
{
  gint64         at_us;
  guint          index;      /* in the heap, counted from 1; 0: not armed */
  ShoalTimerFunc func;
  gpointer       owner;
  guint64        serial;     /* equal deadlines expire in the order in which they were armed */
};

ShoalTimers *shoal_timers_new    (void);
void         shoal_timers_free   (ShoalTimers *self);   /* timers still armed are forgotten */

void         shoal_timer_init    (ShoalTimer *timer, ShoalTimerFunc func, gpointer owner);
/* moves it if armed */
void         shoal_timers_arm    (ShoalTimers *self, ShoalTimer *timer, gint64 at_us);
/* nothing if not armed */
void         shoal_timers_disarm (ShoalTimers *self, ShoalTimer *timer);
static inline gboolean shoal_timer_is_armed (const ShoalTimer *timer) { return timer->index != 0; }

/* Calls every timer due at @now_us, earliest first; one armed by a call for @now_us or before waits
 * for the next expire. */
void         shoal_timers_expire (ShoalTimers *self, gint64 now_us);
gint64       shoal_timers_next   (const ShoalTimers *self);   /* earliest deadline or SHOAL_NEVER */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalTimers, shoal_timers_free)

G_END_DECLS
