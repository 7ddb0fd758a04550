/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The outbox: spans in order, partial sends, messages taken back, what it owns let go. */

#include "shoal-outbox.h"
#include "shoal-rng.h"
#include "shoal-test.h"

#include <string.h>

#define MAX_SPANS 64

typedef struct
{
  ShoalFileRef ref;
  guint        n_released;
} File;

static void
file_released (ShoalFileRef *ref)
{
  ((File *) ref)->n_released++;
}

static void
file_init (File *file)
{
  *file = (File){ .ref = { .fd = 7, .ref_count = 1, .release = file_released } };
}

static void
count_free (gpointer buffer)
{
  (*(guint8 *) buffer)++;
}

static void
append_text (ShoalOutbox *outbox,
             const char  *text)
{
  memcpy (shoal_outbox_append (outbox, strlen (text)), text, strlen (text));
}

/* All spans as text: bytes as they are, a file as <offset+size>, spans parted by |. */
static char *
describe (ShoalOutbox *outbox)
{
  g_autoptr(GString) text = g_string_new (NULL);
  ShoalSpan spans[MAX_SPANS];
  guint n = shoal_outbox_spans (outbox, spans, MAX_SPANS);

  for (guint i = 0; i < n; i++)
    {
      if (i > 0)
        g_string_append_c (text, '|');
      if (spans[i].file != NULL)
        g_string_append_printf (text, "<%u+%u>", (guint) spans[i].offset, spans[i].size);
      else
        g_string_append_len (text, (const char *) spans[i].bytes, spans[i].size);
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_spans (ShoalOutbox *outbox,
              const char  *expected)
{
  g_autofree char *found = describe (outbox);

  g_assert_cmpstr (found, ==, expected);
}

static void
test_small (void)
{
  g_autoptr(ShoalOutbox) outbox = shoal_outbox_new ();

  g_assert_cmpuint (shoal_outbox_size (outbox), ==, 0);
  assert_spans (outbox, "");
  append_text (outbox, "one");
  append_text (outbox, "two");
  assert_spans (outbox, "onetwo");
  shoal_outbox_sent (outbox, 4);
  assert_spans (outbox, "wo");
  append_text (outbox, "three");
  assert_spans (outbox, "wothree");
  g_assert_cmpuint (shoal_outbox_size (outbox), ==, 7);
  shoal_outbox_sent (outbox, 7);
  assert_spans (outbox, "");
  shoal_outbox_sent (outbox, 0);
}

static void
test_bodies (void)
{
  g_autoptr(ShoalOutbox) outbox = shoal_outbox_new ();
  guint8 body[] = "body";
  File file;

  file_init (&file);
  append_text (outbox, "a");
  shoal_outbox_append_file (outbox, (const guint8 *) "head", 4, &file.ref, 1000, 50, 1);
  shoal_outbox_append_buffer (outbox, (const guint8 *) "more", 4, body, 4, NULL, 2);
  append_text (outbox, "b");
  append_text (outbox, "c");
  shoal_file_ref_unref (&file.ref);

  assert_spans (outbox, "ahead|<1000+50>|more|body|bc");
  g_assert_cmpuint (shoal_outbox_size (outbox), ==, 65);
  g_assert_cmpuint (shoal_outbox_unsent_bodies (outbox), ==, 54);

  shoal_outbox_sent (outbox, 3);
  assert_spans (outbox, "ad|<1000+50>|more|body|bc");
  shoal_outbox_sent (outbox, 12);
  assert_spans (outbox, "<1010+40>|more|body|bc");
  g_assert_cmpuint (shoal_outbox_unsent_bodies (outbox), ==, 44);
  g_assert_cmpuint (file.n_released, ==, 0);
  shoal_outbox_sent (outbox, 40);
  g_assert_cmpuint (file.n_released, ==, 1);
  assert_spans (outbox, "more|body|bc");
  shoal_outbox_sent (outbox, 6);
  assert_spans (outbox, "dy|bc");
  shoal_outbox_sent (outbox, 4);
  g_assert_cmpuint (shoal_outbox_size (outbox), ==, 0);
}

/* Never more spans than asked for, and no hole before what is left out. */
static void
test_max_spans (void)
{
  g_autoptr(ShoalOutbox) outbox = shoal_outbox_new ();
  ShoalSpan spans[3];
  guint8 body[] = "body";

  append_text (outbox, "x");
  for (guint64 tag = 1; tag <= 2; tag++)
    shoal_outbox_append_buffer (outbox, (const guint8 *) "h", 1, body, 4, NULL, tag);

  g_assert_cmpuint (shoal_outbox_spans (outbox, spans, 0), ==, 0);
  g_assert_cmpuint (shoal_outbox_spans (outbox, spans, 1), ==, 1);
  g_assert_cmpmem (spans[0].bytes, spans[0].size, "xh", 2);
  g_assert_cmpuint (shoal_outbox_spans (outbox, spans, 2), ==, 2);
  g_assert_cmpuint (shoal_outbox_spans (outbox, spans, 3), ==, 3);
  g_assert_cmpmem (spans[1].bytes, spans[1].size, "body", 4);
  g_assert_cmpmem (spans[2].bytes, spans[2].size, "h", 1);
}

static void
test_drop (void)
{
  g_autoptr(ShoalOutbox) outbox = shoal_outbox_new ();
  guint8 body[5] = "\0aaa";
  File file;

  file_init (&file);
  shoal_outbox_append_buffer (outbox, (const guint8 *) "h1", 2, body, 4, count_free, 1);
  append_text (outbox, "x");
  shoal_outbox_append_file (outbox, (const guint8 *) "h2", 2, &file.ref, 0, 10, 2);
  append_text (outbox, "y");
  shoal_outbox_append_file (outbox, (const guint8 *) "h3", 2, &file.ref, 20, 10, 3);
  shoal_file_ref_unref (&file.ref);

  g_assert_false (shoal_outbox_drop (outbox, 4));
  g_assert_true (shoal_outbox_drop (outbox, 2));
  g_assert_false (shoal_outbox_drop (outbox, 2));
  g_assert_cmpuint (shoal_outbox_size (outbox), ==, 6 + 2 + 12);

  /* Begun: it has to be sent to its end. */
  shoal_outbox_sent (outbox, 1);
  g_assert_false (shoal_outbox_drop (outbox, 1));
  shoal_outbox_sent (outbox, 4);
  g_assert_false (shoal_outbox_drop (outbox, 1));
  g_assert_cmpuint (body[0], ==, 0);
  shoal_outbox_sent (outbox, 1);
  g_assert_cmpuint (body[0], ==, 1);
  assert_spans (outbox, "xyh3|<20+10>");

  g_assert_cmpuint (file.n_released, ==, 0);
  g_assert_true (shoal_outbox_drop (outbox, 3));
  g_assert_cmpuint (file.n_released, ==, 1);
  assert_spans (outbox, "xy");
}

static void
test_drop_first_and_last (void)
{
  g_autoptr(ShoalOutbox) outbox = shoal_outbox_new ();
  guint8 body[4] = { 0 };

  shoal_outbox_append_buffer (outbox, (const guint8 *) "h", 1, body, 4, count_free, 1);
  g_assert_true (shoal_outbox_drop (outbox, 1));
  g_assert_cmpuint (body[0], ==, 1);
  g_assert_cmpuint (shoal_outbox_size (outbox), ==, 0);
  assert_spans (outbox, "");

  /* Without a head, and the first again after one that was sent. */
  append_text (outbox, "z");
  shoal_outbox_append_buffer (outbox, NULL, 0, body, 4, count_free, 2);
  shoal_outbox_sent (outbox, 1);
  g_assert_true (shoal_outbox_drop (outbox, 2));
  g_assert_cmpuint (shoal_outbox_size (outbox), ==, 0);
}

static void
test_empty_parts (void)
{
  g_autoptr(ShoalOutbox) outbox = shoal_outbox_new ();
  guint8 body[1] = { 0 };
  File file;

  file_init (&file);
  shoal_outbox_append_buffer (outbox, NULL, 0, body, 0, count_free, 1);
  g_assert_cmpuint (body[0], ==, 1);
  shoal_outbox_append_buffer (outbox, (const guint8 *) "h", 1, body, 0, count_free, 2);
  shoal_outbox_append_file (outbox, (const guint8 *) "i", 1, &file.ref, 5, 0, 3);
  shoal_outbox_append_file (outbox, NULL, 0, &file.ref, 5, 0, 3);
  assert_spans (outbox, "hi");
  shoal_outbox_sent (outbox, 2);
  g_assert_cmpuint (body[0], ==, 2);
  g_assert_cmpuint (file.ref.ref_count, ==, 1);
}

static void
test_free (void)
{
  ShoalOutbox *outbox = shoal_outbox_new ();
  guint8 body[4] = { 0 };
  File file;

  file_init (&file);
  append_text (outbox, "abc");
  shoal_outbox_append_buffer (outbox, NULL, 0, body, 4, count_free, 1);
  shoal_outbox_append_file (outbox, NULL, 0, &file.ref, 0, 4, 2);
  shoal_file_ref_unref (&file.ref);
  shoal_outbox_sent (outbox, 4);

  g_assert_cmpuint (file.n_released, ==, 0);
  shoal_outbox_free (outbox);
  g_assert_cmpuint (body[0], ==, 1);
  g_assert_cmpuint (file.n_released, ==, 1);
}

/* Random traffic against the bytes that should come out of it; message k is made of the byte k. */
typedef struct
{
  GByteArray *expected;   /* not sent yet */
  guint64     tag;
  gsize       at;         /* of the last tagged message in @expected */
  gsize       size;
} Model;

static void
add_random (ShoalOutbox *outbox,
            ShoalRng    *rng,
            Model       *model,
            guint8       mark)
{
  guint8 head[13];
  gsize size = 1 + shoal_rng_below (rng, 300);
  guint8 *body;

  memset (head, mark, sizeof head);
  if (shoal_rng_below (rng, 3) > 0)
    {
      memset (shoal_outbox_append (outbox, size), mark, size);
    }
  else
    {
      body = g_malloc (size);
      memset (body, mark, size);
      model->tag++;
      shoal_outbox_append_buffer (outbox, head, sizeof head, body, size, g_free, model->tag);
      size += sizeof head;
      model->at = model->expected->len;
      model->size = size;
    }

  g_byte_array_set_size (model->expected, model->expected->len + (guint) size);
  memset (model->expected->data + model->expected->len - size, mark, size);
}

static void
drop_last (ShoalOutbox *outbox,
           Model       *model)
{
  if (model->size == 0)
    return;

  g_assert_true (shoal_outbox_drop (outbox, model->tag));
  g_byte_array_remove_range (model->expected, (guint) model->at, (guint) model->size);
  model->size = 0;
}

static void
send_random (ShoalOutbox *outbox,
             ShoalRng    *rng,
             Model       *model)
{
  ShoalSpan spans[4];
  guint n = shoal_outbox_spans (outbox, spans, G_N_ELEMENTS (spans));
  gsize total = 0;
  gsize sent;

  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpuint (total + spans[i].size, <=, model->expected->len);
      g_assert_cmpmem (spans[i].bytes, spans[i].size, model->expected->data + total, spans[i].size);
      total += spans[i].size;
    }
  if (n < G_N_ELEMENTS (spans))
    g_assert_cmpuint (total, ==, model->expected->len);

  sent = shoal_rng_below (rng, (guint32) total + 1);
  shoal_outbox_sent (outbox, sent);
  if (sent > 0)
    g_byte_array_remove_range (model->expected, 0, (guint) sent);

  /* Once some of it has gone, the last tagged message is no longer one to take back. */
  if (sent > model->at)
    model->size = 0;
  else
    model->at -= sent;
}

static void
test_random (void)
{
  g_autoptr(ShoalOutbox) outbox = shoal_outbox_new ();
  g_autoptr(GByteArray) expected = g_byte_array_new ();
  Model model = { .expected = expected };
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint step = 0; step < 20000; step++)
    {
      guint kind = shoal_rng_below (&rng, 20);

      if (kind < 8)
        add_random (outbox, &rng, &model, (guint8) step);
      else if (kind < 10)
        drop_last (outbox, &model);
      else
        send_random (outbox, &rng, &model);
      g_assert_cmpuint (shoal_outbox_size (outbox), ==, expected->len);
    }
}

