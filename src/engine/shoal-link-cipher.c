/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Message stream encryption on a link: who begins it, when it is believed to have failed, and the
 * bytes of both directions. */

/*
 * A link has a cipher only while something is enciphered: one with a plain payload loses it after
 * the handshake and is then as fast as one that never had it. Input is deciphered where it was read
 * to, once and in order, before anybody looks at it; output is enciphered in the outbox when it is
 * about to leave.
 *
 * By policy: OFF neither begins nor takes encryption. PREFER dials with it and offers both methods;
 * a peer that breaks off is dialled again at once in plain, and with encryption the next time if
 * that fails too; what comes in may be either. REQUIRE offers and takes RC4 alone. One that broke
 * off where shoal_mse_is_short() may not be to blame: it is dialled once more as before. What of
 * the handshake is left to chance is all of its paddings, and when the first of them ends.
 */

#include "shoal-link-private.h"

#include <string.h>

#define GREETING_BEGINS 20u   /* bytes that tell a plain handshake from everything else */

static ShoalMseMethod
methods_of (const ShoalLink *self)
{
  return self->engine->config.encryption == SHOAL_ENCRYPTION_REQUIRE
           ? SHOAL_MSE_RC4
           : SHOAL_MSE_RC4 | SHOAL_MSE_PLAIN;
}

/* The rest of the first padding goes out. */
static void
let_go_on (ShoalLink *self)
{
  ShoalLinkCipher *cipher = self->cipher;

  if (cipher->held == NULL)
    return;
  shoal_timers_disarm (self->engine->timers, &cipher->held_timer);
  memcpy (shoal_outbox_append (self->outbox, cipher->held_size), cipher->held, cipher->held_size);
  g_clear_pointer (&cipher->held, g_free);
}

static void
on_held (gpointer owner,
         gint64   now_us)
{
  ShoalLink *self = owner;

  let_go_on (self);
  shoal_link_attend (self);
}

/* What the handshake has to say. The first time its end is held back for a moment, so that neither
 * sizes nor times are always alike. */
static void
say_handshake (ShoalLink *self)
{
  ShoalLinkCipher *cipher = self->cipher;
  ShoalEngine *engine = self->engine;
  gsize size;
  const guint8 *bytes = shoal_mse_output (cipher->mse, &size);
  gboolean first = !cipher->spoke;

  if (size == 0)
    return;
  let_go_on (self);
  cipher->spoke = TRUE;
  if (first && size > SHOAL_DH_SIZE)
    {
      gsize now = SHOAL_DH_SIZE
                  + shoal_rng_below (&engine->rng, (guint32) (size - SHOAL_DH_SIZE) + 1);

      if (now < size)
        {
          cipher->held_size = size - now;
          cipher->held = g_memdup2 (bytes + now, cipher->held_size);
          shoal_timers_arm (engine->timers, &cipher->held_timer,
                            engine->now_us + 1
                              + shoal_rng_below (&engine->rng, SHOAL_MSE_PAUSE_MAX_US));
          size = now;
        }
    }
  memcpy (shoal_outbox_append (self->outbox, size), bytes, size);
  shoal_link_attend (self);
}

static void
make_cipher (ShoalLink *self)
{
  self->cipher = g_new0 (ShoalLinkCipher, 1);
  shoal_timer_init (&self->cipher->held_timer, on_held, self);
}

void
shoal_link_cipher_free (ShoalLink *self)
{
  ShoalLinkCipher *cipher = g_steal_pointer (&self->cipher);

  if (cipher == NULL)
    return;
  shoal_timers_disarm (self->engine->timers, &cipher->held_timer);
  g_clear_pointer (&cipher->mse, shoal_mse_free);
  g_free (cipher->held);
  g_free (cipher);
}

gboolean
shoal_link_cipher_dial (ShoalLink *self)
{
  ShoalHost *host = self->engine->host;
  guint8 greeting[SHOAL_HANDSHAKE_SIZE];
  ShoalMseChance chance;

  if (self->engine->config.encryption == SHOAL_ENCRYPTION_OFF)
    return FALSE;
  if (self->engine->config.encryption == SHOAL_ENCRYPTION_PREFER && self->known != NULL
      && self->known->plain)
    return FALSE;

  host->ops->random (host, (guint8 *) &chance, sizeof chance);
  shoal_link_write_greeting (self, greeting);
  make_cipher (self);
  self->cipher->mse = shoal_mse_new_dialled (methods_of (self), &self->key, &chance, greeting,
                                             sizeof greeting);
  self->greeted = TRUE;
  say_handshake (self);

  return TRUE;
}

static gboolean
find_key (gpointer         owner,
          const ShoalSha1 *req2,
          ShoalSha1       *key)
{
  ShoalSwarm *swarm = shoal_engine_find_by_req2 (owner, req2, key);

  return swarm != NULL && shoal_swarm_is_live (swarm);
}

