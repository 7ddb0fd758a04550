/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-1 of several messages at once, one in each lane of a wide vector unit. */

/*
 * The rounds are written once, over vectors of 16 words: with AVX-512 such a vector is a register,
 * with AVX2 the compiler makes two of it, and two chains of instructions keep the unit busy. What
 * differs is how 16 words of each of 16 messages become 16 vectors with a word of every message:
 * a transpose made of the shuffles that each unit has. Lanes that are not used compute on the
 * first message's bytes and are thrown away.
 *
 * CPU seconds for a GiB where AVX-512 and the SHA instructions are at hand, all 16 lanes in use:
 * libcrypto 0.57, AVX2 0.31, AVX-512 0.16.
 */

#include "shoal-digest.h"

#include <string.h>

#define LANES      16
#define BLOCK_SIZE 64   /* bytes */

static const guint32 sha1_start[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };

/* Vectors wider than the base architecture's are only passed between inlined functions here. */
#pragma GCC diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__ ((always_inline))

typedef guint32 Words16 __attribute__ ((vector_size (64)));

#define ROTATE(value, by) ((value) << (by) | (value) >> (32 - (by)))

/* The function of the rounds from @t on: choose, parity, majority, parity. */
INLINE Words16
mix (guint          t,
     const Words16 *b,
     const Words16 *c,
     const Words16 *d)
{
  if (t < 20)
    return *d ^ (*b & (*c ^ *d));
  if (t >= 40 && t < 60)
    return (*b & *c) | (*d & (*b | *c));

  return *b ^ *c ^ *d;
}

/* Rounds @from to @from + 19; the schedule turns in the 16 words. */
INLINE void
twenty_rounds (Words16 *state,
               Words16 *words,
               guint    from,
               guint32  constant)
{
  Words16 a = state[0];
  Words16 b = state[1];
  Words16 c = state[2];
  Words16 d = state[3];
  Words16 e = state[4];

#pragma GCC unroll 20
  for (guint t = from; t < from + 20; t++)
    {
      Words16 next;

      if (t >= 16)
        {
          next = words[(t + 13) % 16] ^ words[(t + 8) % 16] ^ words[(t + 2) % 16] ^ words[t % 16];
          words[t % 16] = ROTATE (next, 1);
        }

      next = ROTATE (a, 5) + mix (from, &b, &c, &d) + (e + (words[t % 16] + constant));
      e = d;
      d = c;
      c = ROTATE (b, 30);
      b = a;
      a = next;
    }

  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
  state[4] = e;
}

/* Places the 16 words of a block of every message in @words: word t of message l is words[t][l]. */
INLINE void
gather_plain (Words16             *words,
              const guint8 *const *data,
              gsize                offset)
{
  for (guint lane = 0; lane < LANES; lane++)
    {
      for (guint t = 0; t < 16; t++)
        {
          guint32 word;

          memcpy (&word, data[lane] + offset + t * sizeof word, sizeof word);
          words[t][lane] = GUINT32_FROM_BE (word);
        }
    }
}

#ifdef __x86_64__
typedef guint32 Words8  __attribute__ ((vector_size (32)));
typedef guint8  Bytes64 __attribute__ ((vector_size (64)));
typedef guint8  Bytes32 __attribute__ ((vector_size (32)));

/*
 * A transpose in log2 (n) steps. Each step pairs the vectors @distance apart and interleaves them
 * by units of one word, then two, within 128 bits, then by 128 and 256 bits.
 */
#define LOW_WORDS16   0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define HIGH_WORDS16  2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define LOW_PAIRS16   0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_PAIRS16  2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define EVEN_FOURS16  0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define ODD_FOURS16   4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31

#define LOW_WORDS8    0, 8, 1, 9, 4, 12, 5, 13
#define HIGH_WORDS8   2, 10, 3, 11, 6, 14, 7, 15
#define LOW_PAIRS8    0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_PAIRS8   2, 3, 10, 11, 6, 7, 14, 15
#define LOW_FOUR8     0, 1, 2, 3, 8, 9, 10, 11
#define HIGH_FOUR8    4, 5, 6, 7, 12, 13, 14, 15

#define SWAP16(i)     (i) + 3, (i) + 2, (i) + 1, (i), (i) + 7, (i) + 6, (i) + 5, (i) + 4, \
                      (i) + 11, (i) + 10, (i) + 9, (i) + 8, (i) + 15, (i) + 14, (i) + 13, (i) + 12

