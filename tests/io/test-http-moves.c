/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Redirects that are kept: for how long, how many, and that one is forgotten. */

#include "shoal-http-moves.h"

#define NOW (100 * G_USEC_PER_SEC)

static void
keep (ShoalHttpMoves *moves,
      const char     *url,
      const char     *to,
      gboolean        permanent,
      gint64          now_us)
{
  g_autoptr(GUri) uri = g_uri_parse (to, G_URI_FLAGS_NONE, NULL);

  shoal_http_moves_keep (moves, url, uri, permanent, now_us);
}

/* @to: (nullable): nowhere */
static void
expect (ShoalHttpMoves *moves,
        const char     *url,
        const char     *to,
        gint64          now_us)
{
  g_autoptr(GUri) found = shoal_http_moves_find (moves, url, now_us);
  g_autofree char *text = found != NULL ? g_uri_to_string (found) : NULL;

  g_assert_cmpstr (text, ==, to);
}

static void
test_times (void)
{
  g_autoptr(ShoalHttpMoves) moves = shoal_http_moves_new ();

  expect (moves, "http://a/1", NULL, NOW);
  keep (moves, "http://a/1", "http://b/1", FALSE, NOW);
  keep (moves, "http://a/2", "http://b/2", TRUE, NOW);
  expect (moves, "http://a/1", "http://b/1", NOW + SHOAL_HTTP_MOVE_US - 1);
  expect (moves, "http://a/1", NULL, NOW + SHOAL_HTTP_MOVE_US);
  expect (moves, "http://a/2", "http://b/2", G_MAXINT64 - 1);
  keep (moves, "http://a/2", "http://c/2", FALSE, NOW);
  expect (moves, "http://a/2", "http://c/2", NOW);
  expect (moves, "http://a/2", NULL, NOW + SHOAL_HTTP_MOVE_US);
}

static void
test_forgotten (void)
{
  g_autoptr(ShoalHttpMoves) moves = shoal_http_moves_new ();

  keep (moves, "http://a/1", "http://b/1", TRUE, NOW);
  keep (moves, "http://a/2", "http://b/2", TRUE, NOW);
  shoal_http_moves_forget (moves, "http://a/1");
  shoal_http_moves_forget (moves, "http://a/none");
  expect (moves, "http://a/1", NULL, NOW);
  expect (moves, "http://a/2", "http://b/2", NOW);
  shoal_http_moves_clear (moves);
  expect (moves, "http://a/2", NULL, NOW);
}

static void
test_limits (void)
{
  g_autoptr(ShoalHttpMoves) moves = shoal_http_moves_new ();
  g_autofree char *filler = g_strnfill (SHOAL_HTTP_MOVE_SIZE_MAX, 'x');
  g_autofree char *large = g_strconcat ("http://a/", filler, NULL);

  keep (moves, large, "http://b/", TRUE, NOW);
  keep (moves, "http://a/", large, TRUE, NOW);
  expect (moves, large, NULL, NOW);
  expect (moves, "http://a/", NULL, NOW);

  /* The one that would end first makes room; permanent ones stay. */
  keep (moves, "http://a/for-good", "http://b/for-good", TRUE, NOW);
  for (guint i = 0; i < SHOAL_HTTP_MOVES_MAX; i++)
    {
      g_autofree char *url = g_strdup_printf ("http://a/%u", i);

      keep (moves, url, "http://b/", FALSE, NOW + i);
    }
  expect (moves, "http://a/0", NULL, NOW);
  expect (moves, "http://a/1", "http://b/", NOW);
  expect (moves, "http://a/for-good", "http://b/for-good", NOW);

  /* What is there already needs no room. */
  keep (moves, "http://a/1", "http://c/", FALSE, NOW + 1);
  expect (moves, "http://a/1", "http://c/", NOW);
  expect (moves, "http://a/2", "http://b/", NOW);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/http-moves/times", test_times);
  g_test_add_func ("/io/http-moves/forgotten", test_forgotten);
  g_test_add_func ("/io/http-moves/limits", test_limits);

  return g_test_run ();
}
