/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ids of DHT nodes: distance, and ids bound to an address (BEP 42). */

#include "shoal-node-id.h"

#include <string.h>
#include "shoal-crc32c.h"

#define IPV4_SIZE 4u
#define IPV6_SIZE 8u    /* of the sixteen bytes only the network counts */
#define LAST      (SHOAL_SHA1_SIZE - 1)

int
shoal_node_id_compare (const ShoalSha1 *target,
                       const ShoalSha1 *a,
                       const ShoalSha1 *b)
{
  for (guint i = 0; i < SHOAL_SHA1_SIZE; i++)
    if (a->bytes[i] != b->bytes[i])
      return (a->bytes[i] ^ target->bytes[i]) - (b->bytes[i] ^ target->bytes[i]);

  return 0;
}

guint
shoal_node_id_shared (const ShoalSha1 *a,
                      const ShoalSha1 *b)
{
  for (guint i = 0; i < SHOAL_SHA1_SIZE; i++)
    {
      guint8 differ = a->bytes[i] ^ b->bytes[i];

      if (differ != 0)
        return 8 * i + (8 - g_bit_storage (differ));
    }

  return SHOAL_NODE_ID_BITS;
}

/* The first 21 bits that go with an address; @chance: 0 … 7, the low bits of the id's last byte. */
static guint32
prefix (const ShoalAddr *addr,
        guint8           chance)
{
  static const guint8 mask4[IPV4_SIZE] = { 0x03, 0x0f, 0x3f, 0xff };
  static const guint8 mask6[IPV6_SIZE] = { 0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff };
  gboolean is_ipv4 = addr->family == SHOAL_FAMILY_IPV4;
  const guint8 *mask = is_ipv4 ? mask4 : mask6;
  guint size = is_ipv4 ? IPV4_SIZE : IPV6_SIZE;
  guint8 masked[IPV6_SIZE];

  for (guint i = 0; i < size; i++)
    masked[i] = addr->ip[i] & mask[i];
  masked[0] |= (guint8) (chance << 5);

  return shoal_crc32c (0, masked, size);
}

void
shoal_node_id_secure (ShoalSha1       *id,
                      const ShoalAddr *addr)
{
  guint32 crc = prefix (addr, id->bytes[LAST] & 7);

  id->bytes[0] = (guint8) (crc >> 24);
  id->bytes[1] = (guint8) (crc >> 16);
  id->bytes[2] = (guint8) ((crc >> 8 & 0xf8) | (id->bytes[2] & 7));
}

gboolean
shoal_node_id_is_secure (const ShoalSha1 *id,
                         const ShoalAddr *addr)
{
  guint32 crc;

  if (shoal_addr_is_local (addr))
    return TRUE;
  crc = prefix (addr, id->bytes[LAST] & 7);

  return id->bytes[0] == (guint8) (crc >> 24) && id->bytes[1] == (guint8) (crc >> 16)
         && (id->bytes[2] & 0xf8) == (crc >> 8 & 0xf8);
}

void
shoal_node_id_beside (ShoalSha1       *id,
                      const ShoalSha1 *near,
                      guint            bits)
{
  guint whole = MIN (bits, SHOAL_NODE_ID_BITS) / 8;

  memcpy (id->bytes, near->bytes, whole);
  if (bits < SHOAL_NODE_ID_BITS)
    {
      guint8 kept = (guint8) ~(0xff >> bits % 8);
      guint8 turned = 0x80 >> bits % 8;

      id->bytes[whole] = (near->bytes[whole] & kept) | ((near->bytes[whole] ^ turned) & turned)
                         | (id->bytes[whole] & (guint8) ~(kept | turned));
    }
}
