/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer ids as programs really send them. */

#include "shoal-client-name.h"
#include "shoal-rng.h"
#include "shoal-test.h"
#include <string.h>

static void
test_known (void)
{
  static const struct
  {
    const char *id;
    const char *name;   /* NULL: not known */
  } cases[] = {
    { "-qB4520-abcdefghijkl", "qBittorrent 4.5.2" },
    { "-qB4600-abcdefghijkl", "qBittorrent 4.6" },
    { "-TR2940-abcdefghijkl", "Transmission 2.94" },
    { "-TR3000-abcdefghijkl", "Transmission 3.00" },
    { "-TR4050-abcdefghijkl", "Transmission 4.0.5" },
    { "-UT355S-abcdefghijkl", "µTorrent 3.5.5" },
    { "-LT2080-abcdefghijkl", "libtorrent 2.0.8" },
    { "-lt0D80-abcdefghijkl", "rTorrent 0.13.8" },
    { "-DE211s-abcdefghijkl", "Deluge 2.1.1" },
    { "-AZ5760-abcdefghijkl", "Vuze 5.7.6" },
    { "-BI3400-abcdefghijkl", "BiglyBT 3.4" },
    { "-BC0170-abcdefghijkl", "BitComet 1.70" },
    { "-KT33D1-abcdefghijkl", "KTorrent 3.3.13" },
    { "-SH0100-abcdefghijkl", "Shoal 0.1" },
    { "-WW0102-abcdefghijkl", "WebTorrent 1.02" },
    { "-SD0100-abcdefghijkl", "Xunlei 0.1" },
    { "-ML2.7.2-abcdefghijk", "MLDonkey" },
    { "-AZ____-abcdefghijkl", "Vuze" },
    { "A2-1-36-0-abcdefghij", "aria2 1.36.0" },
    { "A2-nothing-of-that-k", "aria2" },
    { "M7-2-0--abcdefghijkl", "BitTorrent 7.2.0" },
    { "M10-1-2-abcdefghijkl", "BitTorrent 10.1.2" },
    { "T03I-----abcdefghijk", "BitTornado 0.3.18" },
    { "S58B-----abcdefghijk", "Shadow's client 5.8.11" },
    { "R600------bcdefghijk", "Tribler 6.0.0" },
    { "exbc\0\70abcdefghijklmn", "BitComet" },
    { "exbc\0\70LORDefghijklmn", "BitLord" },
    { "XBT054d-abcdefghijkl", "XBT Client" },
    { "OP7685abcdefghijklmn", "Opera" },
    { "\0\0\0\0\0Azureusghijklmn", "Azureus" },
    { "-ZZ1234-abcdefghijkl", NULL },
    { "Mabcdefghijklmnopqrs", NULL },
    { "M7-2----abcdefghijkl", NULL },
    { "T\1\2\3----abcdefghijkl", NULL },
    { "12345678901234567890", NULL },
    { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ShoalPeerId id;
      g_autofree char *name = NULL;

      memcpy (id.bytes, cases[i].id, sizeof id.bytes);
      name = shoal_client_name (&id);
      g_assert_cmpstr (name, ==, cases[i].name);
    }
  g_assert_cmpuint (shoal_client_name_count (), >=, 60);
}

/* Whatever comes, it is text. */
static void
test_any (void)
{
  static const char beginnings[] = "-AMTSRQOU";
  ShoalRng rng;

  shoal_rng_init (&rng, shoal_test_seed ());
  for (guint i = 0; i < 100000; i++)
    {
      ShoalPeerId id;
      g_autofree char *name = NULL;

      shoal_rng_bytes (&rng, id.bytes, sizeof id.bytes);
      id.bytes[0] = (guint8) beginnings[i % (sizeof beginnings - 1)];
      if (i % 3 == 0)
        memset (id.bytes + 3, '-', 6);
      name = shoal_client_name (&id);
      if (name != NULL)
        {
          g_assert_true (g_utf8_validate (name, -1, NULL));
          g_assert_cmpuint (strlen (name), <, 64);
        }
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/client-name/known", test_known);
  g_test_add_func ("/wire/client-name/any", test_any);

  return g_test_run ();
}
