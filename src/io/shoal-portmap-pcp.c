/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCP and NAT-PMP: datagrams to the gateway, one request after the other. */

/*
 * A request is repeated after one step, two, four, ... until it is answered. UDP is asked for last,
 * at the port that TCP was given, since peers are told one port for both; if it is refused, TCP
 * alone will do. The socket is connected: nothing but what the gateway itself sends is read, and a
 * gateway that has nobody at that port says so at once.
 */

#include "shoal-portmap-private.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define TRIES          3u   /* 1.75 s */
#define TRIES_NAT_PMP  2u   /* 0.75 s: it was silent to PCP already */
#define TRIES_RENEWAL  5u
#define TRIES_DROP     2u

enum { STEP_TCP = SHOAL_PORTMAP_TCP, STEP_UDP = SHOAL_PORTMAP_UDP, STEP_ADDRESS, STEP_END };

static void send_request (ShoalPortmap *self);

static gboolean
is_nat_pmp (const ShoalPortmap *self)
{
  return self->active == &shoal_portmap_nat_pmp;
}

static void
halt (ShoalPortmap *self)
{
  shoal_portmap_stop_source (&self->pcp.again);
  shoal_portmap_stop_source (&self->pcp.heard);
  g_clear_object (&self->pcp.socket);
}

/* Without an answer. */
static void
give_up (ShoalPortmap *self,
         gboolean      refused)
{
  halt (self);
  if (self->pcp.dropping)
    shoal_portmap_dropped (self);
  else
    shoal_portmap_fail (self, refused);
}

static guint
tries (const ShoalPortmap *self)
{
  if (self->pcp.dropping)
    return TRIES_DROP;
  if (self->has)
    return TRIES_RENEWAL;

  return is_nat_pmp (self) && self->pcp.step == STEP_ADDRESS ? TRIES_NAT_PMP : TRIES;
}

static gboolean
again (gpointer user_data)
{
  ShoalPortmap *self = user_data;

  g_clear_pointer (&self->pcp.again, g_source_unref);
  if (self->pcp.n_sent < tries (self))
    send_request (self);
  else
    give_up (self, FALSE);

  return G_SOURCE_REMOVE;
}

static gsize
write_request (ShoalPortmap *self,
               guint8       *out)
{
  ShoalPortmapPcp *pcp = &self->pcp;
  ShoalPcpMap map = { .client = self->place.own };

  if (pcp->step == STEP_ADDRESS)
    return shoal_nat_pmp_write_address (out);

  memcpy (map.nonce, pcp->nonces[pcp->step], SHOAL_PCP_NONCE_SIZE);
  map.transport = pcp->step == STEP_TCP ? SHOAL_TRANSPORT_TCP : SHOAL_TRANSPORT_UDP;
  map.internal = self->wanted[pcp->step];
  if (!pcp->dropping)
    {
      map.lifetime_s = SHOAL_PORTMAP_LEASE_S;
      map.external = map.internal;
      if (self->given[pcp->step] != 0)
        map.external = self->given[pcp->step];
      else if (pcp->step == STEP_UDP && self->given[STEP_TCP] != 0)
        map.external = self->given[STEP_TCP];
    }

  return is_nat_pmp (self) ? shoal_nat_pmp_write_map (out, &map) : shoal_pcp_write_map (out, &map);
}

static void
send_request (ShoalPortmap *self)
{
  ShoalPortmapPcp *pcp = &self->pcp;
  guint8 out[SHOAL_PCP_MAP_SIZE];
  gsize size = write_request (self, out);
  g_autoptr(GError) error = NULL;

  if (g_socket_send (pcp->socket, (const char *) out, size, NULL, &error) < 0)
    g_debug ("The gateway cannot be asked: %s", error->message);
  pcp->again = shoal_portmap_after (self, 1u << pcp->n_sent, again);
  pcp->n_sent++;
}

/* The next request that there is a reason for. NAT-PMP begins with the address. */
static void
next (ShoalPortmap *self,
      guint         step)
{
  ShoalPortmapPcp *pcp = &self->pcp;

  while (step < STEP_ADDRESS &&
         (self->wanted[step] == 0 || (pcp->dropping && self->given[step] == 0)))
    step++;
  shoal_portmap_stop_source (&pcp->again);
  if (step < STEP_ADDRESS)
    {
      pcp->step = step;
      pcp->n_sent = 0;
      send_request (self);
      return;
    }

  pcp->step = STEP_END;
  if (pcp->dropping)
    {
      halt (self);
      shoal_portmap_dropped (self);
    }
}

static void
map_answered (ShoalPortmap         *self,
              const ShoalPcpAnswer *answer)
{
  ShoalPortmapPcp *pcp = &self->pcp;
  guint step = pcp->step;

  if (!pcp->dropping && answer->result != 0)
    {
      g_debug ("The gateway maps no %s: %s", step == STEP_TCP ? "TCP" : "UDP",
               shoal_pcp_result_text (answer));
      /* UDP is a matter of luck once TCP is there. */
      self->given[step] = 0;
      if (step != STEP_UDP || self->given[STEP_TCP] == 0)
        {
          give_up (self, TRUE);
          return;
        }
    }
  else if (!pcp->dropping)
    {
      self->given[step] = answer->external.port;
      if (answer->external.family != SHOAL_FAMILY_NONE)
        {
          self->external = answer->external;
          self->external.port = 0;
        }
      pcp->lifetime_s = MIN (pcp->lifetime_s, answer->lifetime_s);
    }

  next (self, step + 1);
}

