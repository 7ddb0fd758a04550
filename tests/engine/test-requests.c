/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outstanding requests: order, late answers, forgetting. */

#include "shoal-requests.h"

static ShoalBlock
block (guint32 piece,
       guint32 index)
{
  return (ShoalBlock){ piece, index };
}

static void
test_order (void)
{
  ShoalRequests requests = { 0 };
  ShoalRequest taken;

  for (guint32 i = 0; i < 100; i++)
    shoal_requests_push (&requests, block (i / 4, i % 4), i);
  for (guint32 i = 0; i < 100; i++)
    {
      g_assert_cmpint (shoal_requests_peek (&requests, 0)->sent_us, ==, i);
      g_assert_cmpint (shoal_requests_take (&requests, block (i / 4, i % 4), &taken), ==,
                       SHOAL_REQUEST_LIVE);
      g_assert_cmpint (taken.sent_us, ==, i);
      g_assert_true (taken.first == (i == 0));
    }
  g_assert_cmpuint (requests.n_live, ==, 0);
  g_assert_cmpint (shoal_requests_take (&requests, block (0, 0), NULL), ==, SHOAL_REQUEST_UNKNOWN);
  shoal_requests_clear (&requests);
}

static void
test_out_of_order (void)
{
  ShoalRequests requests = { 0 };

  for (guint32 i = 0; i < 20; i++)
    shoal_requests_push (&requests, block (i, 0), i);
  g_assert_cmpint (shoal_requests_take (&requests, block (7, 0), NULL), ==, SHOAL_REQUEST_LIVE);
  g_assert_cmpint (shoal_requests_take (&requests, block (7, 0), NULL), ==, SHOAL_REQUEST_UNKNOWN);
  g_assert_cmpuint (shoal_requests_peek (&requests, 0)->block.piece, ==, 0);
  g_assert_cmpuint (shoal_requests_peek (&requests, 7)->block.piece, ==, 8);
  shoal_requests_clear (&requests);
}

static void
test_late (void)
{
  ShoalRequests requests = { 0 };
  ShoalBlock dropped;

  shoal_requests_push (&requests, block (1, 0), 0);
  shoal_requests_push (&requests, block (2, 0), 0);
  g_assert_true (shoal_requests_drop (&requests, block (2, 0), 10));
  g_assert_false (shoal_requests_drop (&requests, block (2, 0), 10));
  g_assert_true (shoal_requests_drop_oldest (&requests, &dropped, 20));
  g_assert_cmpuint (dropped.piece, ==, 1);
  g_assert_false (shoal_requests_drop_oldest (&requests, &dropped, 20));
  g_assert_cmpint (shoal_requests_take (&requests, block (1, 0), NULL), ==, SHOAL_REQUEST_LATE);
  shoal_requests_age (&requests, 10 + SHOAL_LATE_US);
  g_assert_cmpuint (requests.n_late, ==, 1);
  shoal_requests_age (&requests, 11 + SHOAL_LATE_US);
  g_assert_cmpint (shoal_requests_take (&requests, block (2, 0), NULL), ==, SHOAL_REQUEST_UNKNOWN);
  shoal_requests_clear (&requests);
}

static void
test_late_is_bounded (void)
{
  ShoalRequests requests = { 0 };

  for (guint32 i = 0; i < SHOAL_LATE_MAX + 10; i++)
    {
      shoal_requests_push (&requests, block (i, 0), 0);
      g_assert_true (shoal_requests_drop (&requests, block (i, 0), 0));
    }
  g_assert_cmpuint (requests.n_late, ==, SHOAL_LATE_MAX);
  g_assert_cmpint (shoal_requests_take (&requests, block (9, 0), NULL), ==, SHOAL_REQUEST_UNKNOWN);
  g_assert_cmpint (shoal_requests_take (&requests, block (10, 0), NULL), ==, SHOAL_REQUEST_LATE);
  shoal_requests_clear (&requests);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/requests/order", test_order);
  g_test_add_func ("/requests/out-of-order", test_out_of_order);
  g_test_add_func ("/requests/late", test_late);
  g_test_add_func ("/requests/late-is-bounded", test_late_is_bounded);

  return g_test_run ();
}
