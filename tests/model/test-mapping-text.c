/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sentences about the router. */

#include "shoal-mapping-text.h"

static void
test_texts (void)
{
  static const struct
  {
    ShoalMapping mapping;
    const char  *text;
  } cases[] = {
    { { .state = SHOAL_MAP_OFF }, NULL },
    { { .state = SHOAL_MAP_SEARCHING }, "Asking the router for an open port." },
    { { .state = SHOAL_MAP_FAILED, .reason = SHOAL_MAP_REASON_NO_GATEWAY },
      "There is no router on the way to the internet." },
    { { .state = SHOAL_MAP_FAILED, .reason = SHOAL_MAP_REASON_NO_ANSWER },
      "The router offers no way to open a port." },
    { { .state = SHOAL_MAP_FAILED, .reason = SHOAL_MAP_REASON_REFUSED },
      "The router refuses to open a port." },
    { { .state = SHOAL_MAP_DONE, .method = SHOAL_MAP_METHOD_UPNP, .tcp_port = 1, .udp_port = 2 },
      "The router has opened port 1 (UPnP)." },
    { { .state = SHOAL_MAP_DONE, .method = SHOAL_MAP_METHOD_NAT_PMP, .udp_port = 2 },
      "The router has opened port 2 (NAT-PMP)." },
    { { .state = SHOAL_MAP_DONE, .method = SHOAL_MAP_METHOD_PCP, .tcp_port = 3, .nested = TRUE },
      "The router has opened port 3, but is itself behind another router or provider that it does "
      "not control." },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = shoal_mapping_text (&cases[i].mapping);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/mapping-text/texts", test_texts);
  return g_test_run ();
}