static void
accept_cipher (ShoalLink *self)
{
  ShoalHost *host = self->engine->host;
  ShoalMseChance chance;

  host->ops->random (host, (guint8 *) &chance, sizeof chance);
  make_cipher (self);
  self->cipher->mse = shoal_mse_new_accepted (methods_of (self), find_key, self->engine, &chance);
}

/* The handshake is through: what stands in the outbox belongs to it, what is said from now on to
 * the stream. */
static void
begin_stream (ShoalLink *self)
{
  ShoalLinkCipher *cipher = self->cipher;
  ShoalMseStream stream;

  shoal_mse_stream (cipher->mse, &stream);
  g_clear_pointer (&cipher->mse, shoal_mse_free);
  self->method = stream.method;
  self->key = stream.key;
  cipher->in = stream.in;
  cipher->out = stream.out;
  cipher->n_enciphered = stream.n_enciphered;
  cipher->enciphers = stream.method == SHOAL_MSE_RC4;
  shoal_outbox_seal (self->outbox);
  if (self->known != NULL && self->outgoing)
    {
      self->known->plain = FALSE;
      self->known->encrypts = TRUE;
      self->known->excused = FALSE;
    }
}

/* Gives the handshake its bytes; returns how many of them were of it. Without a handshake in the
 * end the link is hung up. */
static gsize
feed_handshake (ShoalLink    *self,
                const guint8 *bytes,
                gsize         size)
{
  ShoalMseStatus status;
  gsize used;

  status = shoal_mse_feed (self->cipher->mse, bytes, size, &used);
  if (status == SHOAL_MSE_BAD)
    {
      shoal_link_hang_up (self, "no encrypted handshake for one of the torrents here");
      return size;
    }
  say_handshake (self);
  if (status == SHOAL_MSE_DONE)
    begin_stream (self);

  return used;
}

/* The first bytes of somebody who came tell what it speaks. FALSE: hung up. */
static gboolean
tell_apart (ShoalLink    *self,
            const guint8 *bytes,
            gsize         size)
{
  ShoalEncryption policy = self->engine->config.encryption;
  guint8 first[GREETING_BEGINS];
  gsize n = MIN (size, sizeof first - self->carry_size);
  gsize unused;

  if (self->carry_size > 0)
    memcpy (first, self->carry, self->carry_size);
  memcpy (first + self->carry_size, bytes, n);
  if (shoal_handshake_begins (first, self->carry_size + n))
    {
      self->undecided = self->carry_size + n < sizeof first;
      if (!self->undecided && policy == SHOAL_ENCRYPTION_REQUIRE)
        shoal_link_hang_up (self, "the peer does not encrypt");
      return self->state == SHOAL_LINK_GREETING;
    }

  self->undecided = FALSE;
  if (policy == SHOAL_ENCRYPTION_OFF)
    {
      shoal_link_hang_up (self, "another protocol");
      return FALSE;
    }
  accept_cipher (self);
  unused = self->carry_size;
  self->carry_size = 0;
  feed_handshake (self, first, unused);

  return self->state == SHOAL_LINK_GREETING;
}

gsize
shoal_link_decipher_greeting (ShoalLink *self,
                              guint8    *bytes,
                              gsize      size)
{
  gsize used = 0;

  if (self->undecided && !tell_apart (self, bytes, size))
    return size;
  if (self->cipher != NULL && self->cipher->mse != NULL)
    used = feed_handshake (self, bytes, size);
  shoal_link_decipher (self, bytes + used, size - used);

  return used;
}

void
shoal_link_decipher (ShoalLink *self,
                     guint8    *bytes,
                     gsize      size)
{
  ShoalLinkCipher *cipher = self->cipher;
  gsize n;

  if (cipher == NULL || cipher->mse != NULL)
    return;
  n = (gsize) MIN (size, cipher->n_enciphered);
  shoal_rc4_apply (&cipher->in, bytes, n);
  if (cipher->n_enciphered != SHOAL_MSE_FOREVER)
    cipher->n_enciphered -= n;
  if (cipher->n_enciphered == 0 && !cipher->enciphers)
    shoal_link_cipher_free (self);
}

gsize
shoal_link_encipher (ShoalLink *self,
                     gsize      size)
{
  ShoalLinkCipher *cipher = self->cipher;

  if (!cipher->enciphers)
    return size;
  size = MIN (size, SHOAL_CIPHER_AHEAD);
  shoal_outbox_encipher (self->outbox, &cipher->out, size);

  return size;
}

gboolean
shoal_link_cipher_failed (const ShoalLink *self)
{
  return self->outgoing && self->cipher != NULL && self->cipher->mse != NULL;
}

gboolean
shoal_link_cipher_is_short (const ShoalLink *self)
{
  return shoal_link_cipher_failed (self) && shoal_mse_is_short (self->cipher->mse);
}
