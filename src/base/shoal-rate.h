/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast bytes pass, and how fast they may: a rate estimator and a token bucket. Time is passed
 * in. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ShoalRate:
 *
 * Bytes a second over the last @window_s seconds (2 to 20), in slots of a second. Starts from
 * shoal_rate_init(). Costs nothing while idle.
 */
#define SHOAL_RATE_MAX_WINDOW 20

typedef struct
{
  guint64 total;                               /* bytes ever added */
  gint64  started_s;                           /* when the first byte came; 0: never */
  gint64  slot_s;                              /* second of the newest slot */
  guint32 slots[SHOAL_RATE_MAX_WINDOW];        /* bytes of each second, KiB-rounded never: exact up
                                                * to 4 GiB a second */
  guint8  window_s;
} ShoalRate;

void    shoal_rate_init (ShoalRate *self, guint window_s);
void    shoal_rate_add  (ShoalRate *self, guint64 bytes, gint64 now_us);
/* bytes a second; early on, over the time that has passed, at least 1 s */
guint64 shoal_rate_get  (ShoalRate *self, gint64 now_us);

/**
 * ShoalBucket:
 * @rate: bytes a second, 0: no limit
 * @level: bytes that may pass now; negative while a debt is paid off
 *
 * A token bucket that holds at most a quarter of a second of @rate (at least 16 KiB).
 */
typedef struct
{
  guint64 rate;
  gint64  level;
  gint64  filled_us;
} ShoalBucket;

void    shoal_bucket_set_rate (ShoalBucket *self, guint64 rate, gint64 now_us);
/* bytes that may pass now; G_MAXUINT64 without a limit */
guint64 shoal_bucket_ready    (ShoalBucket *self, gint64 now_us);
void    shoal_bucket_take     (ShoalBucket *self, guint64 bytes);           /* may go into debt */
/* time at which @bytes (at most a full bucket) are there */
gint64  shoal_bucket_when     (ShoalBucket *self, guint64 bytes, gint64 now_us);

G_END_DECLS
