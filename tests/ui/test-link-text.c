/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links in text. */

#include "shoal-link-text.h"

#include <string.h>

#define HEX "0123456789abcdef0123456789ABCDEF01234567"
#define BASE32 "abcdefghijklmnopqrstuvwxyz234567"

static void
test_find (void)
{
  static const struct
  {
    const char *text;
    const char *found[4];
  } cases[] = {
    { NULL, { NULL } },
    { "", { NULL } },
    { "just words", { NULL } },
    { "magnet:?", { NULL } },
    { "magnet:?xt=urn:btih:" HEX, { "magnet:?xt=urn:btih:" HEX } },
    { " \n MAGNET:?xt=x&dn=a%20b\r\n", { "MAGNET:?xt=x&dn=a%20b" } },
    { "see http://example.org/a.torrent and\thttps://example.org/b?c",
      { "http://example.org/a.torrent", "https://example.org/b?c" } },
    { HEX, { "magnet:?xt=urn:btih:" HEX } },
    { BASE32, { "magnet:?xt=urn:btih:" BASE32 } },
    { "0" HEX, { NULL } },
    { "file:///etc/passwd ftp://example.org/x", { NULL } },
    { "magnet:?xt=\xff", { NULL } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto(GStrv) links = shoal_link_text_find (cases[i].text);

      g_assert_cmpstrv (links, cases[i].found);
    }
}

static void
test_limit (void)
{
  g_autoptr(GString) text = g_string_new (NULL);
  g_auto(GStrv) links = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "magnet:?xt=%u\n", i);

  links = shoal_link_text_find (text->str);
  g_assert_cmpuint (g_strv_length (links), ==, 100);
  g_assert_cmpstr (links[99], ==, "magnet:?xt=99");
}

static void
test_is_torrent (void)
{
  g_assert_true (shoal_link_text_is_torrent ("magnet:?xt=x"));
  g_assert_true (shoal_link_text_is_torrent ("https://example.org/a.torrent"));
  g_assert_true (shoal_link_text_is_torrent ("http://example.org/a.TORRENT?key=1#2"));
  g_assert_false (shoal_link_text_is_torrent ("https://example.org/"));
  g_assert_false (shoal_link_text_is_torrent ("https://example.org/?a.torrent"));
  g_assert_false (shoal_link_text_is_torrent (".torrent"));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/ui/link-text/find", test_find);
  g_test_add_func ("/ui/link-text/limit", test_limit);
  g_test_add_func ("/ui/link-text/is-torrent", test_is_torrent);

  return g_test_run ();
}