INLINE void
gather_avx512 (Words16             *words,
               const guint8 *const *data,
               gsize                offset)
{
  Words16 a[16];
  Words16 b[16];

#pragma GCC unroll 16
  for (guint i = 0; i < 16; i++)
    {
      Bytes64 bytes;

      memcpy (&bytes, data[i] + offset, sizeof bytes);
      a[i] = (Words16) __builtin_shufflevector (bytes, bytes, SWAP16 (0), SWAP16 (16),
                                                SWAP16 (32), SWAP16 (48));
    }

#pragma GCC unroll 8
  for (guint i = 0; i < 16; i += 2)
    {
      b[i] = __builtin_shufflevector (a[i], a[i + 1], LOW_WORDS16);
      b[i + 1] = __builtin_shufflevector (a[i], a[i + 1], HIGH_WORDS16);
    }

  /* Now every 128 bits of a[i + j] hold word j of them, of messages i to i + 3. */
#pragma GCC unroll 4
  for (guint i = 0; i < 16; i += 4)
    {
      a[i] = __builtin_shufflevector (b[i], b[i + 2], LOW_PAIRS16);
      a[i + 1] = __builtin_shufflevector (b[i], b[i + 2], HIGH_PAIRS16);
      a[i + 2] = __builtin_shufflevector (b[i + 1], b[i + 3], LOW_PAIRS16);
      a[i + 3] = __builtin_shufflevector (b[i + 1], b[i + 3], HIGH_PAIRS16);
    }

#pragma GCC unroll 4
  for (guint i = 0; i < 4; i++)
    {
      Words16 even_low = __builtin_shufflevector (a[i], a[i + 4], EVEN_FOURS16);
      Words16 even_high = __builtin_shufflevector (a[i + 8], a[i + 12], EVEN_FOURS16);
      Words16 odd_low = __builtin_shufflevector (a[i], a[i + 4], ODD_FOURS16);
      Words16 odd_high = __builtin_shufflevector (a[i + 8], a[i + 12], ODD_FOURS16);

      words[i] = __builtin_shufflevector (even_low, even_high, EVEN_FOURS16);
      words[i + 4] = __builtin_shufflevector (odd_low, odd_high, EVEN_FOURS16);
      words[i + 8] = __builtin_shufflevector (even_low, even_high, ODD_FOURS16);
      words[i + 12] = __builtin_shufflevector (odd_low, odd_high, ODD_FOURS16);
    }
}

/* Eight words of eight messages. */
INLINE void
transpose_avx2 (Words8              *words,
                const guint8 *const *data,
                gsize                offset)
{
  Words8 a[8];
  Words8 b[8];

#pragma GCC unroll 8
  for (guint i = 0; i < 8; i++)
    {
      Bytes32 bytes;

      memcpy (&bytes, data[i] + offset, sizeof bytes);
      a[i] = (Words8) __builtin_shufflevector (bytes, bytes, SWAP16 (0), SWAP16 (16));
    }

#pragma GCC unroll 4
  for (guint i = 0; i < 8; i += 2)
    {
      b[i] = __builtin_shufflevector (a[i], a[i + 1], LOW_WORDS8);
      b[i + 1] = __builtin_shufflevector (a[i], a[i + 1], HIGH_WORDS8);
    }

#pragma GCC unroll 2
  for (guint i = 0; i < 8; i += 4)
    {
      a[i] = __builtin_shufflevector (b[i], b[i + 2], LOW_PAIRS8);
      a[i + 1] = __builtin_shufflevector (b[i], b[i + 2], HIGH_PAIRS8);
      a[i + 2] = __builtin_shufflevector (b[i + 1], b[i + 3], LOW_PAIRS8);
      a[i + 3] = __builtin_shufflevector (b[i + 1], b[i + 3], HIGH_PAIRS8);
    }

#pragma GCC unroll 4
  for (guint i = 0; i < 4; i++)
    {
      words[i] = __builtin_shufflevector (a[i], a[i + 4], LOW_FOUR8);
      words[i + 4] = __builtin_shufflevector (a[i], a[i + 4], HIGH_FOUR8);
    }
}

INLINE void
gather_avx2 (Words16             *words,
             const guint8 *const *data,
             gsize                offset)
{
  for (guint half = 0; half < 2; half++)
    {
      Words8 low[8];
      Words8 high[8];

      transpose_avx2 (low, data, offset + half * 32);
      transpose_avx2 (high, data + 8, offset + half * 32);
      for (guint i = 0; i < 8; i++)
        {
          memcpy (&words[half * 8 + i], &low[i], sizeof low[i]);
          memcpy ((guint8 *) &words[half * 8 + i] + sizeof low[i], &high[i], sizeof high[i]);
        }
    }
}

#else
#define gather_avx512 gather_plain
#define gather_avx2   gather_plain
#endif

typedef enum { UNIT_PLAIN, UNIT_AVX2, UNIT_AVX512 } Unit;

