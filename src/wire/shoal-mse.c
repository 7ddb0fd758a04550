/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Message stream encryption: the handshake of both ends as a machine that is given bytes and gives
 * bytes. */

/*
 *   A, who dialled                                                B
 *   1  Ya, pad                                                 ->
 *                                                              <-  2  Yb, pad
 *   3  hash (req1, S), hash (req2, key) ^ hash (req3, S),
 *      RC4 (vc, offered, pad size, pad, initial size, initial) ->
 *                                                              <-  4  RC4 (vc, chosen, pad size,
 *                                                                     pad), stream
 *   5  stream                                                  ->
 *
 * S is what Diffie-Hellman gives both, vc are eight zeros. The paddings of 1 and 2 have no stated
 * size: their end is where B finds hash (req1, S) and A finds the enciphered vc, at most
 * SHOAL_MSE_PAD_MAX bytes on. All that is kept of the input is the part that is being waited for,
 * so what a stranger can cost is one small buffer and two powers of 768 bit.
 */

#include "shoal-mse.h"
#include "shoal-reader.h"

#include <string.h>

#define VC_SIZE     8u
#define SKIPPED     1024u                                    /* of each key stream */
#define HEAD_SIZE   (VC_SIZE + 4u + 2u)                      /* vc, methods, size of the padding */
#define OUTPUT_MAX  (SHOAL_DH_SIZE + SHOAL_MSE_PAD_MAX \
                     + 2 * SHOAL_SHA1_SIZE + HEAD_SIZE + SHOAL_MSE_PAD_MAX \
                     + 2u + SHOAL_MSE_INITIAL_MAX)
#define INPUT_MAX   (SHOAL_MSE_PAD_MAX + SHOAL_SHA1_SIZE)

typedef enum
{
  STEP_KEY,       /* Ya or Yb */
  STEP_SYNC,      /* the end of the padding */
  STEP_NAME,      /* B: which torrent */
  STEP_HEAD,      /* methods and the size of the second padding; for B with vc */
  STEP_PAD,
  STEP_INITIAL,   /* B: how much is said at once */
  STEP_DONE,
} Step;

struct _ShoalMse
{
  gboolean       dialled;
  Step           step;
  ShoalMseMethod methods;
  ShoalSha1      key;
  ShoalMseFind   find;
  gpointer       owner;
  ShoalMseChance chance;
  guint8         shared[SHOAL_DH_SIZE];
  ShoalRc4       in;
  ShoalRc4       out;
  ShoalMseMethod method;
  guint          pad_left;
  guint16        initial_in;

  guint8         initial[SHOAL_MSE_INITIAL_MAX];
  gsize          initial_size;
  guint8         marker[SHOAL_SHA1_SIZE];
  guint          marker_size;
  guint8         input[INPUT_MAX];
  guint          n_input;
  guint8         output[OUTPUT_MAX];
  guint          n_output;
  gboolean       shown;   /* the output was */
};

G_STATIC_ASSERT (INPUT_MAX >= SHOAL_DH_SIZE);

/* --- Hashes --- */

/* SHA-1 of a word of four letters and up to two values. */
static void
hash_of (const char      *word,
         const guint8    *shared,
         const ShoalSha1 *key,
         ShoalSha1       *out)
{
  guint8 text[4 + SHOAL_DH_SIZE + SHOAL_SHA1_SIZE];
  gsize size = 4;

  memcpy (text, word, 4);
  if (shared != NULL)
    {
      memcpy (text + size, shared, SHOAL_DH_SIZE);
      size += SHOAL_DH_SIZE;
    }
  if (key != NULL)
    {
      memcpy (text + size, key->bytes, sizeof key->bytes);
      size += sizeof key->bytes;
    }
  shoal_sha1 (text, size, out);
}

void
shoal_mse_req2 (const ShoalSha1 *key,
                ShoalSha1       *out)
{
  g_return_if_fail (key != NULL && out != NULL);

  hash_of ("req2", NULL, key, out);
}

