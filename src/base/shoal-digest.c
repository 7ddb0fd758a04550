/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-1 and SHA-256 on prefetched OpenSSL digests, and hexadecimal text. */

/*
 * Looking an algorithm up costs OpenSSL 3 more than hashing a small message, so a ShoalDigest
 * fetches once and begins anew without a look-up. libcrypto without SHA-1 or SHA-256 is a broken
 * installation: nothing can work then, and the process stops with a message.
 */

#include "shoal-digest.h"

#include <openssl/evp.h>
#include <string.h>

struct _ShoalDigest
{
  EVP_MD     *method;
  EVP_MD_CTX *context;
  gboolean    started;   /* update may be called without an init */
};

static const struct
{
  const char *name;
  gsize       size;
} digest_types[] = {
  [SHOAL_DIGEST_SHA1]   = { "SHA1", SHOAL_SHA1_SIZE },
  [SHOAL_DIGEST_SHA256] = { "SHA256", SHOAL_SHA256_SIZE },
};

static void
digest_start (ShoalDigest *self)
{
  if (self->started)
    return;

  if (EVP_DigestInit_ex2 (self->context, self->method, NULL) != 1)
    g_error ("libcrypto cannot start a digest");
  self->started = TRUE;
}

static void
digest_once (ShoalDigestType type,
             gconstpointer   data,
             gsize           size,
             guint8         *out)
{
  size_t out_size = 0;

  if (EVP_Q_digest (NULL, digest_types[type].name, NULL, data, size, out, &out_size) != 1 ||
      out_size != digest_types[type].size)
    g_error ("libcrypto cannot compute %s", digest_types[type].name);
}

ShoalDigest *
shoal_digest_new (ShoalDigestType type)
{
  ShoalDigest *self;

  g_return_val_if_fail (type < G_N_ELEMENTS (digest_types), NULL);

  self = g_new0 (ShoalDigest, 1);
  self->method = EVP_MD_fetch (NULL, digest_types[type].name, NULL);
  self->context = EVP_MD_CTX_new ();
  if (self->method == NULL || self->context == NULL)
    g_error ("libcrypto has no %s", digest_types[type].name);

  return self;
}

void
shoal_digest_free (ShoalDigest *self)
{
  if (self == NULL)
    return;

  EVP_MD_CTX_free (self->context);
  EVP_MD_free (self->method);
  g_free (self);
}

void
shoal_digest_update (ShoalDigest  *self,
                     gconstpointer data,
                     gsize         size)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (data != NULL || size == 0);

  digest_start (self);
  if (size > 0 && EVP_DigestUpdate (self->context, data, size) != 1)
    g_error ("libcrypto cannot go on with a digest");
}

void
shoal_digest_finish (ShoalDigest *self,
                     guint8      *out)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (out != NULL);

  digest_start (self);
  if (EVP_DigestFinal_ex (self->context, out, NULL) != 1)
    g_error ("libcrypto cannot finish a digest");
  self->started = FALSE;
}

void
shoal_sha1 (gconstpointer data,
            gsize         size,
            ShoalSha1    *out)
{
  g_return_if_fail (data != NULL || size == 0);
  g_return_if_fail (out != NULL);

  digest_once (SHOAL_DIGEST_SHA1, data, size, out->bytes);
}

void
shoal_sha256 (gconstpointer data,
              gsize         size,
              ShoalSha256  *out)
{
  g_return_if_fail (data != NULL || size == 0);
  g_return_if_fail (out != NULL);

  digest_once (SHOAL_DIGEST_SHA256, data, size, out->bytes);
}

char *
shoal_hex (const guint8 *bytes,
           gsize         size)
{
  static const char digits[] = "0123456789abcdef";
  char *text;

  g_return_val_if_fail (bytes != NULL || size == 0, NULL);
  g_return_val_if_fail (size < G_MAXSSIZE / 2, NULL);

  text = g_malloc (size * 2 + 1);
  for (gsize i = 0; i < size; i++)
    {
      text[i * 2] = digits[bytes[i] >> 4];
      text[i * 2 + 1] = digits[bytes[i] & 0x0f];
    }
  text[size * 2] = '\0';

  return text;
}

gboolean
shoal_unhex (const char *text,
             gsize       text_size,
             guint8     *out,
             gsize       size)
{
  g_return_val_if_fail (text != NULL || text_size == 0, FALSE);
  g_return_val_if_fail (out != NULL || size == 0, FALSE);

  if (text_size % 2 != 0 || text_size / 2 != size)
    return FALSE;

  for (gsize i = 0; i < size; i++)
    {
      int high = g_ascii_xdigit_value (text[i * 2]);
      int low = g_ascii_xdigit_value (text[i * 2 + 1]);

      if (high < 0 || low < 0)
        return FALSE;
      out[i] = (guint8) (high << 4 | low);
    }

  return TRUE;
}

guint
shoal_sha1_hash (gconstpointer key)
{
  const ShoalSha1 *hash = key;
  guint value;

  /* The bytes of a digest are as good as random already. */
  memcpy (&value, hash->bytes, sizeof value);

  return value;
}

gboolean
shoal_sha1_equal (gconstpointer a,
                  gconstpointer b)
{
  return memcmp (a, b, sizeof (ShoalSha1)) == 0;
}
