/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: the encrypted handshake. Bytes as they are to either end, or two ends that talk,
 * with the input deciding where they are cut and changed. */

#include "shoal-mse.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

#define TURNS_MAX 400u

typedef struct
{
  const guint8 *at;
  const guint8 *end;
} Source;

typedef struct
{
  ShoalMse      *mse;
  ShoalMseStatus status;
  GByteArray    *out;
} End;

static const ShoalSha1 key = { "the only info-hash !" };

static guint8
draw (Source *source)
{
  return source->at < source->end ? *source->at++ : 0;
}

static gboolean
find_key (gpointer         owner,
          const ShoalSha1 *req2,
          ShoalSha1       *out)
{
  ShoalSha1 wanted;

  shoal_mse_req2 (&key, &wanted);
  *out = key;

  return memcmp (&wanted, req2, sizeof wanted) == 0;
}

static ShoalMse *
make (Source  *source,
      gboolean dialled)
{
  ShoalMseChance chance = { .secret = { draw (source), dialled } };
  ShoalMseMethod methods = 1 + draw (source) % 3;
  guint8 initial[SHOAL_MSE_INITIAL_MAX] = { 0 };

  chance.pad_sizes[0] = (guint16) (draw (source) * 3);
  chance.pad_sizes[1] = (guint16) (draw (source) * 3);

  return dialled ? shoal_mse_new_dialled (methods, &key, &chance, initial, draw (source))
                 : shoal_mse_new_accepted (methods, find_key, NULL, &chance);
}

static void
collect (End *end)
{
  gsize size;
  const guint8 *bytes = shoal_mse_output (end->mse, &size);

  if (size > 0)
    g_byte_array_append (end->out, bytes, (guint) size);
}

static gboolean
pass (End      *from,
      End      *to,
      Source   *source,
      gboolean *changed)
{
  guint8 most = draw (source);
  gsize size = MIN (from->out->len, 1 + (most & 0x7f) * 8u);
  gsize used;

  if (size == 0 || to->status != SHOAL_MSE_MORE)
    return FALSE;
  if (most & 0x80)
    {
      guint8 by = draw (source);

      from->out->data[draw (source) * 4u % size] ^= by;
      *changed |= by != 0;
    }
  to->status = shoal_mse_feed (to->mse, from->out->data, size, &used);
  g_assert (used <= size);
  g_assert (to->status != SHOAL_MSE_MORE || used == size);
  g_byte_array_remove_range (from->out, 0, (guint) used);
  collect (to);

  return TRUE;
}

static void
talk (Source *source)
{
  gboolean changed = FALSE;
  End ends[2];
  guint turns = 0;

  for (guint i = 0; i < 2; i++)
    {
      ends[i] = (End){ make (source, i == 0), SHOAL_MSE_MORE, g_byte_array_new () };
      collect (&ends[i]);
    }
  while (turns++ < TURNS_MAX
         && (pass (&ends[0], &ends[1], source, &changed)
             | pass (&ends[1], &ends[0], source, &changed)))
    ;
  if (ends[0].status == SHOAL_MSE_DONE && ends[1].status == SHOAL_MSE_DONE && !changed)
    {
      ShoalMseStream a, b;

      shoal_mse_stream (ends[0].mse, &a);
      shoal_mse_stream (ends[1].mse, &b);
      g_assert (a.method == b.method);
      g_assert (memcmp (&b.key, &key, sizeof key) == 0);
      g_assert (memcmp (&a.in, &b.out, sizeof a.in) == 0);
    }
  for (guint i = 0; i < 2; i++)
    {
      shoal_mse_free (ends[i].mse);
      g_byte_array_unref (ends[i].out);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  Source source = { data, data + size };
  guint8 kind = draw (&source);

  if (kind % 4 != 0)
    {
      talk (&source);
    }
  else
    {
      g_autoptr(ShoalMse) mse = make (&source, kind & 4);
      gsize used;

      shoal_mse_feed (mse, source.at, (gsize) (source.end - source.at), &used);
    }

  return 0;
}
