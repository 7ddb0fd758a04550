/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A rig with a torrent of one file, and a look into it. */

#pragma once

#include "rig.h"
#include "shoal-link-private.h"

G_BEGIN_DECLS

#define SWARM_RIG_SIZE (2u * 1024 * 1024 + 777)   /* bytes */

/* (transfer full): pieces of 64 KiB. @config: (nullable) */
static inline Rig *
rig_of_one_file (const ShoalConfig *config)
{
  static const ContentFile one_file[] = { { .size = SWARM_RIG_SIZE } };

  return rig_new (one_file, G_N_ELEMENTS (one_file), 64 * 1024, config);
}

/* (transfer none): who has everything */
static inline RigBot *
new_seed (Rig   *rig,
          guint8 number)
{
  RigBot *bot = rig_bot (rig, number);

  bot->has_all = TRUE;

  return bot;
}

static inline ShoalSwarm *
swarm_of (Rig *rig)
{
  return shoal_engine_find (rig->engine, rig->id);
}

static inline gboolean
is_banned (const RigBot *bot)
{
  return shoal_peerbook_is_banned (swarm_of (bot->rig)->book, &bot->addr);
}

G_END_DECLS