/* An answer to what was asked last, and nothing else. */
static gboolean
is_awaited (const ShoalPortmap   *self,
            const ShoalPcpAnswer *answer)
{
  const ShoalPortmapPcp *pcp = &self->pcp;

  if (pcp->step >= STEP_ADDRESS || answer->internal != self->wanted[pcp->step] ||
      answer->transport != (pcp->step == STEP_TCP ? SHOAL_TRANSPORT_TCP : SHOAL_TRANSPORT_UDP))
    return FALSE;
  if (answer->result == 0 && !pcp->dropping && answer->external.port == 0)
    return FALSE;
  if (is_nat_pmp (self))
    return answer->kind == SHOAL_NAT_PMP_ANSWER_MAP;

  return answer->kind == SHOAL_PCP_ANSWER_MAP &&
         memcmp (answer->nonce, pcp->nonces[pcp->step], SHOAL_PCP_NONCE_SIZE) == 0;
}

static void
answered (ShoalPortmap         *self,
          const ShoalPcpAnswer *answer)
{
  ShoalPortmapPcp *pcp = &self->pcp;

  if (answer->result == 0)
    shoal_portmap_announced_note (self, answer->epoch_s);
  if (is_awaited (self, answer))
    {
      map_answered (self, answer);
      if (pcp->socket != NULL && pcp->step == STEP_END)
        {
          halt (self);
          shoal_portmap_succeed (self, pcp->lifetime_s);
        }
    }
  else if (is_nat_pmp (self) && pcp->step == STEP_ADDRESS &&
           answer->kind == SHOAL_NAT_PMP_ANSWER_ADDRESS && answer->result == 0)
    {
      self->external = answer->external;
      next (self, STEP_TCP);
    }
  /* A refusal that names no mapping is about the one request that is under way; an announcement
   * of the gateway has no result. */
  else if (answer->result != 0 && answer->kind != SHOAL_PCP_ANSWER_MAP &&
           answer->kind != SHOAL_NAT_PMP_ANSWER_MAP)
    {
      g_debug ("The gateway refuses: %s", shoal_pcp_result_text (answer));
      give_up (self, answer->result != SHOAL_PCP_UNSUPPORTED_VERSION);
    }
}

static gboolean
heard (GSocket     *socket,
       GIOCondition condition,
       gpointer     user_data)
{
  ShoalPortmap *self = user_data;
  guint8 bytes[SHOAL_PCP_PACKET_MAX + 1];
  g_autoptr(GError) error = NULL;
  gssize size = g_socket_receive (socket, (char *) bytes, sizeof bytes, NULL, &error);
  ShoalPcpAnswer answer;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    give_up (self, FALSE);
  else if (size > 0 && shoal_pcp_parse_answer (&answer, bytes, (gsize) size))
    answered (self, &answer);

  return G_SOURCE_CONTINUE;
}

static gboolean
open_socket (ShoalPortmap *self)
{
  g_autoptr(GSocketAddress) gateway = shoal_portmap_address (self, &self->place.gateway,
                                                             self->ways.pcp_port);
  ShoalPortmapPcp *pcp = &self->pcp;

  halt (self);
  pcp->socket = shoal_portmap_socket (self, &self->place.own, 0, FALSE);
  if (pcp->socket == NULL || !g_socket_connect (pcp->socket, gateway, NULL, NULL))
    return FALSE;
  pcp->heard = shoal_portmap_listen (self, pcp->socket, heard);

  return TRUE;
}

static void
ask (ShoalPortmap *self)
{
  ShoalPortmapPcp *pcp = &self->pcp;

  pcp->dropping = FALSE;
  pcp->n_sent = 0;
  pcp->lifetime_s = SHOAL_PORTMAP_LEASE_S;
  if (!pcp->has_nonces && getrandom (pcp->nonces, sizeof pcp->nonces, 0) < 0)
    g_error ("No random bytes: %s", g_strerror (errno));
  pcp->has_nonces = TRUE;
  if (!open_socket (self))
    {
      give_up (self, FALSE);
      return;
    }
  if (is_nat_pmp (self))
    {
      pcp->step = STEP_ADDRESS;
      send_request (self);
    }
  else
    next (self, STEP_TCP);
}

static void
drop (ShoalPortmap *self)
{
  self->pcp.dropping = TRUE;
  if (open_socket (self))
    next (self, STEP_TCP);
  else
    give_up (self, FALSE);
}

const ShoalPortmapMethod shoal_portmap_pcp = {
  .method = SHOAL_MAP_METHOD_PCP,
  .ask = ask,
  .drop = drop,
  .halt = halt,
};

const ShoalPortmapMethod shoal_portmap_nat_pmp = {
  .method = SHOAL_MAP_METHOD_NAT_PMP,
  .ask = ask,
  .drop = drop,
  .halt = halt,
};
