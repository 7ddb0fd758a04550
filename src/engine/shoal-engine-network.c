/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine wants of the network, and what follows when the network comes, goes or
 * changes. */

#include "shoal-engine-private.h"
#include "shoal-swarm-private.h"

#include <string.h>

void
shoal_engine_want_network (ShoalEngine *self)
{
  const ShoalConfig *config = &self->config;

  self->host->ops->network (self->host, &(ShoalNetwork){
                              .tcp = config->use_tcp,
                              .bbr = config->tcp_bbr,
                              .port = config->port,
                              .bind = config->bind,
                              .dns = config->dns,
                              .proxy = config->proxy,
                              .proxy_all = config->proxy_all,
                            });
}

gboolean
shoal_engine_network_differs (const ShoalConfig *a,
                              const ShoalConfig *b)
{
  return a->port != b->port || a->use_tcp != b->use_tcp || a->use_utp != b->use_utp ||
         a->tcp_bbr != b->tcp_bbr || strcmp (a->bind, b->bind) != 0 ||
         strcmp (a->dns, b->dns) != 0 || strcmp (a->proxy, b->proxy) != 0 ||
         a->proxy_all != b->proxy_all;
}

gboolean
shoal_engine_is_hidden (const ShoalEngine *self)
{
  return self->config.proxy[0] != '\0' && self->config.proxy_all;
}

/* What failed while the network was away, or reached something else, says nothing about what is
 * there now. */
static void
begin_anew (ShoalEngine *self)
{
  GHashTableIter iter;
  gpointer swarm;

  shoal_tracker_hub_forget_names (self->hub);
  g_hash_table_iter_init (&iter, self->swarms);
  while (g_hash_table_iter_next (&iter, NULL, &swarm))
    {
      ShoalSwarm *one = swarm;

      shoal_peerbook_forgive (one->book, self->now_us);
      if (one->announcer != NULL)
        shoal_announcer_now (one->announcer, self->now_us);
    }
  shoal_engine_want_dials (self);
}

void
shoal_engine_network (ShoalEngine             *self,
                      const ShoalNetworkState *now)
{
  ShoalEvent *event = shoal_event_new (SHOAL_EVENT_LISTENING);

  g_return_if_fail (self->in_turn);

  self->port = now->tcp_port;
  /* Behind a proxy the port is of our end of its relay, where nobody else comes. */
  if (!self->config.use_tcp && self->config.use_utp && !shoal_engine_is_hidden (self))
    self->port = now->udp_port;
  shoal_lsd_set_port (self->lsd, self->port, self->now_us);
  self->udp_port = now->udp_port;
  shoal_utp_hub_accept (self->utp, self->config.use_utp && !self->quitting);
  /* The sockets that took no more are gone. */
  shoal_utp_hub_writable (self->utp);
  self->network_down = now->down;
  event->count = self->port;
  if (now->error != NULL)
    event->error = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_FAILED, now->error);
  self->serial++;
  shoal_engine_tell (self, event);
  if (!now->down)
    shoal_engine_dht_network (self->dht);
  if (now->moved && !now->down && !self->quitting)
    begin_anew (self);
}
