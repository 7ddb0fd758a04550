/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ports at the gateway that lead to ours, by PCP, NAT-PMP or UPnP; for IPv6 holes in its
 * firewall. */

/*
 * The methods are asked one after the other, the best one first, until one gives ports. It keeps
 * them: after half of their lease they are asked for again in the same way. If that fails, all
 * begins anew; until nobody gives anything, what was given counts.
 *
 * What is wanted may change at any time. What is mapped is taken back first, then the new wishes
 * are in force; but a gateway that is no longer ours is not waited for.
 *
 * Nothing blocks and there is no thread: every wait is a source of the context.
 */

#include "shoal-portmap-private.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define RENEW_STEPS_MIN   20u              /* 5 s: however short a lease is */
#define RENEW_S_MAX       1800u
#define RETRY_STEPS       240u             /* 60 s, doubled each time */
#define RETRY_STEPS_MAX   (30u * RETRY_STEPS)

static const ShoalPortmapWays usual_ways = {
  .pcp_port = SHOAL_PCP_PORT,
  .announce_port = SHOAL_PCP_ANNOUNCE_PORT,
  .search_port = SHOAL_IGD_SEARCH_PORT,
  .step_ms = 250,
  .leave_ms = SHOAL_PORTMAP_LEAVE_MS,
};

/* The best first. */
static const ShoalPortmapMethod *const methods4[] = { &shoal_portmap_pcp, &shoal_portmap_nat_pmp,
                                                      &shoal_portmap_igd, NULL };
static const ShoalPortmapMethod *const methods6[] = { &shoal_portmap_pcp, &shoal_portmap_pinhole,
                                                      NULL };

static void begin (ShoalPortmap *self);

/* --- Sources and sockets --- */

void
shoal_portmap_stop_source (GSource **source)
{
  if (*source == NULL)
    return;

  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

GSource *
shoal_portmap_after_ms (ShoalPortmap *self,
                        guint         ms,
                        GSourceFunc   func)
{
  GSource *source = g_timeout_source_new (ms);

  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, self->context);

  return source;
}

GSource *
shoal_portmap_after (ShoalPortmap *self,
                     guint         steps,
                     GSourceFunc   func)
{
  return shoal_portmap_after_ms (self, steps * self->ways.step_ms, func);
}

/* Best effort: before Linux 5.7 only root may, and our end is bound to the address of the
 * interface in any case. */
void
shoal_portmap_keep (ShoalPortmap *self,
                    GSocket      *socket)
{
  if (*self->place.device != '\0' &&
      setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_BINDTODEVICE, self->place.device,
                  (socklen_t) strlen (self->place.device) + 1) < 0)
    g_debug ("A socket is not kept to %s", self->place.device);
}

GSocketAddress *
shoal_portmap_address (const ShoalPortmap *self,
                       const ShoalAddr    *addr,
                       guint16             port)
{
  g_autoptr(GInetAddress) ip = g_inet_address_new_from_bytes (addr->ip,
                                                              addr->family == SHOAL_FAMILY_IPV6
                                                                ? G_SOCKET_FAMILY_IPV6
                                                                : G_SOCKET_FAMILY_IPV4);
  guint scope = g_inet_address_get_is_link_local (ip) || g_inet_address_get_is_mc_link_local (ip)
                  ? if_nametoindex (self->place.device)
                  : 0;

  return g_object_new (G_TYPE_INET_SOCKET_ADDRESS, "address", ip, "port", (guint) port,
                       "scope-id", addr->family == SHOAL_FAMILY_IPV6 ? scope : 0, NULL);
}

