/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far a long piece of work is, seen from another thread, and the way to stop it. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** ShoalProgress: zeroed at first; bytes. Any thread, through the functions below. */
typedef struct
{
  guint64  total;
  guint64  done;
  gboolean cancelled;
  gboolean handed_over;
  gboolean ended;
} ShoalProgress;

static inline void
shoal_progress_begin (ShoalProgress *self, guint64 total)
{
  __atomic_store_n (&self->total, total, __ATOMIC_RELAXED);
}

static inline void
shoal_progress_add (ShoalProgress *self, guint64 bytes)
{
  __atomic_add_fetch (&self->done, bytes, __ATOMIC_RELAXED);
}

static inline void
shoal_progress_cancel (ShoalProgress *self)
{
  __atomic_store_n (&self->cancelled, TRUE, __ATOMIC_RELAXED);
}

static inline gboolean
shoal_progress_cancelled (ShoalProgress *self)
{
  return __atomic_load_n (&self->cancelled, __ATOMIC_RELAXED);
}

/* What was written before this was said, the thread that saw it may read. */
static inline void
shoal_progress_hand_over (ShoalProgress *self)
{
  __atomic_store_n (&self->handed_over, TRUE, __ATOMIC_RELEASE);
}

static inline gboolean
shoal_progress_handed_over (ShoalProgress *self)
{
  return __atomic_load_n (&self->handed_over, __ATOMIC_ACQUIRE);
}

/* What the thread wrote before it said so, whoever saw it may read. */
static inline void
shoal_progress_end (ShoalProgress *self)
{
  __atomic_store_n (&self->ended, TRUE, __ATOMIC_RELEASE);
}

static inline gboolean
shoal_progress_ended (ShoalProgress *self)
{
  return __atomic_load_n (&self->ended, __ATOMIC_ACQUIRE);
}

/* 0 … 1 */
static inline double
shoal_progress_share (ShoalProgress *self)
{
  guint64 total = __atomic_load_n (&self->total, __ATOMIC_RELAXED);
  guint64 done = __atomic_load_n (&self->done, __ATOMIC_RELAXED);

  return total == 0 ? 0.0 : MIN ((double) done / (double) total, 1.0);
}

G_END_DECLS
