/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: a uTP packet; what is read can be written and read again. */

#include "shoal-utp-packet.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalUtpPacket packet, again;
  guint8 head[SHOAL_UTP_HEADER_SIZE + 2 + SHOAL_UTP_SACK_MAX];
  gsize head_size;

  if (!shoal_utp_packet_parse (&packet, data, size))
    return 0;

  g_assert (packet.size <= size - SHOAL_UTP_HEADER_SIZE);
  g_assert (packet.sack_size <= SHOAL_UTP_SACK_MAX);
  head_size = shoal_utp_packet_write_head (&packet, 0, head);
  g_assert (head_size == shoal_utp_packet_head_size (&packet, 0));
  g_assert (shoal_utp_packet_parse (&again, head, head_size));
  g_assert (again.type == packet.type && again.seq == packet.seq && again.ack == packet.ack);
  g_assert (again.sack_size == packet.sack_size);
  g_assert (packet.sack_size == 0 || memcmp (again.sack, packet.sack, packet.sack_size) == 0);

  return 0;
}
