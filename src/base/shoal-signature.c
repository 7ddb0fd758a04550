/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ed25519 signatures, checked by libcrypto. */

#include "shoal-signature.h"
#include <openssl/err.h>
#include <openssl/evp.h>

gboolean
shoal_signature_is_good (const guint8 *key,
                         const guint8 *signature,
                         gconstpointer data,
                         gsize         size)
{
  EVP_PKEY *public_key;
  EVP_MD_CTX *context;
  gboolean good;

  g_return_val_if_fail (key != NULL && signature != NULL && (data != NULL || size == 0), FALSE);

  public_key = EVP_PKEY_new_raw_public_key (EVP_PKEY_ED25519, NULL, key, SHOAL_SIGNATURE_KEY_SIZE);
  context = EVP_MD_CTX_new ();
  good = public_key != NULL && context != NULL
         && EVP_DigestVerifyInit (context, NULL, NULL, NULL, public_key) == 1
         && EVP_DigestVerify (context, signature, SHOAL_SIGNATURE_SIZE, data, size) == 1;
  EVP_MD_CTX_free (context);
  EVP_PKEY_free (public_key);
  ERR_clear_error ();

  return good;
}