static void
make_cipher (const ShoalMse *self,
             const char     *word,
             ShoalRc4       *out)
{
  ShoalSha1 key;

  hash_of (word, self->shared, &self->key, &key);
  shoal_rc4_init (out, key.bytes, sizeof key.bytes);
  shoal_rc4_skip (out, SKIPPED);
}

static void
make_ciphers (ShoalMse *self)
{
  make_cipher (self, self->dialled ? "keyA" : "keyB", &self->out);
  make_cipher (self, self->dialled ? "keyB" : "keyA", &self->in);
}

/* --- Output --- */

static guint
pad_size (const ShoalMse *self,
          guint           which)
{
  return self->chance.pad_sizes[which] % (SHOAL_MSE_PAD_MAX + 1);
}

static void
say (ShoalMse     *self,
     gconstpointer bytes,
     gsize         size)
{
  if (self->shown)
    self->n_output = 0;
  self->shown = FALSE;
  g_assert (size <= sizeof self->output - self->n_output);
  memcpy (self->output + self->n_output, bytes, size);
  self->n_output += (guint) size;
}

static void
say_enciphered (ShoalMse     *self,
                gconstpointer bytes,
                gsize         size)
{
  say (self, bytes, size);
  shoal_rc4_apply (&self->out, self->output + self->n_output - size, size);
}

static void
say_key (ShoalMse *self)
{
  guint8 key[SHOAL_DH_SIZE];

  shoal_dh_public (self->chance.secret, key);
  say (self, key, sizeof key);
  say (self, self->chance.pad, pad_size (self, 0));
}

/* vc, @methods and the second padding, which is of zeros as long as nobody has a use for it. */
static void
say_head (ShoalMse      *self,
          ShoalMseMethod methods)
{
  guint size = pad_size (self, 1);
  guint8 head[HEAD_SIZE + SHOAL_MSE_PAD_MAX] = { 0 };

  head[VC_SIZE + 3] = (guint8) methods;
  head[VC_SIZE + 4] = (guint8) (size >> 8);
  head[VC_SIZE + 5] = (guint8) size;
  say_enciphered (self, head, HEAD_SIZE + size);
}

static void
say_request (ShoalMse *self)
{
  guint8 size[2] = { (guint8) (self->initial_size >> 8), (guint8) self->initial_size };
  ShoalSha1 req1, req2, req3;

  hash_of ("req1", self->shared, NULL, &req1);
  hash_of ("req2", NULL, &self->key, &req2);
  hash_of ("req3", self->shared, NULL, &req3);
  for (guint i = 0; i < sizeof req2.bytes; i++)
    req2.bytes[i] ^= req3.bytes[i];
  say (self, req1.bytes, sizeof req1.bytes);
  say (self, req2.bytes, sizeof req2.bytes);
  say_head (self, self->methods);
  say_enciphered (self, size, sizeof size);
  say_enciphered (self, self->initial, self->initial_size);
}

/* --- Input: each takes what was waited for, FALSE: it is wrong --- */

static gboolean
take_key (ShoalMse *self)
{
  for (guint i = 0; i == 0 || (!self->dialled && i < SHOAL_MSE_SECRETS_MAX && self->shared[0] == 0);
       i++)
    {
      self->chance.secret[0] += (guint8) i;
      if (!shoal_dh_shared (self->chance.secret, self->input, self->shared))
        return FALSE;
    }

  if (self->dialled)
    {
      ShoalRc4 ahead;

      make_ciphers (self);
      ahead = self->in;
      memset (self->marker, 0, VC_SIZE);
      shoal_rc4_apply (&ahead, self->marker, VC_SIZE);
      self->marker_size = VC_SIZE;
      say_request (self);
    }
  else
    {
      ShoalSha1 req1;

      hash_of ("req1", self->shared, NULL, &req1);
      memcpy (self->marker, req1.bytes, sizeof req1.bytes);
      self->marker_size = sizeof req1.bytes;
      say_key (self);
    }
  self->step = STEP_SYNC;

  return TRUE;
}

