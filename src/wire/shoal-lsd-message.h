/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of local service discovery (BEP 14). */

#pragma once

#include <glib.h>
#include "shoal-addr.h"
#include "shoal-digest.h"

G_BEGIN_DECLS

#define SHOAL_LSD_PORT        6771u
#define SHOAL_LSD_HASHES_MAX  20u     /* in one message of ours; of others twice as many are read */
#define SHOAL_LSD_READ_MAX    (2 * SHOAL_LSD_HASHES_MAX)
#define SHOAL_LSD_SIZE_MAX    4096u   /* bytes that are looked at */
#define SHOAL_LSD_COOKIE_MAX  64u     /* bytes */

/**
 * ShoalLsdMessage:
 * @port: where the sender listens for peers
 * @cookie: chosen by the sender to know its own messages; "": none
 */
typedef struct
{
  guint16   port;
  guint     n_hashes;
  ShoalSha1 hashes[SHOAL_LSD_READ_MAX];
  char      cookie[SHOAL_LSD_COOKIE_MAX + 1];
} ShoalLsdMessage;

/* Where messages of a family go: 239.192.152.143:6771 or [ff15::efc0:988f]:6771. */
ShoalAddr shoal_lsd_group         (ShoalFamily family);
/* FALSE: malformed, without a port, or without an info-hash. Hashes that are none are passed
 * over. */
gboolean  shoal_lsd_message_parse (ShoalLsdMessage *out, const guint8 *data, gsize size);
/* (transfer full): under 1400 bytes with %SHOAL_LSD_HASHES_MAX hashes */
GBytes   *shoal_lsd_message_write (const ShoalLsdMessage *self, ShoalFamily family);

G_END_DECLS
