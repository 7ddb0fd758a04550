/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outstanding requests of one link, in the order in which the answers are expected. */

#pragma once

#include "shoal-picker.h"

G_BEGIN_DECLS

#define SHOAL_REQUESTS_MAX      2000u
#define SHOAL_LATE_US           (60 * G_USEC_PER_SEC)   /* an answer that was given up may still
                                                         * come for so long */
#define SHOAL_LATE_MAX          4096u

typedef struct
{
  ShoalBlock block;
  gint64     sent_us;
  gboolean   first;      /* nothing was under way when it was sent: its answer measures the round
                          * trip */
} ShoalRequest;

/**
 * ShoalRequests:
 *
 * Zero-initialised is empty. `live` are waited for; `late` were cancelled, timed out or choked:
 * their answers are dropped.
 */
typedef struct
{
  ShoalRequest *live;      /* ring */
  guint         head;
  guint         n_live;
  guint         capacity;  /* a power of two */
  ShoalRequest *late;
  guint         n_late;
  guint         late_capacity;
} ShoalRequests;

typedef enum { SHOAL_REQUEST_UNKNOWN, SHOAL_REQUEST_LIVE, SHOAL_REQUEST_LATE } ShoalRequestKind;

void                shoal_requests_clear  (ShoalRequests *self);
void                shoal_requests_push   (ShoalRequests *self, ShoalBlock block, gint64 now_us);
static inline const ShoalRequest *
shoal_requests_peek (const ShoalRequests *self,
                     guint                index)
{
  return &self->live[(self->head + index) & (self->capacity - 1)];
}

/* An answer (or a reject) came: takes the request off and says what it was; @out: (out)
 * (optional). */
ShoalRequestKind    shoal_requests_take   (ShoalRequests *self, ShoalBlock block,
                                           ShoalRequest *out);
/* Gives one up: it is late from @now_us on. FALSE: not live. */
gboolean            shoal_requests_drop   (ShoalRequests *self, ShoalBlock block, gint64 now_us);
/* Gives the oldest one up and tells which. FALSE: none. */
gboolean            shoal_requests_drop_oldest (ShoalRequests *self, ShoalBlock *out,
                                                gint64 now_us);
/* Forgets what is late for too long. */
void                shoal_requests_age    (ShoalRequests *self, gint64 now_us);

G_END_DECLS