/* @unit is a constant wherever this is inlined. */
INLINE void
update (ShoalSha1Lanes      *lanes,
        const guint8 *const *data,
        gsize                size,
        Unit                 unit)
{
  Words16 state[5];

  memcpy (state, lanes->state, sizeof state);

  for (gsize offset = 0; offset < size; offset += BLOCK_SIZE)
    {
      Words16 words[16];
      Words16 before[5];

      if (unit == UNIT_AVX512)
        gather_avx512 (words, data, offset);
      else if (unit == UNIT_AVX2)
        gather_avx2 (words, data, offset);
      else
        gather_plain (words, data, offset);
      memcpy (before, state, sizeof before);

      twenty_rounds (state, words, 0, 0x5a827999);
      twenty_rounds (state, words, 20, 0x6ed9eba1);
      twenty_rounds (state, words, 40, 0x8f1bbcdc);
      twenty_rounds (state, words, 60, 0xca62c1d6);

      for (guint i = 0; i < 5; i++)
        state[i] += before[i];
    }

  memcpy (lanes->state, state, sizeof state);
}

static void
update_plain (ShoalSha1Lanes      *lanes,
              const guint8 *const *data,
              gsize                size)
{
  update (lanes, data, size, UNIT_PLAIN);
}

#ifdef __x86_64__
__attribute__ ((target ("avx2"))) static void
update_avx2 (ShoalSha1Lanes      *lanes,
             const guint8 *const *data,
             gsize                size)
{
  update (lanes, data, size, UNIT_AVX2);
}

__attribute__ ((target ("avx512f,avx512bw"))) static void
update_avx512 (ShoalSha1Lanes      *lanes,
               const guint8 *const *data,
               gsize                size)
{
  update (lanes, data, size, UNIT_AVX512);
}

static Unit
best_unit (void)
{
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw"))
    return UNIT_AVX512;

  return __builtin_cpu_supports ("avx2") ? UNIT_AVX2 : UNIT_PLAIN;
}

static void
update_best (ShoalSha1Lanes      *lanes,
             const guint8 *const *data,
             gsize                size)
{
  switch (best_unit ())
    {
    case UNIT_AVX512:
      update_avx512 (lanes, data, size);
      break;

    case UNIT_AVX2:
      update_avx2 (lanes, data, size);
      break;

    case UNIT_PLAIN:
    default:
      update_plain (lanes, data, size);
      break;
    }
}
#else
#define best_unit() UNIT_PLAIN
#define update_best update_plain
#endif

/* Goes on with @count messages, lending the first one to the lanes that are left. */
static void
lanes_update (ShoalSha1Lanes      *lanes,
              const guint8 *const *data,
              guint                count,
              gsize                size)
{
  const guint8 *all[LANES];

  for (guint lane = 0; lane < LANES; lane++)
    all[lane] = data[lane < count ? lane : 0];

  if (lanes->size == 0)
    {
      for (guint i = 0; i < G_N_ELEMENTS (sha1_start); i++)
        {
          for (guint lane = 0; lane < LANES; lane++)
            lanes->state[i][lane] = sha1_start[i];
        }
    }

  update_best (lanes, all, size);
  lanes->size += size;
}

guint
shoal_sha1_max_lanes (void)
{
  return best_unit () == UNIT_PLAIN ? 1 : LANES;
}

void
shoal_sha1_lanes_update (ShoalSha1Lanes      *lanes,
                         const guint8 *const *data,
                         guint                count,
                         gsize                size)
{
  g_return_if_fail (lanes != NULL);
  g_return_if_fail (data != NULL);
  g_return_if_fail (count > 0 && count <= LANES);
  g_return_if_fail (size % BLOCK_SIZE == 0);

  if (size > 0)
    lanes_update (lanes, data, count, size);
}

void
shoal_sha1_lanes_finish (ShoalSha1Lanes *lanes,
                         guint           count,
                         ShoalSha1      *out)
{
  guint8 block[BLOCK_SIZE] = { 0x80 };   /* what every message of whole blocks ends with */
  const guint8 *data = block;
  guint64 n_bits;

  g_return_if_fail (lanes != NULL);
  g_return_if_fail (count > 0 && count <= LANES);
  g_return_if_fail (out != NULL);

  n_bits = GUINT64_TO_BE (lanes->size * 8);
  memcpy (block + BLOCK_SIZE - sizeof n_bits, &n_bits, sizeof n_bits);
  lanes_update (lanes, &data, 1, BLOCK_SIZE);

  for (guint lane = 0; lane < count; lane++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (sha1_start); i++)
        {
          guint32 word = GUINT32_TO_BE (lanes->state[i][lane]);

          memcpy (out[lane].bytes + i * sizeof word, &word, sizeof word);
        }
    }

  *lanes = (ShoalSha1Lanes){ 0 };
}
