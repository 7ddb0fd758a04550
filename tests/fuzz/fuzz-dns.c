/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: answers of name servers, and names to ask for. */

#include "shoal-dns.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_name (const guint8 *data,
            gsize         size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autofree char *name = shoal_dns_name (text);
  guint8 query[SHOAL_DNS_QUERY_MAX];
  ShoalDnsAnswer answer;
  gsize n;

  if (name == NULL)
    return;
  n = shoal_dns_write_query (query, 7, name, SHOAL_DNS_AAAA);
  g_assert (n > 0 && n <= sizeof query);
  g_assert (shoal_dns_parse_answer (&answer, query, n, 7, name, SHOAL_DNS_AAAA)
            == SHOAL_DNS_NOT_OURS);
  /* With the bit of an answer it is one, without addresses. */
  query[2] |= 0x80;
  g_assert (shoal_dns_parse_answer (&answer, query, n, 7, name, SHOAL_DNS_AAAA)
            == SHOAL_DNS_ANSWER);
  g_assert (answer.n_addrs == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  static const ShoalDnsType types[] = { SHOAL_DNS_A, SHOAL_DNS_AAAA };
  guint16 id = size >= 2 ? (guint16) (data[0] << 8 | data[1]) : 0;
  ShoalDnsAnswer answer;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      ShoalDnsResult result = shoal_dns_parse_answer (&answer, data, size, id,
                                                      "tracker.example.org", types[i]);

      g_assert (result <= SHOAL_DNS_NOT_OURS && answer.n_addrs <= SHOAL_DNS_ADDRS_MAX);
      g_assert (result == SHOAL_DNS_ANSWER || answer.n_addrs == 0);
      for (guint j = 0; j < answer.n_addrs; j++)
        g_assert (answer.addrs[j].family != SHOAL_FAMILY_NONE);
    }
  check_name (data, size);

  return 0;
}
