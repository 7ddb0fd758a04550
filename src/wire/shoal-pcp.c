/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a gateway for a port: packets of PCP (RFC 6887) and NAT-PMP (RFC 6886). */

/* Both protocols live on one port of the gateway and tell themselves apart by the first byte.
 * Requests have fixed places; answers are read with ShoalReader. Options of PCP are passed over:
 * none is asked for. Pure functions, any thread. */

#include "shoal-pcp.h"
#include "shoal-reader.h"
#include "shoal-writer.h"

#define VERSION_NAT_PMP      0u
#define VERSION_PCP          2u
#define ANSWER_BIT           0x80u
#define PCP_MAP              1u
#define PCP_HEAD_SIZE        24u
#define PCP_MAP_REST         36u   /* bytes behind the head */
#define NAT_PMP_ADDRESS      0u
#define NAT_PMP_UDP          1u
#define NAT_PMP_TCP          2u

/* PCP has 16 bytes for every address, IPv4 mapped into them; unspecified if there is none. */
static guint8 *
put_ip (guint8          *at,
        const ShoalAddr *addr)
{
  memset (at, 0, 16);
  if (addr->family == SHOAL_FAMILY_IPV6)
    {
      memcpy (at, addr->ip, 16);
    }
  else
    {
      at[10] = at[11] = 0xff;
      memcpy (at + 12, addr->ip, 4);
    }

  return at + 16;
}

gsize
shoal_pcp_write_map (guint8            *out,
                     const ShoalPcpMap *map)
{
  const ShoalAddr any = { .family = map->client.family };
  guint8 *at = out;

  at = shoal_put (at, VERSION_PCP, 1);
  at = shoal_put (at, PCP_MAP, 1);
  at = shoal_put (at, 0, 2);
  at = shoal_put (at, map->lifetime_s, 4);
  at = put_ip (at, &map->client);
  memcpy (at, map->nonce, SHOAL_PCP_NONCE_SIZE);
  at += SHOAL_PCP_NONCE_SIZE;
  at = shoal_put (at, map->transport, 1);
  at = shoal_put (at, 0, 3);
  at = shoal_put (at, map->internal, 2);
  at = shoal_put (at, map->external, 2);
  at = put_ip (at, &any);
  g_assert (at == out + SHOAL_PCP_MAP_SIZE);

  return SHOAL_PCP_MAP_SIZE;
}

gsize
shoal_nat_pmp_write_map (guint8            *out,
                         const ShoalPcpMap *map)
{
  guint8 *at = out;

  at = shoal_put (at, VERSION_NAT_PMP, 1);
  at = shoal_put (at, map->transport == SHOAL_TRANSPORT_TCP ? NAT_PMP_TCP : NAT_PMP_UDP, 1);
  at = shoal_put (at, 0, 2);
  at = shoal_put (at, map->internal, 2);
  /* A mapping that goes is named without its external port. */
  at = shoal_put (at, map->lifetime_s > 0 ? map->external : 0, 2);
  at = shoal_put (at, map->lifetime_s, 4);

  return (gsize) (at - out);
}

gsize
shoal_nat_pmp_write_address (guint8 *out)
{
  guint8 *at = shoal_put (out, VERSION_NAT_PMP, 1);

  at = shoal_put (at, NAT_PMP_ADDRESS, 1);

  return (gsize) (at - out);
}

static ShoalAddr
read_ip (ShoalReader *reader,
         guint16      port)
{
  const guint8 *bytes = shoal_reader_bytes (reader, 16);

  return bytes != NULL ? shoal_addr_make (SHOAL_FAMILY_IPV6, bytes, port) : (ShoalAddr){ 0 };
}

