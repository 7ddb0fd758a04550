/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages that open a way through two NATs with the help of a third peer (ut_holepunch, BEP
 * 55). */

#include "shoal-holepunch.h"
#include "shoal-reader.h"
#include "shoal-writer.h"

#define ADDR_IPV4 0u
#define ADDR_IPV6 1u

gboolean
shoal_holepunch_parse (ShoalHolepunch *out,
                       const guint8   *payload,
                       gsize           size)
{
  ShoalReader reader = shoal_reader (payload, size);
  guint8 type = shoal_reader_u8 (&reader);
  guint8 kind = shoal_reader_u8 (&reader);
  ShoalFamily family = kind == ADDR_IPV6 ? SHOAL_FAMILY_IPV6 : SHOAL_FAMILY_IPV4;
  const guint8 *bytes;

  *out = (ShoalHolepunch){ 0 };
  if (reader.bad || type > SHOAL_HOLEPUNCH_ERROR || kind > ADDR_IPV6)
    return FALSE;
  bytes = shoal_reader_bytes (&reader, family == SHOAL_FAMILY_IPV6 ? 18 : 6);
  if (bytes == NULL)
    return FALSE;

  out->type = (ShoalHolepunchType) type;
  shoal_addr_from_compact (&out->addr, family, bytes);
  if (shoal_reader_left (&reader) > 0 || out->type == SHOAL_HOLEPUNCH_ERROR)
    out->error = shoal_reader_u32 (&reader);
  if (reader.bad)
    return FALSE;
  if (out->type != SHOAL_HOLEPUNCH_ERROR)
    out->error = SHOAL_HOLEPUNCH_NO_ERROR;

  return TRUE;
}

GBytes *
shoal_holepunch_write (const ShoalHolepunch *self)
{
  g_auto (ShoalWriter) out = { 0 };

  g_return_val_if_fail (self != NULL && self->addr.family != SHOAL_FAMILY_NONE, NULL);

  shoal_writer_u8 (&out, (guint8) self->type);
  shoal_writer_u8 (&out, self->addr.family == SHOAL_FAMILY_IPV6 ? ADDR_IPV6 : ADDR_IPV4);
  shoal_addr_to_compact (&self->addr,
                         shoal_writer_space (&out, shoal_addr_compact_size (&self->addr)));
  shoal_writer_u32 (&out, self->error);

  return shoal_writer_steal (&out);
}