GSocket *
shoal_portmap_socket (ShoalPortmap    *self,
                      const ShoalAddr *own,
                      guint16          port,
                      gboolean         shared)
{
  gboolean is_ipv6 = own->family == SHOAL_FAMILY_IPV6;
  g_autoptr(GSocket) socket = g_socket_new (is_ipv6 ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4,
                                            G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  g_autoptr(GSocketAddress) address = shoal_portmap_address (self, own, port);

  if (socket == NULL)
    return NULL;
  g_socket_set_blocking (socket, FALSE);
  shoal_portmap_keep (self, socket);
  if (is_ipv6)
    g_socket_set_option (socket, IPPROTO_IPV6, IPV6_V6ONLY, TRUE, NULL);
  if (!g_socket_bind (socket, address, shared, NULL))
    return NULL;

  return g_steal_pointer (&socket);
}

GSource *
shoal_portmap_listen (ShoalPortmap     *self,
                      GSocket          *socket,
                      GSocketSourceFunc func)
{
  GSource *source = g_socket_create_source (socket, G_IO_IN, NULL);

  g_source_set_callback (source, G_SOURCE_FUNC (func), self, NULL);
  g_source_attach (source, self->context);

  return source;
}

/* --- What is told --- */

static gboolean
tell (gpointer user_data)
{
  ShoalPortmap *self = user_data;

  g_clear_pointer (&self->telling, g_source_unref);
  if (self->changed != NULL)
    self->changed (&self->now, self->user_data);

  return G_SOURCE_REMOVE;
}

static void
become (ShoalPortmap       *self,
        const ShoalMapping *now)
{
  if (memcmp (&self->now, now, sizeof *now) == 0)
    return;

  self->now = *now;
  if (self->telling == NULL)
    self->telling = shoal_portmap_after_ms (self, 0, tell);
}

/* Comparing takes every byte, so each value begins as zeroes. */
static void
become_state (ShoalPortmap  *self,
              ShoalMapState  state,
              ShoalMapReason reason)
{
  ShoalMapping now;

  memset (&now, 0, sizeof now);
  now.state = state;
  now.reason = reason;
  become (self, &now);
}

/* RFC 6598: what providers give to homes behind a gateway of their own. */
static gboolean
is_shared (const ShoalAddr *addr)
{
  return addr->family == SHOAL_FAMILY_IPV4 && addr->ip[0] == 100 && (addr->ip[1] & 0xc0) == 64;
}

static void
become_mapped (ShoalPortmap *self)
{
  ShoalMapping now;

  memset (&now, 0, sizeof now);
  now.state = SHOAL_MAP_DONE;
  now.method = self->active->method;
  now.tcp_port = self->given[SHOAL_PORTMAP_TCP];
  now.udp_port = self->given[SHOAL_PORTMAP_UDP];
  if (self->external.family != SHOAL_FAMILY_NONE)
    {
      g_autofree char *text = shoal_addr_ip_to_text (&self->external);
      static const guint8 nothing[4];

      /* A gateway without a way to the world says 0.0.0.0. */
      if (memcmp (self->external.ip, nothing, sizeof nothing) != 0)
        {
          memcpy (now.address, text, MIN (strlen (text), sizeof now.address - 1));
          now.nested = shoal_addr_is_local (&self->external) || is_shared (&self->external);
        }
    }
  become (self, &now);
}

/* --- Rounds --- */

static const ShoalPortmapMethod *const *
methods_of (const ShoalPortmap *self)
{
  return self->place.gateway.family == SHOAL_FAMILY_IPV6 ? methods6 : methods4;
}

static void
halt (ShoalPortmap *self)
{
  shoal_portmap_stop_source (&self->timer);
  if (self->active != NULL)
    self->active->halt (self);
  self->active = NULL;
}

void
shoal_portmap_hurry (ShoalPortmap *self)
{
  if (self->timer == NULL)
    return;

  shoal_portmap_stop_source (&self->timer);
  if (self->has)
    self->active->ask (self);
  else
    begin (self);
}

static gboolean
due (gpointer user_data)
{
  shoal_portmap_hurry (user_data);

  return G_SOURCE_REMOVE;
}

void
shoal_portmap_succeed (ShoalPortmap *self,
                       guint32       lifetime_s)
{
  guint renew_s = MIN (lifetime_s / 2, RENEW_S_MAX);

  g_debug ("%s maps TCP %u and UDP %u for %u s",
           self->active->method == SHOAL_MAP_METHOD_UPNP ? "UPnP" : "PCP or NAT-PMP",
           self->given[SHOAL_PORTMAP_TCP], self->given[SHOAL_PORTMAP_UDP], lifetime_s);
  self->has = TRUE;
  self->retry_steps = RETRY_STEPS;
  shoal_portmap_stop_source (&self->timer);
  self->timer =
    shoal_portmap_after_ms (self, MAX (renew_s * 1000, RENEW_STEPS_MIN * self->ways.step_ms), due);
  become_mapped (self);
}

void
shoal_portmap_fail (ShoalPortmap *self,
                    gboolean      refused)
{
  gboolean renewal = self->has;

  self->has = FALSE;
  self->refused = self->refused || refused;
  self->active->halt (self);
  self->active = NULL;
  if (renewal)
    {
      begin (self);
      return;
    }
  self->active = methods_of (self)[++self->index];
  if (self->active != NULL)
    {
      self->active->ask (self);
      return;
    }

  become_state (self, SHOAL_MAP_FAILED,
                self->refused ? SHOAL_MAP_REASON_REFUSED : SHOAL_MAP_REASON_NO_ANSWER);
  self->timer = shoal_portmap_after (self, self->retry_steps, due);
  self->retry_steps = MIN (2 * self->retry_steps, RETRY_STEPS_MAX);
}

static void
begin (ShoalPortmap *self)
{
  self->index = 0;
  self->refused = FALSE;
  memset (self->given, 0, sizeof self->given);
  memset (&self->external, 0, sizeof self->external);
  if (self->now.state != SHOAL_MAP_DONE)
    become_state (self, SHOAL_MAP_SEARCHING, SHOAL_MAP_REASON_NONE);
  self->active = methods_of (self)[0];
  self->active->ask (self);
}

/* --- Wishes --- */

static gboolean
same_place (const ShoalPortmapPlace *a,
            const ShoalPortmapPlace *b)
{
  return shoal_addr_equal (&a->gateway, &b->gateway) && shoal_addr_equal (&a->own, &b->own) &&
         strcmp (a->device, b->device) == 0;
}

static gboolean
same_upnp (const ShoalPortmapPlace *a,
           const ShoalPortmapPlace *b)
{
  return shoal_addr_equal (&a->upnp_gateway, &b->upnp_gateway) &&
         shoal_addr_equal (&a->upnp_own, &b->upnp_own);
}

static void
apply (ShoalPortmap *self)
{
  gboolean same_gateway = same_place (&self->place, &self->next_place) &&
                          same_upnp (&self->place, &self->next_place);

  halt (self);
  self->has = FALSE;
  self->place = self->next_place;
  memcpy (self->wanted, self->next_wanted, sizeof self->wanted);
  self->pcp.has_nonces = FALSE;
  self->retry_steps = RETRY_STEPS;
  if (!same_gateway)
    shoal_portmap_igd_forget (self);

  shoal_portmap_announced_end (self);
  become_state (self, SHOAL_MAP_OFF, SHOAL_MAP_REASON_NONE);
  if (self->wanted[SHOAL_PORTMAP_TCP] == 0 && self->wanted[SHOAL_PORTMAP_UDP] == 0)
    return;
  if (self->place.gateway.family == SHOAL_FAMILY_NONE)
    become_state (self, SHOAL_MAP_FAILED, SHOAL_MAP_REASON_NO_GATEWAY);
  else
    {
      shoal_portmap_announced_begin (self);
      begin (self);
    }
}

void
shoal_portmap_dropped (ShoalPortmap *self)
{
  self->dropping = FALSE;
  apply (self);
}

void
shoal_portmap_set (ShoalPortmap            *self,
                   const ShoalPortmapPlace *place,
                   guint16                  tcp_port,
                   guint16                  udp_port)
{
  const guint16 ports[SHOAL_PORTMAP_N] = { tcp_port, udp_port };

  gboolean moved;

  if ((place == NULL ||
       (same_place (place, &self->next_place) && same_upnp (place, &self->next_place))) &&
      memcmp (ports, self->next_wanted, sizeof ports) == 0)
    return;

  if (place != NULL)
    self->next_place = *place;
  memcpy (self->next_wanted, ports, sizeof ports);
  moved = !same_place (&self->place, &self->next_place);
  if (!moved && !same_upnp (&self->place, &self->next_place))
    {
      /* IPv4 came or went: what was had over IPv6 stays. */
      moved = self->active != NULL && self->active->method == SHOAL_MAP_METHOD_UPNP;
      if (!moved && memcmp (ports, self->wanted, sizeof ports) == 0)
        {
          shoal_portmap_igd_forget (self);
          self->place = self->next_place;
          if (self->active != NULL || self->timer != NULL)
            shoal_portmap_announced_begin (self);
          return;
        }
    }
  if (moved)
    {
      self->dropping = FALSE;
      apply (self);
    }
  else if (self->has && !self->dropping)
    {
      /* A renewal may be under way. */
      const ShoalPortmapMethod *active = self->active;

      g_assert (active != NULL);
      halt (self);
      self->active = active;
      self->dropping = TRUE;
      active->drop (self);
    }
  else if (!self->dropping)
    apply (self);
}

/* --- Life --- */

ShoalPortmap *
shoal_portmap_new (const ShoalPortmapWays *ways,
                   ShoalPortmapFunc        changed,
                   gpointer                user_data)
{
  ShoalPortmap *self = g_new0 (ShoalPortmap, 1);

  self->ways = ways != NULL ? *ways : usual_ways;
  self->context = g_main_context_ref_thread_default ();
  self->changed = changed;
  self->user_data = user_data;
  self->retry_steps = RETRY_STEPS;

  return self;
}

static gboolean
out_of_time (gpointer user_data)
{
  ShoalPortmap *self = user_data;

  self->dropping = FALSE;

  return G_SOURCE_REMOVE;
}

void
shoal_portmap_free (ShoalPortmap *self)
{
  GSource *deadline;

  if (self == NULL)
    return;

  self->changed = NULL;
  shoal_portmap_set (self, NULL, 0, 0);
  deadline = shoal_portmap_after_ms (self, self->ways.leave_ms, out_of_time);
  while (self->dropping)
    g_main_context_iteration (self->context, TRUE);
  shoal_portmap_stop_source (&deadline);

  halt (self);
  shoal_portmap_announced_end (self);
  shoal_portmap_stop_source (&self->telling);
  shoal_portmap_igd_forget (self);
  while (self->igd.n_calls > 0)
    g_main_context_iteration (self->context, TRUE);
  g_main_context_unref (self->context);
  g_free (self);
}
