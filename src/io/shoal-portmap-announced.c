/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What gateways announce to everybody: that they have forgotten what they gave, or have another
 * outer address. */

/*
 * A gateway that was started again says so to all hosts of the network, a few times (RFC 6887,
 * 14.1; RFC 6886, 3.2.1). Only what comes from the gateway's own address and port is looked at, and
 * only if it is news: its seconds count from the start of what it has given, so they are fewer than
 * they should be once it has forgotten. It is asked again after a moment drawn by chance, because
 * everybody in the network has heard the same.
 */

#include "shoal-portmap-private.h"

#include <netinet/in.h>
#include "shoal-network-watch.h"

#define DELAY_STEPS  20        /* 5 s, as RFC 6887 has it */
#define SLACK_S      2         /* by which clocks may differ; and by an eighth of the time that has
                                * passed */

static gboolean
is_news (const ShoalPortmap   *self,
         const ShoalPcpAnswer *answer)
{
  const ShoalPortmapAnnounced *known = &self->announced;
  gint64 passed_s = (g_get_monotonic_time () - known->epoch_us) / G_USEC_PER_SEC;

  if (known->epoch_us == 0)
    return TRUE;
  if (answer->kind == SHOAL_NAT_PMP_ANSWER_ADDRESS &&
      !shoal_addr_same_ip (&answer->external, &self->external))
    return TRUE;

  return (gint64) answer->epoch_s + SLACK_S < (gint64) known->epoch_s + passed_s * 7 / 8;
}

static gboolean
ask_again (gpointer user_data)
{
  ShoalPortmap *self = user_data;

  g_clear_pointer (&self->announced.again, g_source_unref);
  shoal_portmap_hurry (self);

  return G_SOURCE_REMOVE;
}

static gboolean
is_gateway (const ShoalPortmap *self,
            GSocketAddress     *from)
{
  struct sockaddr_storage name;
  ShoalAddr addr;

  return g_socket_address_to_native (from, &name, sizeof name, NULL) &&
         shoal_addr_from_sockaddr (&addr, (struct sockaddr *) &name,
                                   (socklen_t) g_socket_address_get_native_size (from)) &&
         (shoal_addr_same_ip (&addr, &self->place.gateway) ||
          shoal_addr_same_ip (&addr, &self->place.upnp_gateway)) &&
         addr.port == self->ways.pcp_port;
}

static gboolean
heard (GSocket     *socket,
       GIOCondition condition,
       gpointer     user_data)
{
  ShoalPortmap *self = user_data;
  ShoalPortmapAnnounced *known = &self->announced;
  guint8 bytes[SHOAL_PCP_PACKET_MAX + 1];
  g_autoptr(GSocketAddress) from = NULL;
  gssize size = g_socket_receive_from (socket, &from, (char *) bytes, sizeof bytes, NULL, NULL);
  ShoalPcpAnswer answer;

  if (size <= 0 || from == NULL || !is_gateway (self, from) ||
      !shoal_pcp_parse_answer (&answer, bytes, (gsize) size) || answer.result != 0 ||
      (answer.kind != SHOAL_PCP_ANSWER_OTHER && answer.kind != SHOAL_NAT_PMP_ANSWER_ADDRESS))
    return G_SOURCE_CONTINUE;

  if (is_news (self, &answer) && known->again == NULL)
    {
      g_debug ("The gateway has begun anew");
      known->again = shoal_portmap_after (self, (guint) g_random_int_range (0, DELAY_STEPS),
                                          ask_again);
    }
  shoal_portmap_announced_note (self, answer.epoch_s);

  return G_SOURCE_CONTINUE;
}

void
shoal_portmap_announced_note (ShoalPortmap *self,
                              guint32       epoch_s)
{
  self->announced.epoch_s = epoch_s;
  self->announced.epoch_us = g_get_monotonic_time ();
}

/* All hosts of the network. */
static void
join (ShoalPortmap *self,
      GSocket      *socket,
      ShoalFamily   family)
{
  const char *everybody = family == SHOAL_FAMILY_IPV6 ? "ff02::1" : "224.0.0.1";
  g_autoptr(GInetAddress) group = g_inet_address_new_from_string (everybody);
  g_autoptr(GError) error = NULL;

  if (!g_socket_join_multicast_group (socket, group, FALSE,
                                      *self->place.device != '\0' ? self->place.device : NULL,
                                      &error))
    g_debug ("Announcements of the gateway are heard only if it speaks to us alone: %s",
             error->message);
}

static void
listen_to (ShoalPortmap    *self,
           const ShoalAddr *gateway)
{
  const ShoalAddr any = { .family = gateway->family };
  guint index = SHOAL_FAMILY_INDEX (gateway->family);

  if (gateway->family == SHOAL_FAMILY_NONE || self->announced.sockets[index] != NULL)
    return;
  self->announced.sockets[index] = shoal_portmap_socket (self, &any, self->ways.announce_port,
                                                         TRUE);
  if (self->announced.sockets[index] == NULL)
    {
      g_debug ("Announcements of the gateway are not heard");
      return;
    }
  join (self, self->announced.sockets[index], gateway->family);
  self->announced.heard[index] = shoal_portmap_listen (self, self->announced.sockets[index], heard);
}

/* One that is the gateway for both may say it over IPv4 alone. */
void
shoal_portmap_announced_begin (ShoalPortmap *self)
{
  listen_to (self, &self->place.gateway);
  listen_to (self, &self->place.upnp_gateway);
}

void
shoal_portmap_announced_end (ShoalPortmap *self)
{
  shoal_portmap_stop_source (&self->announced.again);
  for (guint i = 0; i < G_N_ELEMENTS (self->announced.sockets); i++)
    {
      shoal_portmap_stop_source (&self->announced.heard[i]);
      g_clear_object (&self->announced.sockets[i]);
    }
  self->announced.epoch_us = 0;
}
