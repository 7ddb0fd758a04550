/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages that open a way through two NATs with the help of a third peer (ut_holepunch, BEP
 * 55). */

#pragma once

#include <glib.h>
#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_HOLEPUNCH_SIZE_MAX 24u   /* bytes of a message that is written */

typedef enum
{
  SHOAL_HOLEPUNCH_RENDEZVOUS = 0,   /* to the relay: bring me together with this peer */
  SHOAL_HOLEPUNCH_CONNECT    = 1,   /* from the relay: dial this peer now, it does the same */
  SHOAL_HOLEPUNCH_ERROR      = 2,   /* from the relay: with this peer it cannot be done */
} ShoalHolepunchType;

typedef enum
{
  SHOAL_HOLEPUNCH_NO_ERROR      = 0,
  SHOAL_HOLEPUNCH_NO_SUCH_PEER  = 1,   /* the address is none */
  SHOAL_HOLEPUNCH_NOT_CONNECTED = 2,   /* the relay is not connected to it */
  SHOAL_HOLEPUNCH_NO_SUPPORT    = 3,   /* it does not know these messages */
  SHOAL_HOLEPUNCH_NO_SELF       = 4,   /* it is the relay, or the asking peer itself */
} ShoalHolepunchError;

typedef struct
{
  ShoalHolepunchType type;
  ShoalAddr          addr;
  guint32            error;   /* ShoalHolepunchError, or one of a later version; 0 with the other
                               * types */
} ShoalHolepunch;

/* FALSE: malformed, or of a type that is not known. The code of an error may be missing where there
 * is none. */
gboolean shoal_holepunch_parse (ShoalHolepunch *out, const guint8 *payload, gsize size);
GBytes  *shoal_holepunch_write (const ShoalHolepunch *self);   /* (transfer full): payload */

G_END_DECLS