static gboolean
parse_pcp (ShoalPcpAnswer *out,
           ShoalReader    *reader)
{
  guint8 opcode = shoal_reader_u8 (reader);
  guint8 transport;
  guint16 port;

  shoal_reader_u8 (reader);
  out->result = shoal_reader_u8 (reader);
  out->lifetime_s = shoal_reader_u32 (reader);
  out->epoch_s = shoal_reader_u32 (reader);
  shoal_reader_bytes (reader, 12);
  if (reader->bad || (opcode & ANSWER_BIT) == 0)
    return FALSE;

  out->kind = SHOAL_PCP_ANSWER_OTHER;
  if (opcode != (ANSWER_BIT | PCP_MAP) || shoal_reader_left (reader) < PCP_MAP_REST)
    return opcode != (ANSWER_BIT | PCP_MAP) || out->result != 0;

  shoal_reader_copy (reader, out->nonce, SHOAL_PCP_NONCE_SIZE);
  transport = shoal_reader_u8 (reader);
  shoal_reader_bytes (reader, 3);
  out->internal = shoal_reader_u16 (reader);
  port = shoal_reader_u16 (reader);
  out->external = read_ip (reader, port);
  if (transport != SHOAL_TRANSPORT_TCP && transport != SHOAL_TRANSPORT_UDP)
    return FALSE;
  out->kind = SHOAL_PCP_ANSWER_MAP;
  out->transport = (ShoalTransport) transport;

  return !reader->bad;
}

static gboolean
parse_nat_pmp (ShoalPcpAnswer *out,
               ShoalReader    *reader)
{
  guint8 opcode = shoal_reader_u8 (reader);
  guint8 ip[4];

  out->result = shoal_reader_u16 (reader);
  out->epoch_s = shoal_reader_u32 (reader);
  if (reader->bad || (opcode & ANSWER_BIT) == 0)
    return FALSE;

  opcode &= (guint8) ~ANSWER_BIT;
  out->kind = SHOAL_NAT_PMP_ANSWER_OTHER;
  if (opcode == NAT_PMP_ADDRESS && shoal_reader_left (reader) >= sizeof ip)
    {
      shoal_reader_copy (reader, ip, sizeof ip);
      out->kind = SHOAL_NAT_PMP_ANSWER_ADDRESS;
      out->external = shoal_addr_make (SHOAL_FAMILY_IPV4, ip, 0);
      return TRUE;
    }
  if ((opcode == NAT_PMP_UDP || opcode == NAT_PMP_TCP) && shoal_reader_left (reader) >= 8)
    {
      out->kind = SHOAL_NAT_PMP_ANSWER_MAP;
      out->transport = opcode == NAT_PMP_TCP ? SHOAL_TRANSPORT_TCP : SHOAL_TRANSPORT_UDP;
      out->internal = shoal_reader_u16 (reader);
      out->external.port = shoal_reader_u16 (reader);
      out->lifetime_s = shoal_reader_u32 (reader);
      return TRUE;
    }

  return out->result != 0;
}

gboolean
shoal_pcp_parse_answer (ShoalPcpAnswer *out,
                        const guint8   *bytes,
                        gsize           size)
{
  ShoalReader reader = shoal_reader (bytes, size);
  guint8 version;

  *out = (ShoalPcpAnswer){ 0 };
  if (size > SHOAL_PCP_PACKET_MAX)
    return FALSE;

  version = shoal_reader_u8 (&reader);
  if (reader.bad)
    return FALSE;
  if (version == VERSION_NAT_PMP)
    return parse_nat_pmp (out, &reader);
  /* A server of another version tells so in its own. */
  if (version != VERSION_PCP)
    {
      out->kind = SHOAL_PCP_ANSWER_OTHER;
      out->result = SHOAL_PCP_UNSUPPORTED_VERSION;
      return size >= PCP_HEAD_SIZE && (bytes[1] & ANSWER_BIT) != 0;
    }

  return parse_pcp (out, &reader);
}

static const char *const pcp_results[] = {
  "it was done", "this version is not supported", "the gateway does not allow it",
  "the gateway calls the request malformed",
  "mapping is not supported", "an option is not supported", "an option is malformed",
  "the gateway has no network",
  "the gateway has no room for it", "the transport is not supported",
  "this computer has too many mappings",
  "that external port or address is not to be had",
  "the address of this computer is not what the gateway sees",
  "too many remote peers",
};

static const char *const nat_pmp_results[] = {
  "it was done",
  "this version is not supported",
  "the gateway does not allow it",
  "the gateway has no network",
  "the gateway has no room for it",
  "mapping is not supported",
};

const char *
shoal_pcp_result_text (const ShoalPcpAnswer *answer)
{
  if (answer->kind <= SHOAL_PCP_ANSWER_OTHER)
    return answer->result < G_N_ELEMENTS (pcp_results) ? pcp_results[answer->result]
                                                       : "an unknown refusal";

  return answer->result < G_N_ELEMENTS (nat_pmp_results) ? nat_pmp_results[answer->result]
                                                         : "an unknown refusal";
}
