/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: what a gateway sends to PCP and NAT-PMP. */

#include "shoal-pcp.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  ShoalPcpAnswer answer;

  if (!shoal_pcp_parse_answer (&answer, data, size))
    return 0;
  g_assert (answer.kind <= SHOAL_NAT_PMP_ANSWER_OTHER);
  g_assert (shoal_pcp_result_text (&answer) != NULL);
  if (answer.kind == SHOAL_PCP_ANSWER_MAP || answer.kind == SHOAL_NAT_PMP_ANSWER_MAP)
    {
      const ShoalPcpMap map = { .transport = answer.transport,
                                .internal = answer.internal,
                                .client = answer.external };
      guint8 out[SHOAL_PCP_MAP_SIZE];

      g_assert (answer.transport == SHOAL_TRANSPORT_TCP || answer.transport == SHOAL_TRANSPORT_UDP);
      g_assert (shoal_pcp_write_map (out, &map) == sizeof out);
    }

  return 0;
}
