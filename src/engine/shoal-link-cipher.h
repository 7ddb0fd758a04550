/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a link needs while something on it is enciphered: the handshake, then the two streams. */

#pragma once

#include "shoal-mse.h"
#include "shoal-outbox.h"
#include "shoal-timers.h"

G_BEGIN_DECLS

#define SHOAL_CIPHER_AHEAD       (64u * 1024)                     /* bytes enciphered before the
                                                                   * socket asks for them: they
                                                                   * cannot be taken back */
#define SHOAL_MSE_TIMEOUT_US     (10 * G_USEC_PER_SEC)            /* a peer that we dialled does not
                                                                   * answer the handshake */
#define SHOAL_MSE_PAUSE_MAX_US   (40 * G_TIME_SPAN_MILLISECOND)   /* before the rest of the first
                                                                   * padding */

typedef struct _ShoalLinkCipher ShoalLinkCipher;

/* Lives from the first byte of the handshake until nothing is enciphered any more. */
struct _ShoalLinkCipher
{
  ShoalMse   *mse;             /* (nullable): the handshake, while it lasts */
  gboolean    spoke;           /* the handshake said something */
  guint8     *held;            /* (nullable): the rest of the first padding, which goes a little
                                * later */
  gsize       held_size;
  ShoalTimer  held_timer;
  ShoalRc4    in;
  ShoalRc4    out;
  guint64     n_enciphered;    /* of the next bytes in */
  gboolean    enciphers;       /* what goes out is enciphered */
};

G_END_DECLS
