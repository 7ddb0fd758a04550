/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The port at the gateway, and what follows from it: it is the one that others are told. */

#include "shoal-swarm-private.h"

/* With a proxy for everything the gateway is not on our way, and must not hear of us. */
void
shoal_engine_want_mapping (ShoalEngine *self)
{
  self->host->ops->map (self->host,
                        self->config.portmap && !self->config.proxy_all && !self->quitting);
}

/* Peers are told one port for TCP and UDP. */
guint16
shoal_engine_public_port (const ShoalEngine *self)
{
  if (self->mapping.state == SHOAL_MAP_DONE && self->mapping.tcp_port != 0)
    return self->mapping.tcp_port;

  return self->port;
}

static void
tell_trackers (ShoalEngine *self)
{
  GHashTableIter iter;
  gpointer swarm;

  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &swarm))
    shoal_announcer_moved (((ShoalSwarm *) swarm)->announcer, self->now_us);
}

void
shoal_engine_mapped (ShoalEngine        *self,
                     const ShoalMapping *now)
{
  guint16 before = shoal_engine_public_port (self);
  ShoalAddr external;

  g_return_if_fail (self->in_turn);

  self->mapping = *now;
  self->serial++;
  if (now->state == SHOAL_MAP_DONE && !now->nested && shoal_addr_parse (&external, now->address, 1))
    shoal_engine_set_external (self, &external);
  if (shoal_engine_public_port (self) != before && !self->quitting)
    tell_trackers (self);
}
