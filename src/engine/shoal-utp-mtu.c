/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The search for the largest datagram that the way takes. */

/*
 * The usual largest size is tried first, since it is mostly right; then the middle of what is left.
 * Only probes are sent with the order not to be cut into fragments, and only their padding makes
 * them large, so a lost one costs nothing but a retransmission.
 */

#include "shoal-utp-mtu.h"

void
shoal_utp_mtu_init (ShoalUtpMtu *self,
                    ShoalFamily  family)
{
  *self = (ShoalUtpMtu){
    .size = SHOAL_UTP_MTU_BASE,
    .limit = family == SHOAL_FAMILY_IPV6 ? SHOAL_UTP_MTU_MOST - 20 : SHOAL_UTP_MTU_MOST,
  };
  self->most = self->limit;
}

guint
shoal_utp_mtu_wanted (ShoalUtpMtu *self,
                      gint64       now_us)
{
  if (self->probe != 0)
    return 0;
  if (self->again_us != 0 && now_us >= self->again_us)
    {
      self->most = self->limit;
      self->again_us = 0;
    }
  if (self->most < self->size + SHOAL_UTP_MTU_STEP)
    return 0;

  return self->most == self->limit
           ? self->limit
           : MAX ((self->size + self->most + 1) / 2, self->size + SHOAL_UTP_MTU_STEP);
}

void
shoal_utp_mtu_sent (ShoalUtpMtu *self,
                    guint        probe)
{
  self->probe = probe;
}

static void
narrow (ShoalUtpMtu *self,
        gint64       now_us)
{
  self->probe = 0;
  self->n_lost = 0;
  if (self->most < self->size + SHOAL_UTP_MTU_STEP)
    self->again_us = now_us + SHOAL_UTP_MTU_AGAIN_US;
}

void
shoal_utp_mtu_arrived (ShoalUtpMtu *self,
                       guint        probe,
                       gint64       now_us)
{
  self->size = MAX (self->size, MIN (probe, self->limit));
  self->most = MAX (self->most, self->size);
  if (self->probe == probe)
    narrow (self, now_us);
}

void
shoal_utp_mtu_too_big (ShoalUtpMtu *self,
                       guint        probe,
                       gint64       now_us)
{
  if (self->probe != probe)
    return;
  self->most = MAX (probe - 1, self->size);
  narrow (self, now_us);
}

void
shoal_utp_mtu_lost (ShoalUtpMtu *self,
                    guint        probe,
                    gint64       now_us)
{
  if (self->probe != probe)
    return;
  self->probe = 0;
  if (++self->n_lost >= SHOAL_UTP_MTU_TRIES)
    {
      self->probe = probe;
      shoal_utp_mtu_too_big (self, probe, now_us);
    }
}

void
shoal_utp_mtu_stuck (ShoalUtpMtu *self)
{
  self->size = SHOAL_UTP_MTU_LEAST;
  self->probe = 0;
}
