/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said to a tracker and what it answers, whichever way it is asked. */

#include "shoal-announce.h"

void
shoal_announce_answer_init (ShoalAnnounceAnswer *self)
{
  g_return_if_fail (self != NULL);

  *self = (ShoalAnnounceAnswer){
    .retry_s = -1,
    .seeds = -1,
    .leechers = -1,
    .downloaded = -1,
    .peers = g_array_new (FALSE, FALSE, sizeof (ShoalAddr)),
    .counts = g_array_new (FALSE, FALSE, sizeof (ShoalTrackerCount)),
  };
}

void
shoal_announce_answer_clear (ShoalAnnounceAnswer *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->failure, g_free);
  g_clear_pointer (&self->warning, g_free);
  g_clear_pointer (&self->tracker_id, g_free);
  g_clear_pointer (&self->peers, g_array_unref);
  g_clear_pointer (&self->counts, g_array_unref);
}

void
shoal_announce_answer_add_peer (ShoalAnnounceAnswer *self,
                                const ShoalAddr     *peer)
{
  g_return_if_fail (self != NULL && self->peers != NULL && peer != NULL);

  if (self->peers->len < SHOAL_TRACKER_PEERS_MAX && shoal_addr_is_usable (peer))
    g_array_append_vals (self->peers, peer, 1);
}

void
shoal_announce_answer_add_compact (ShoalAnnounceAnswer *self,
                                   ShoalFamily          family,
                                   const guint8        *bytes,
                                   gsize                size)
{
  gsize each = family == SHOAL_FAMILY_IPV6 ? 18 : 6;

  g_return_if_fail (self != NULL);

  for (gsize at = 0; size - at >= each && self->peers->len < SHOAL_TRACKER_PEERS_MAX; at += each)
    {
      ShoalAddr peer;

      shoal_addr_from_compact (&peer, family, bytes + at);
      shoal_announce_answer_add_peer (self, &peer);
    }
}