static void
append_block (ShoalOutbox *outbox,
              const char  *head,
              const char  *body,
              guint64      tag)
{
  shoal_outbox_append_buffer (outbox, (const guint8 *) head, strlen (head),
                              (guint8 *) g_strdup (body), strlen (body), g_free, tag);
}

/* Takes all spans out, @most bytes of them, and deciphers them. */
static void
receive (ShoalOutbox *outbox,
         ShoalRc4    *rc4,
         GString     *received,
         gsize        most)
{
  ShoalSpan spans[8];
  guint n = shoal_outbox_spans (outbox, spans, G_N_ELEMENTS (spans));
  gsize start = received->len;

  for (guint i = 0; i < n && most > 0; i++)
    {
      gsize size = MIN (most, spans[i].size);

      g_string_append_len (received, (const char *) spans[i].bytes, size);
      most -= size;
    }
  shoal_outbox_sent (outbox, received->len - start);
  if (rc4 != NULL)
    shoal_rc4_apply (rc4, (guint8 *) received->str + start, received->len - start);
}

/* However the ciphering runs ahead of the sending, the other end reads what was said; what was
 * enciphered is not taken back. */
static void
test_encipher (void)
{
  ShoalRc4 start;

  shoal_rc4_init (&start, (const guint8 *) "key", 3);
  for (gsize ahead = 1; ahead < 30; ahead++)
    {
      g_autoptr(ShoalOutbox) outbox = shoal_outbox_new ();
      g_autoptr(GString) received = g_string_new (NULL);
      ShoalRc4 out = start;
      ShoalRc4 in = start;

      append_text (outbox, "plain");
      shoal_outbox_seal (outbox);
      append_text (outbox, "ab");
      append_block (outbox, "head", "a body", 1);
      append_block (outbox, "HEAD", "A BODY", 2);
      shoal_outbox_encipher (outbox, &out, 5 + ahead);
      g_assert_true (shoal_outbox_drop (outbox, 2) == (ahead <= 12));
      g_assert_true (shoal_outbox_drop (outbox, 1) == (ahead <= 2));
      append_text (outbox, "end");

      receive (outbox, NULL, received, 5);
      while (shoal_outbox_size (outbox) > 0)
        {
          shoal_outbox_encipher (outbox, &out, ahead);
          receive (outbox, &in, received, MAX (ahead / 2, 1));
        }
      g_assert_cmpstr (received->str, ==,
                       ahead <= 2    ? "plainabend"
                       : ahead <= 12 ? "plainabheada bodyend"
                                     : "plainabheada bodyHEADA BODYend");
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/outbox/small", test_small);
  g_test_add_func ("/outbox/bodies", test_bodies);
  g_test_add_func ("/outbox/max-spans", test_max_spans);
  g_test_add_func ("/outbox/drop", test_drop);
  g_test_add_func ("/outbox/drop-first-and-last", test_drop_first_and_last);
  g_test_add_func ("/outbox/empty-parts", test_empty_parts);
  g_test_add_func ("/outbox/free", test_free);
  g_test_add_func ("/outbox/random", test_random);
  g_test_add_func ("/outbox/encipher", test_encipher);

  return g_test_run ();
}
