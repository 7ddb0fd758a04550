/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Diffie-Hellman over the 768 bit prime of message stream encryption. */

/* Nothing is kept between calls: a handshake is rare, and making the numbers anew costs a hundredth
 * of raising one to a power. */

#include "shoal-dh.h"

#include <openssl/bn.h>

#define GENERATOR 2

/* The first group of Oakley (RFC 2409, 6.1) up to its end. */
static const guint8 prime[SHOAL_DH_SIZE] = {
  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x0f, 0xda, 0xa2, 0x21, 0x68, 0xc2, 0x34,
  0xc4, 0xc6, 0x62, 0x8b, 0x80, 0xdc, 0x1c, 0xd1, 0x29, 0x02, 0x4e, 0x08, 0x8a, 0x67, 0xcc, 0x74,
  0x02, 0x0b, 0xbe, 0xa6, 0x3b, 0x13, 0x9b, 0x22, 0x51, 0x4a, 0x08, 0x79, 0x8e, 0x34, 0x04, 0xdd,
  0xef, 0x95, 0x19, 0xb3, 0xcd, 0x3a, 0x43, 0x1b, 0x30, 0x2b, 0x0a, 0x6d, 0xf2, 0x5f, 0x14, 0x37,
  0x4f, 0xe1, 0x35, 0x6d, 0x6d, 0x51, 0xc2, 0x45, 0xe4, 0x85, 0xb5, 0x76, 0x62, 0x5e, 0x7e, 0xc6,
  0xf4, 0x4c, 0x42, 0xe9, 0xa6, 0x3a, 0x36, 0x21, 0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x05, 0x63,
};

/* @base to the power of @secret; @base between 2 and the prime less two. */
static void
power_of (const BIGNUM *base,
          const BIGNUM *modulus,
          const guint8 *secret,
          guint8       *out)
{
  BN_CTX *context = BN_CTX_new ();
  BIGNUM *exponent = BN_bin2bn (secret, SHOAL_DH_SECRET_SIZE, NULL);
  BIGNUM *result = BN_new ();

  /* The lowest bit costs nothing and keeps a power of zero away. */
  if (context == NULL || exponent == NULL || result == NULL || !BN_set_bit (exponent, 0)
      || !BN_mod_exp_mont_consttime (result, base, exponent, modulus, context, NULL)
      || BN_bn2binpad (result, out, SHOAL_DH_SIZE) != SHOAL_DH_SIZE)
    g_error ("libcrypto cannot raise a number to a power");   /* it is out of memory */

  BN_free (result);
  BN_clear_free (exponent);
  BN_CTX_free (context);
}

void
shoal_dh_public (const guint8 secret[SHOAL_DH_SECRET_SIZE],
                 guint8       out[SHOAL_DH_SIZE])
{
  BIGNUM *modulus = BN_bin2bn (prime, sizeof prime, NULL);
  BIGNUM *base = BN_new ();

  if (modulus == NULL || base == NULL || !BN_set_word (base, GENERATOR))
    g_error ("libcrypto cannot make a number");
  power_of (base, modulus, secret, out);
  BN_free (base);
  BN_free (modulus);
}

gboolean
shoal_dh_shared (const guint8 secret[SHOAL_DH_SECRET_SIZE],
                 const guint8 theirs[SHOAL_DH_SIZE],
                 guint8       out[SHOAL_DH_SIZE])
{
  BIGNUM *modulus = BN_bin2bn (prime, sizeof prime, NULL);
  BIGNUM *last = BN_bin2bn (prime, sizeof prime, NULL);
  BIGNUM *base = BN_bin2bn (theirs, SHOAL_DH_SIZE, NULL);
  gboolean is_key;

  if (modulus == NULL || last == NULL || base == NULL || !BN_sub_word (last, 1))
    g_error ("libcrypto cannot make a number");
  is_key = !BN_is_zero (base) && !BN_is_one (base) && BN_cmp (base, last) < 0;
  if (is_key)
    power_of (base, modulus, secret, out);
  BN_free (base);
  BN_free (last);
  BN_free (modulus);

  return is_key;
}
