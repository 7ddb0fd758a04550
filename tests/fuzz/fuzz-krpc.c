/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: messages of the DHT; what was read is written and read again. */

#include "shoal-krpc.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_bytes (ShoalKrpcBytes a,
             ShoalKrpcBytes b)
{
  g_assert ((a.data == NULL) == (b.data == NULL) && a.size == b.size);
  g_assert (a.size == 0 || memcmp (a.data, b.data, a.size) == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  g_auto (ShoalWriter) out = { 0 };
  ShoalKrpc one;
  ShoalKrpc two;

  if (!shoal_krpc_parse (&one, data, size))
    return 0;
  g_assert (one.n_values <= SHOAL_KRPC_VALUES_MAX);
  g_assert (one.nodes4.size % SHOAL_KRPC_NODE4_SIZE == 0
            && one.nodes6.size % SHOAL_KRPC_NODE6_SIZE == 0);
  g_assert (one.transaction.size <= SHOAL_KRPC_TRANSACTION_MAX
            && one.token.size <= SHOAL_KRPC_TOKEN_MAX);
  if (one.type == SHOAL_KRPC_QUERY && one.method == SHOAL_KRPC_UNKNOWN)
    return 0;

  shoal_krpc_write (&one, &out);
  g_assert (shoal_krpc_parse (&two, out.data, out.size));
  g_assert (one.type == two.type && one.method == two.method && one.flags == two.flags);
  g_assert (one.port == two.port && one.seq == two.seq && one.cas == two.cas
            && one.error == two.error);
  g_assert (one.n_values == two.n_values && shoal_addr_equal (&one.ip, &two.ip));
  check_bytes (one.transaction, two.transaction);
  check_bytes (one.nodes4, two.nodes4);
  check_bytes (one.nodes6, two.nodes6);
  check_bytes (one.token, two.token);
  check_bytes (one.value, two.value);
  check_bytes (one.key, two.key);
  check_bytes (one.signature, two.signature);

  return 0;
}