static gboolean
take_name (ShoalMse *self)
{
  ShoalSha1 req2, req3;

  hash_of ("req3", self->shared, NULL, &req3);
  for (guint i = 0; i < sizeof req2.bytes; i++)
    req2.bytes[i] = self->input[i] ^ req3.bytes[i];
  if (!self->find (self->owner, &req2, &self->key))
    return FALSE;
  make_ciphers (self);
  self->step = STEP_HEAD;

  return TRUE;
}

static gboolean
take_head (ShoalMse *self)
{
  ShoalReader r = shoal_reader (self->input, self->n_input);
  guint32 methods;

  shoal_rc4_apply (&self->in, self->input, self->n_input);
  if (!self->dialled && (shoal_reader_u32 (&r) != 0 || shoal_reader_u32 (&r) != 0))
    return FALSE;
  methods = shoal_reader_u32 (&r);
  self->pad_left = shoal_reader_u16 (&r);
  if (!shoal_reader_done (&r) || self->pad_left > SHOAL_MSE_PAD_MAX)
    return FALSE;

  if (self->dialled)
    {
      if (methods != SHOAL_MSE_PLAIN && methods != SHOAL_MSE_RC4)
        return FALSE;
      self->method = (ShoalMseMethod) methods & self->methods;
    }
  else
    {
      methods &= self->methods;
      self->method = methods & SHOAL_MSE_PLAIN ? SHOAL_MSE_PLAIN : methods & SHOAL_MSE_RC4;
    }
  self->step = STEP_PAD;

  return self->method != 0;
}

static gboolean
take_initial (ShoalMse *self)
{
  ShoalReader r = shoal_reader (self->input, self->n_input);

  shoal_rc4_apply (&self->in, self->input, self->n_input);
  self->initial_in = shoal_reader_u16 (&r);
  say_head (self, self->method);
  self->step = STEP_DONE;

  return TRUE;
}

/* The next byte of a padding that ends in the marker; FALSE: it is too long. */
static gboolean
take_sync (ShoalMse *self)
{
  if (self->n_input < self->marker_size
      || memcmp (self->input + self->n_input - self->marker_size, self->marker, self->marker_size)
           != 0)
    return self->n_input < SHOAL_MSE_PAD_MAX + self->marker_size;

  if (self->dialled)
    shoal_rc4_skip (&self->in, VC_SIZE);
  self->n_input = 0;
  self->step = self->dialled ? STEP_HEAD : STEP_NAME;

  return TRUE;
}

/* How many bytes the step waits for before it can be taken. */
static guint
bytes_needed (const ShoalMse *self)
{
  switch (self->step)
    {
    case STEP_KEY:
      return SHOAL_DH_SIZE;

    case STEP_NAME:
      return SHOAL_SHA1_SIZE;

    case STEP_HEAD:
      return self->dialled ? HEAD_SIZE - VC_SIZE : HEAD_SIZE;

    case STEP_INITIAL:
      return 2;

    default:
      return 0;
    }
}

static gboolean
take_step (ShoalMse *self)
{
  gboolean good;

  switch (self->step)
    {
    case STEP_KEY:
      good = take_key (self);
      break;

    case STEP_NAME:
      good = take_name (self);
      break;

    case STEP_HEAD:
      good = take_head (self);
      break;

    case STEP_INITIAL:
    default:
      good = take_initial (self);
      break;
    }
  self->n_input = 0;

  return good;
}

/* Takes some of @bytes, at least one if there is one and it is not done; FALSE: they are wrong. */
static gboolean
advance (ShoalMse     *self,
         const guint8 *bytes,
         gsize         size,
         gsize        *used)
{
  gsize n;

  *used = 0;
  switch (self->step)
    {
    case STEP_SYNC:
      if (size == 0)
        return TRUE;
      self->input[self->n_input++] = bytes[0];
      *used = 1;
      return take_sync (self);

    case STEP_PAD:
      n = MIN (size, self->pad_left);
      shoal_rc4_skip (&self->in, n);
      self->pad_left -= (guint) n;
      *used = n;
      if (self->pad_left == 0)
        self->step = self->dialled ? STEP_DONE : STEP_INITIAL;
      return TRUE;

    default:
      n = MIN (size, bytes_needed (self) - self->n_input);
      memcpy (self->input + self->n_input, bytes, n);
      self->n_input += (guint) n;
      *used = n;
      return self->n_input < bytes_needed (self) || take_step (self);
    }
}

ShoalMseStatus
shoal_mse_feed (ShoalMse     *self,
                const guint8 *bytes,
                gsize         size,
                gsize        *used)
{
  g_return_val_if_fail (self != NULL && used != NULL, SHOAL_MSE_BAD);

  *used = 0;
  while (self->step != STEP_DONE)
    {
      /* An empty padding ends without a byte of its own. */
      gboolean empty = self->step == STEP_PAD && self->pad_left == 0;
      gsize n;

      if (*used == size && !empty)
        return SHOAL_MSE_MORE;
      if (!advance (self, bytes + *used, size - *used, &n))
        return SHOAL_MSE_BAD;
      *used += n;
    }

  return SHOAL_MSE_DONE;
}

/* --- From outside --- */

static ShoalMse *
mse_new (ShoalMseMethod        methods,
         const ShoalMseChance *chance)
{
  ShoalMse *self = g_new0 (ShoalMse, 1);

  self->methods = methods;
  self->chance = *chance;

  return self;
}

ShoalMse *
shoal_mse_new_dialled (ShoalMseMethod        methods,
                       const ShoalSha1      *key,
                       const ShoalMseChance *chance,
                       const guint8         *initial,
                       gsize                 initial_size)
{
  ShoalMse *self;

  g_return_val_if_fail (methods != 0 && key != NULL && chance != NULL, NULL);
  g_return_val_if_fail (initial_size <= SHOAL_MSE_INITIAL_MAX, NULL);

  self = mse_new (methods, chance);
  self->dialled = TRUE;
  self->key = *key;
  if (initial_size > 0)
    memcpy (self->initial, initial, initial_size);
  self->initial_size = initial_size;
  say_key (self);

  return self;
}

ShoalMse *
shoal_mse_new_accepted (ShoalMseMethod        methods,
                        ShoalMseFind          find,
                        gpointer              owner,
                        const ShoalMseChance *chance)
{
  ShoalMse *self;

  g_return_val_if_fail (methods != 0 && find != NULL && chance != NULL, NULL);

  self = mse_new (methods, chance);
  self->find = find;
  self->owner = owner;

  return self;
}

void
shoal_mse_free (ShoalMse *self)
{
  g_free (self);
}

const guint8 *
shoal_mse_output (ShoalMse *self,
                  gsize    *size)
{
  g_return_val_if_fail (self != NULL && size != NULL, NULL);

  *size = self->shown ? 0 : self->n_output;
  self->shown = TRUE;

  return *size > 0 ? self->output : NULL;
}

gboolean
shoal_mse_is_short (const ShoalMse *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->step > STEP_KEY && self->shared[0] == 0;
}

void
shoal_mse_stream (const ShoalMse *self,
                  ShoalMseStream *out)
{
  g_return_if_fail (self != NULL && out != NULL);
  g_return_if_fail (self->step == STEP_DONE);

  *out = (ShoalMseStream){
    .method = self->method,
    .key = self->key,
    .in = self->in,
    .out = self->out,
    .n_enciphered = self->method == SHOAL_MSE_RC4 ? SHOAL_MSE_FOREVER : self->initial_in,
  };
}
